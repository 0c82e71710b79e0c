"""Push messages to apps through Firebase Cloud Messaging (HTTP v1).

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
FCM does not reach phones in mainland China.
"""

from __future__ import annotations

from datetime import timedelta

import httpx
from pydantic import BaseModel, Field, ValidationError

from domain.notification import Accepted, Device
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.http import error_for, retry_after, send
from gateways.messaging.fcm_token import FcmToken, ServiceAccount
from gateways.messaging.refusals import AddressRefused

PROVIDER = "fcm"

_TTL = timedelta(days=1)
_FCM_ERROR = "google.firebase.fcm.v1.FcmError"
_QUOTA_PAUSE = timedelta(seconds=60)


class _Detail(BaseModel):
    type: str = Field(default="", alias="@type")
    error_code: str = Field(default="", alias="errorCode")


class _Error(BaseModel):
    status: str = ""
    details: tuple[_Detail, ...] = ()


class _Answer(BaseModel):
    name: str = ""
    error: _Error = _Error()


class FcmPush:
    """Meets `PushSender` for app devices. A repeated message replaces the first on the device."""

    def __init__(self, client: httpx.AsyncClient, account: ServiceAccount, base_url: str) -> None:
        self._client = client
        self._token = FcmToken(client, account)
        self._url = f"{base_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"

    async def send(
        self,
        *,
        device: Device,
        title: str,
        body: str,
        extra: dict[str, str],
        notification_id: str,
    ) -> Accepted:
        """Hand the message to FCM.

        Raises:
            AddressRefused: the app is gone from the device; forget its token.
            GatewayRejected: the message itself is refused.
            GatewayAuthError: the service account, or Apple's or the browsers' keys at Firebase.
            RateLimited: too many at the moment.
            OutcomeUnknown: it may have been taken.
            ConnectionError: nothing was sent.
        """
        message: dict[str, object] = {
            "token": device.target,
            "notification": {"title": title, "body": body},
            "data": extra,
            "android": {
                "priority": "HIGH",
                "ttl": f"{int(_TTL.total_seconds())}s",
                "collapse_key": notification_id,
                "notification": {"tag": notification_id},
            },
            "apns": {"headers": {"apns-collapse-id": notification_id[:64]}},
        }
        token = await self._token.get()
        response = await self._post(token, message)
        if response.status_code == 401 and not _code(response):
            # Revoked before its time: once, with a new one.
            response = await self._post(await self._token.get(refused=token), message)
        if not response.is_success:
            raise _failure(response)
        answer = _read(response)
        if answer is None or not answer.name:
            raise OutcomeUnknown("FCM's answer cannot be read")
        return Accepted(provider=PROVIDER, message_id=answer.name.rpartition("/")[2])

    async def _post(self, token: str, message: dict[str, object]) -> httpx.Response:
        request = self._client.build_request(
            "POST",
            self._url,
            json={"message": message, "validate_only": False},
            headers={"authorization": f"Bearer {token}"},
        )
        return await send(self._client, request)


def _read(response: httpx.Response) -> _Answer | None:
    try:
        return _Answer.model_validate_json(response.content)
    except ValidationError:
        return None


def _code(response: httpx.Response) -> str:
    """FCM's own code of an error; empty if it names none."""
    answer = _read(response)
    details = answer.error.details if answer else ()
    return next((one.error_code for one in details if one.type.endswith(_FCM_ERROR)), "")


def _failure(response: httpx.Response) -> Exception:
    answer = _read(response)
    own = _code(response)
    code = own or (answer.error.status if answer else "")
    match code:
        case "UNREGISTERED" | "SENDER_ID_MISMATCH":
            return AddressRefused(PROVIDER, code, "the app is no longer there")
        case "INVALID_ARGUMENT" if own:
            return AddressRefused(PROVIDER, code, "the token is none")
        case "INVALID_ARGUMENT":
            return GatewayRejected(code, "the message is not well-formed")
        case "THIRD_PARTY_AUTH_ERROR":
            return GatewayAuthError(code)
        case "QUOTA_EXCEEDED" | "RESOURCE_EXHAUSTED":
            return RateLimited(code, retry_after(response.headers) or _QUOTA_PAUSE)
        case "UNAVAILABLE":
            return RateLimited(code, retry_after(response.headers))
        case _:
            return error_for(response.status_code, response.headers, code=code)
