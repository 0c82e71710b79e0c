"""Text messages through Twilio's Programmable Messaging (API 2010-04-01).

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ValidationError

from domain.notification import Accepted
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.http import error_for, retry_after, send
from gateways.messaging.refusals import AddressRefused, Unsubscribed

PROVIDER = "twilio"

M = TypeVar("M", bound=BaseModel)

# https://www.twilio.com/docs/api/errors
_BAD_NUMBER = frozenset({21211, 21214, 21612, 21614, 21635, 21408})
_UNSUBSCRIBED = frozenset({21610})
_CREDENTIALS = frozenset({20003, 20008, 20404})
_LATER = frozenset({20429, 21611, 30001, 30021})

# A message that Twilio itself gave up before sending: asking again finds it, but nobody got it.
_NOT_TAKEN = frozenset({"failed", "canceled"})
_LONGEST_TEXT = 1600


class _Message(BaseModel):
    sid: str
    status: str
    body: str = ""
    error_code: int | None = None


class _Page(BaseModel):
    messages: tuple[_Message, ...] = ()


class _Problem(BaseModel):
    code: int = 0


class TwilioSms:
    """Meets `SmsSender`.

    `sender` is a number of ours in E.164, or a messaging service (`MG…`). Receipts come to
    `callback_url` with our notification's id in the query; no URL, no receipts.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        base_url: str,
        callback_url: str = "",
    ) -> None:
        self._client = client
        self._auth = httpx.BasicAuth(account_sid, auth_token)
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/Messages.json"
        field = "MessagingServiceSid" if sender.startswith("MG") else "From"
        self._from = {field: sender}
        self._callback_url = callback_url

    async def send(
        self,
        *,
        to: str,
        template: str,  # noqa: ARG002 - Twilio takes the text
        params: dict[str, str],  # noqa: ARG002
        text: str,
        notification_id: str,
    ) -> Accepted:
        """Hand the message to Twilio. Not idempotent: after `OutcomeUnknown`, ask `find`.

        Raises:
            AddressRefused: Twilio cannot reach the number; `Unsubscribed` if its owner said STOP.
            GatewayRejected: the message is refused for another reason.
            GatewayAuthError: the account's credentials are wrong.
            RateLimited: too many at the moment.
            OutcomeUnknown: it may have been taken.
            ConnectionError: nothing was sent.
        """
        form = {**self._from, "To": to, "Body": text[:_LONGEST_TEXT]}
        if self._callback_url:
            query = urlencode({"n": notification_id})
            form["StatusCallback"] = f"{self._callback_url}?{query}"
        response = await self._exchange("POST", data=form)
        message = _read(_Message, response)
        if message.error_code:
            raise _problem(message.error_code, response)
        return Accepted(provider=PROVIDER, message_id=message.sid)

    async def find(
        self,
        *,
        to: str,
        text: str,
        notification_id: str,  # noqa: ARG002 - Twilio does not keep it where it can be asked for
        since: datetime,
    ) -> Accepted | None:
        """The message with this very text to this number; texts hold their order's number."""
        day_before = since - timedelta(days=1)
        response = await self._exchange(
            "GET",
            params={"To": to, "DateSent>": day_before.strftime("%Y-%m-%d"), "PageSize": "100"},
        )
        for message in _read(_Page, response).messages:
            if message.body == text[:_LONGEST_TEXT] and message.status not in _NOT_TAKEN:
                return Accepted(provider=PROVIDER, message_id=message.sid)
        return None

    async def _exchange(
        self,
        method: str,
        *,
        data: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        request = self._client.build_request(method, self._url, data=data, params=params)
        # The client is shared with other parties: the credentials stay with this request.
        request = next(self._auth.sync_auth_flow(request))
        response = await send(self._client, request)
        if not response.is_success:
            raise _failure(response)
        return response


def _read(model: type[M], response: httpx.Response) -> M:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise OutcomeUnknown("Twilio's answer cannot be read") from error


def _failure(response: httpx.Response) -> Exception:
    try:
        problem = _Problem.model_validate_json(response.content)
    except ValidationError:
        problem = _Problem()
    return _problem(problem.code, response)


def _problem(code: int, response: httpx.Response) -> Exception:
    # Twilio's messages name the number: they go into no error.
    says = f"Twilio error {code}"
    if code in _UNSUBSCRIBED:
        return Unsubscribed(PROVIDER, str(code), says)
    if code in _BAD_NUMBER:
        return AddressRefused(PROVIDER, str(code), says)
    if code in _CREDENTIALS:
        return GatewayAuthError(says)
    if code in _LATER:
        return RateLimited(says, retry_after(response.headers))
    if response.is_success:
        return GatewayRejected(str(code), says)
    return error_for(response.status_code, response.headers, code=str(code), message=says)
