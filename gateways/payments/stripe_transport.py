"""The Stripe SDK over our own pooled HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping

import httpx
import stripe

from gateways.http import send

# The SDK otherwise reports this machine's timings and platform with each request.
stripe.enable_telemetry = False


class StripeTransport(stripe.HTTPClient):
    """Lets the SDK send through `client`, which stays ours to close.

    What goes wrong on the way is raised in our words at once: the SDK's own connection error
    cannot say whether the request went out.
    """

    name = "httpx"

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._client = client

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request; raises as `gateways.http.send`."""
        request = self._client.build_request(
            method, url, headers=dict(headers), content=(post_data or "").encode()
        )
        response = await send(self._client, request)
        return response.content, response.status_code, response.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        """Required by the SDK for its retries, which are switched off."""
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Leave the client open: others may use it."""
