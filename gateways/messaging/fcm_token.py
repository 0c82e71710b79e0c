"""Google's access tokens for a service account (RFC 7523), cached until shortly before their end.

https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import jwt
from pydantic import BaseModel, ValidationError

from gateways.errors import GatewayAuthError, OutcomeUnknown
from gateways.http import error_for, send
from gateways.keys import InvalidKey, pem_text

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = timedelta(hours=1)
_MARGIN = timedelta(minutes=5)


class ServiceAccount(BaseModel):
    """The parts of a service account's JSON key that are needed."""

    project_id: str
    client_email: str
    private_key_id: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"


def read_service_account(source: str) -> ServiceAccount:
    """The key in `source`: the JSON itself, or the path of its file.

    Raises:
        InvalidKey: it is neither.
    """
    text = source.strip()
    try:
        return ServiceAccount.model_validate_json(text if text.startswith("{") else _file(text))
    except ValidationError:
        raise InvalidKey("it is no service account's JSON key") from None


def _file(path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InvalidKey(f"the file cannot be read ({type(error).__name__})") from None


class _Token(BaseModel):
    access_token: str
    expires_in: int


class FcmToken:
    """One account's current token; many tasks may ask for it at once."""

    def __init__(self, client: httpx.AsyncClient, account: ServiceAccount) -> None:
        self._client = client
        self._account = account
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until = datetime.min.replace(tzinfo=UTC)

    async def get(self, *, refused: str = "") -> str:
        """A token to use now; never the one that was `refused`.

        Raises:
            GatewayAuthError: Google does not accept the account.
        """
        async with self._lock:
            stale = datetime.now(UTC) >= self._good_until
            if stale or self._token == refused:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        now = datetime.now(UTC)
        form = urlencode({"grant_type": _GRANT, "assertion": self._assertion(now)})
        request = self._client.build_request(
            "POST",
            self._account.token_uri,
            content=form,
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        response = await send(self._client, request)
        if response.status_code == 400:
            raise GatewayAuthError(f"Google refuses the service account: {_reason(response)}")
        if not response.is_success:
            raise error_for(response.status_code, response.headers)
        try:
            token = _Token.model_validate_json(response.content)
        except ValidationError as error:
            raise OutcomeUnknown("Google's answer cannot be read") from error
        self._token = token.access_token
        self._good_until = now + timedelta(seconds=token.expires_in) - _MARGIN

    def _assertion(self, now: datetime) -> str:
        claims = {
            "iss": self._account.client_email,
            "scope": _SCOPE,
            "aud": self._account.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFE).timestamp()),
        }
        return jwt.encode(
            claims,
            pem_text(self._account.private_key),
            algorithm="RS256",
            headers={"kid": self._account.private_key_id},
        )


def _reason(response: httpx.Response) -> str:
    try:
        found = json.loads(response.content)
    except ValueError:
        return "no reason"
    return str(found.get("error", "no reason"))[:80] if isinstance(found, dict) else "no reason"
