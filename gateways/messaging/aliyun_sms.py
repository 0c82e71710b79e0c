"""Text messages to China through Alibaba Cloud (Dysmsapi 2017-05-25): approved templates only.

https://help.aliyun.com/document_detail/419273.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TypeVar
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel, Field, ValidationError

from domain.notification import Accepted
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.http import error_for, send
from gateways.messaging.aliyun_signing import canonical_query, signed_headers
from gateways.messaging.refusals import AddressRefused, Unsubscribed

PROVIDER = "aliyun"

_VERSION = "2017-05-25"
_CHINA = ZoneInfo("Asia/Shanghai")
# An operator fills at most so many characters into one place of a template.
_LONGEST_PARAMETER = 35
_PAUSE_PER_NUMBER = timedelta(seconds=60)

_BAD_NUMBER = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"})
_UNSUBSCRIBED = frozenset({"isv.BLACK_KEY_CONTROL_LIMIT"})
_OURS = frozenset(
    {
        "isp.RAM_PERMISSION_DENY",
        "isv.ACCOUNT_ABNORMAL",
        "isv.ACCOUNT_NOT_EXISTS",
        "isv.AMOUNT_NOT_ENOUGH",
        "isv.DAY_LIMIT_CONTROL",
        "isv.MONTH_LIMIT_CONTROL",
        "isv.OUT_OF_SERVICE",
        "isv.PRODUCT_UN_SUBSCRIPT",
        "isv.SMS_SIGNATURE_ILLEGAL",
        "isv.SMS_TEMPLATE_ILLEGAL",
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "InvalidAccessKeyId.NotFound",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
    }
)
_LATER = ("isp.SYSTEM_ERROR", "Throttling", "ServiceUnavailable", "InternalError")
_PER_NUMBER = "isv.BUSINESS_LIMIT_CONTROL"
_PER_DAY = "天级"


class _Answer(BaseModel):
    code: str = Field(default="", alias="Code")
    message: str = Field(default="", alias="Message")
    biz_id: str = Field(default="", alias="BizId")


class _Sent(BaseModel):
    out_id: str = Field(default="", alias="OutId")


class _SentList(BaseModel):
    items: tuple[_Sent, ...] = Field(default=(), alias="SmsSendDetailDTO")


class _Details(_Answer):
    sent: _SentList = Field(default=_SentList(), alias="SmsSendDetailDTOs")


A = TypeVar("A", bound=_Answer)


class AliyunSms:
    """Meets `SmsSender`.

    `templates` maps our kinds to approved template codes (`SMS_…`); a kind without one cannot be
    sent. `sign_name` is the approved signature, without brackets.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        key_id: str,
        key_secret: str,
        sign_name: str,
        templates: Mapping[str, str],
        base_url: str,
    ) -> None:
        self._client = client
        self._key_id = key_id
        self._key_secret = key_secret
        self._sign_name = sign_name
        self._templates = templates
        self._url = httpx.URL(base_url)

    async def send(
        self,
        *,
        to: str,
        template: str,
        params: dict[str, str],
        text: str,  # noqa: ARG002 - operators in China take templates only
        notification_id: str,
    ) -> Accepted:
        """Hand the message to Alibaba Cloud. Not idempotent: after `OutcomeUnknown`, ask `find`.

        Raises:
            AddressRefused: the number is none; `Unsubscribed` if it is on the operators' list.
            GatewayRejected: there is no template, or the message is refused for another reason.
            GatewayAuthError: credentials, balance, signature or template: page someone.
            RateLimited: too many at the moment.
            OutcomeUnknown: it may have been taken.
            ConnectionError: nothing was sent.
        """
        code = self._templates.get(template)
        if code is None:
            raise GatewayRejected("no_template", f"no approved template for {template}")
        filled = {name: value[:_LONGEST_PARAMETER] for name, value in params.items()}
        answer = await self._call(
            "SendSms",
            {
                "PhoneNumbers": _number(to),
                "SignName": self._sign_name,
                "TemplateCode": code,
                "TemplateParam": json.dumps(filled, ensure_ascii=False),
                "OutId": notification_id,
            },
            _Answer,
        )
        return Accepted(provider=PROVIDER, message_id=answer.biz_id)

    async def find(
        self,
        *,
        to: str,
        text: str,  # noqa: ARG002
        notification_id: str,
        since: datetime,
    ) -> Accepted | None:
        """The message that carries our notification's id."""
        query = {
            "PhoneNumber": _number(to),
            "SendDate": since.astimezone(_CHINA).strftime("%Y%m%d"),
            "PageSize": "50",
            "CurrentPage": "1",
        }
        details = await self._call("QuerySendDetails", query, _Details)
        if any(sent.out_id == notification_id for sent in details.sent.items):
            # The list does not say BizId; receipts carry our own id, which is enough.
            return Accepted(provider=PROVIDER, message_id=notification_id)
        return None

    async def _call(self, action: str, parameters: Mapping[str, str], model: type[A]) -> A:
        query = canonical_query(parameters)
        # Encoded once, as signed: httpx would encode it in its own way.
        url = self._url.copy_with(raw_path=f"{self._url.path}?{query}".encode())
        headers = signed_headers(
            host=url.netloc.decode(),
            path=url.path,
            action=action,
            version=_VERSION,
            query=query,
            key_id=self._key_id,
            key_secret=self._key_secret,
            nonce=token_hex(16),
            at=datetime.now(UTC),
        )
        request = self._client.build_request("POST", url, headers=headers)
        response = await send(self._client, request)
        return _checked(response, model)


def _checked(response: httpx.Response, model: type[A]) -> A:
    try:
        answer = model.model_validate_json(response.content)
    except ValidationError as error:
        if response.is_success:
            raise OutcomeUnknown("Alibaba Cloud's answer cannot be read") from error
        raise error_for(response.status_code, response.headers) from error
    if answer.code == "OK":
        return answer
    raise _failure(answer, response)


def _failure(answer: _Answer, response: httpx.Response) -> Exception:
    code = answer.code
    if code in _UNSUBSCRIBED:
        return Unsubscribed(PROVIDER, code, "the number is on the operators' list")
    if code in _BAD_NUMBER:
        return AddressRefused(PROVIDER, code, "the number cannot be reached")
    if code in _OURS:
        return GatewayAuthError(code)
    if code == _PER_NUMBER:
        if _PER_DAY in answer.message:
            return GatewayRejected(code, "the number had its share for today")
        return RateLimited(code, _PAUSE_PER_NUMBER)
    if code.startswith(_LATER):
        return RateLimited(code)
    if response.is_success:
        return GatewayRejected(code, "refused")
    return error_for(response.status_code, response.headers, code=code)


def _number(e164: str) -> str:
    """China's numbers without their country's code, others without the plus."""
    return e164.removeprefix("+86") if e164.startswith("+86") else e164.removeprefix("+")
