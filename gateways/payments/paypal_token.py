"""PayPal's access token: fetched once, shared by all calls, and renewed before it runs out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateways.errors import GatewayAuthError, OutcomeUnknown, RateLimited
from gateways.http import error_for, send

# A token is renewed this long before its end, or after nine tenths of a short life.
EARLY = timedelta(minutes=5)


class _Grant(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str = Field(pattern="^[!-~]+$")
    expires_in: int = Field(ge=0)


class AccessTokens:
    """Gives out the token of one PayPal app (OAuth 2.0, client credentials)."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        client_id: str,
        client_secret: str,
        base_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        credentials = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._authorization = f"Basic {credentials}"
        self._client = client
        self._url = f"{base_url}/v1/oauth2/token"
        self._clock = clock
        self._token = ""
        self._renew_at = datetime.min.replace(tzinfo=UTC)
        self._fetching: asyncio.Task[str] | None = None

    async def current(self) -> str:
        """A token that is good for a while; all who ask at the same time share one request.

        Raises:
            GatewayAuthError: PayPal does not accept our credentials.
        """
        if self._token and self._clock() < self._renew_at:
            return self._token
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        # Whoever stops waiting must not stop the others' request.
        return await asyncio.shield(self._fetching)

    async def instead_of(self, refused: str) -> str:
        """The token after `refused`, which PayPal no longer accepts."""
        if self._token == refused:
            self._token = ""
        return await self.current()

    async def _fetch(self) -> str:
        asked_at = self._clock()
        request = self._client.build_request(
            "POST",
            self._url,
            headers={"Authorization": self._authorization, "Accept": "application/json"},
            data={"grant_type": "client_credentials"},
        )
        grant = _read(await send(self._client, request))
        life = timedelta(seconds=grant.expires_in)
        self._renew_at = asked_at + life - min(EARLY, life / 10)
        self._token = grant.access_token
        return self._token

    def _fetched(self, task: asyncio.Task[str]) -> None:
        self._fetching = None
        if not task.cancelled():
            # Looked at, or asyncio complains of an error when all who waited for it have gone.
            task.exception()


def _read(response: httpx.Response) -> _Grant:
    if not response.is_success:
        raise _refusal(response)
    try:
        return _Grant.model_validate_json(response.content)
    except ValidationError as error:
        raise OutcomeUnknown("PayPal's token cannot be read") from error


def _refusal(response: httpx.Response) -> Exception:
    error = error_for(response.status_code, response.headers, message="PayPal gives no token")
    # Never NotFound or GatewayRejected: those would be read as news of a payment.
    if isinstance(error, OutcomeUnknown | RateLimited):
        return error
    return GatewayAuthError(f"HTTP {response.status_code}: PayPal gives no token")
