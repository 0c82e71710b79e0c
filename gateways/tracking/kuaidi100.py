"""Kuaidi100 (快递100): the aggregator for carriers in China (实时查询 and 订阅推送)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qs

import httpx
from pydantic import BaseModel, ValidationError

from domain.tracking import TrackingCallback, TrackingSnapshot, TrackingStatus
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    InvalidCallback,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.http import error_for, send
from gateways.tracking.carriers import canonical_carrier
from gateways.tracking.kuaidi100_objects import Push, Result, Subscribed, carrier_named
from gateways.tracking.kuaidi100_signing import is_signed, sign_query

T = TypeVar("T", bound=BaseModel)

# Our carriers' names, and Kuaidi100's codes for them.
CODES: Mapping[str, str] = {
    "sf-express": "shunfeng",
    "yto": "yuantong",
    "zto-express": "zhongtong",
    "jd-express": "jd",
    "china-ems": "ems",
    "dhl": "dhl",
    "ups": "ups",
    "fedex": "fedex",
}

# These tell nobody about a parcel who does not know the recipient's or the sender's number.
_ASK_FOR_PHONE = {"sf-express", "zto-express"}

_SUBSCRIBED = {"200", "501"}  # 501: subscribed already
_NO_NEWS = "500"  # of a query
_BUSY = {"501", "502"}  # of a query
_NOT_OURS = {"503", "600", "601"}  # signature, key, balance
_UNAVAILABLE = "500"  # of a subscription
_STOPPED = "abort"


class Kuaidi100Tracking:
    """Meets `TrackingGateway`. `callback_url` is where pushes are to come, signed with `salt`."""

    name = "kuaidi100"

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        customer: str,
        key: str,
        salt: str,
        callback_url: str,
        codes: Mapping[str, str] = CODES,
    ) -> None:
        self._client = client
        self._base = base_url.rstrip("/")
        self._customer = customer
        self._key = key
        self._salt = salt
        self._callback_url = callback_url
        self._codes = codes
        self._carriers = {code: carrier for carrier, code in codes.items()}

    async def register(
        self,
        tracking_number: str,
        carrier: str,
        order_number: str,  # noqa: ARG002 - Kuaidi100 has no place for it
        phone_tail: str = "",
    ) -> None:
        """Have a parcel's news pushed. At most four times a month for one parcel."""
        param = {
            "company": self._code(carrier),
            "number": tracking_number,
            "key": self._key,
            "parameters": {
                "callbackurl": self._callback_url,
                "salt": self._salt,
                "resultv2": "4",
                **self._phone(carrier, phone_tail),
            },
        }
        response = await self._post("/poll", schema="json", param=_compact(param))
        answer = _read(Subscribed, response)
        if answer.return_code not in _SUBSCRIBED:
            raise _failure(answer.return_code, answer.message, transient={_UNAVAILABLE})

    async def fetch(
        self, tracking_number: str, carrier: str, phone_tail: str = ""
    ) -> TrackingSnapshot:
        """Where the parcel is now. Not oftener than every 30 minutes: the parcel gets locked.

        Raises:
            NotFound: there is no news of it yet.
        """
        param = _compact(
            {
                "com": self._code(carrier),
                "num": tracking_number,
                "resultv2": "4",
                "show": "0",
                "order": "desc",
                **self._phone(carrier, phone_tail),
            }
        )
        sign = sign_query(param, self._key, self._customer)
        response = await self._post(
            "/poll/query.do", customer=self._customer, sign=sign, param=param
        )
        result = _read(Result, response)
        if result.return_code == _NO_NEWS:
            raise NotFound(f"Kuaidi100 has no news of parcel {tracking_number}")
        if result.return_code:
            raise _failure(result.return_code, result.message, transient=_BUSY)
        if not result.nu:
            raise OutcomeUnknown("Kuaidi100's answer names no parcel")
        return result.snapshot(canonical_carrier(carrier))

    def parse_callback(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - the signature is part of the form
        body: bytes,
        now: datetime,  # noqa: ARG002 - Kuaidi100 signs no time: late pushes are legitimate
    ) -> TrackingCallback:
        """Verify a push on the exact text that was signed, and read it."""
        if not self._salt.strip():
            raise InvalidCallback("Kuaidi100's callbacks are off: no salt is configured")
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        param, sign = (form.get(name, [""])[0] for name in ("param", "sign"))
        if not is_signed(param, sign, self._salt):
            raise InvalidCallback("Kuaidi100's signature is missing or does not match")
        try:
            push = Push.model_validate_json(param)
        except ValidationError as error:
            raise InvalidCallback("Kuaidi100's message cannot be read") from error
        if not push.last_result.nu:
            raise InvalidCallback("Kuaidi100's message names no parcel")
        # A push has no id of its own: the same words about the same parcel are the same push.
        return TrackingCallback(
            dedupe_key=hashlib.sha256(param.encode()).hexdigest(), snapshot=self._pushed(push)
        )

    def acknowledge(self) -> Mapping[str, object]:
        """Anything else is pushed again."""
        return {"result": True, "returnCode": "200", "message": "成功"}

    def _pushed(self, push: Push) -> TrackingSnapshot:
        code = push.com_new or push.last_result.com or push.com_old
        stopped = push.status == _STOPPED
        return push.last_result.snapshot(
            carrier_named(code, self._carriers),
            # Whatever was last known of it: nobody looks for news any more.
            status=TrackingStatus.EXPIRED if stopped else None,
            corrected=bool(push.com_new) and push.com_new != push.com_old,
        )

    def _code(self, carrier: str) -> str:
        name = canonical_carrier(carrier)
        return self._codes.get(name, name)

    def _phone(self, carrier: str, phone_tail: str) -> dict[str, str]:
        asked = canonical_carrier(carrier) in _ASK_FOR_PHONE
        return {"phone": phone_tail} if asked and phone_tail else {}

    async def _post(self, path: str, **form: str) -> httpx.Response:
        request = self._client.build_request("POST", self._base + path, data=form)
        response = await send(self._client, request)
        if not response.is_success:
            raise error_for(response.status_code, response.headers)
        return response


def _compact(param: Mapping[str, object]) -> str:
    """The text that is signed and sent, byte for byte the same."""
    return json.dumps(param, ensure_ascii=False, separators=(",", ":"))


def _read(shape: type[T], response: httpx.Response) -> T:
    try:
        return shape.model_validate_json(response.content)
    except ValidationError as error:
        raise OutcomeUnknown("Kuaidi100's answer cannot be read") from error


def _failure(code: str, message: str, *, transient: set[str]) -> Exception:
    says = f"Kuaidi100 {code}: {message}"
    if code in _NOT_OURS:
        return GatewayAuthError(says)
    if code in transient:
        return RateLimited(says)
    return GatewayRejected(code or "unreadable", message or "no returnCode")
