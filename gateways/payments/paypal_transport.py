"""One request to PayPal under our access token."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx

from gateways.http import send
from gateways.payments.paypal_errors import gateway_error
from gateways.payments.paypal_token import AccessTokens


class PayPalTransport:
    """Sends, and gives back the body of a successful answer."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, tokens: AccessTokens) -> None:
        self._client = client
        self._base_url = base_url
        self._tokens = tokens

    async def get(self, path: str) -> bytes:
        """Ask for `path`; raises as `paypal_errors.gateway_error`."""
        return await self._answer("GET", path, {}, None)

    async def post(self, path: str, message: Mapping[str, object], key: str) -> bytes:
        """Send `message`; the same idempotency `key` has one effect, and gives the latest state."""
        content = json.dumps(message, ensure_ascii=False).encode()
        headers = {"PayPal-Request-Id": key, "Prefer": "return=representation"}
        return await self._answer("POST", path, headers, content)

    async def post_text(self, path: str, content: bytes) -> bytes:
        """Send JSON as it is written, with no effect that a key would have to guard."""
        return await self._answer("POST", path, {}, content)

    async def _answer(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> bytes:
        token = await self._tokens.current()
        response = await self._send(method, path, headers, content, token)
        if response.status_code == 401:
            # PayPal may end a token before its time. It did nothing, so this is no second try.
            token = await self._tokens.instead_of(token)
            response = await self._send(method, path, headers, content, token)
        if not response.is_success:
            raise gateway_error(response)
        return response.content

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None, token: str
    ) -> httpx.Response:
        request = self._client.build_request(
            method,
            self._base_url + path,
            headers={
                "Accept": "application/json",
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **headers,
            },
            content=content,
        )
        return await send(self._client, request)
