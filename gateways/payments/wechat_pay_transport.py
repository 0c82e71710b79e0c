"""One signed request to WeChat Pay, and an answer that is proven to be WeChat's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from gateways.errors import GatewayRejected, NotFound, OutcomeUnknown
from gateways.http import header_value, send
from gateways.payments.wechat_pay_errors import gateway_error
from gateways.payments.wechat_pay_signing import (
    BadSignature,
    Merchant,
    WeChatKey,
    authorization,
    verify,
)


class WeChatPayTransport:
    """Signs, sends, and believes an answer only if WeChat signed it just now."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        merchant: Merchant,
        key: WeChatKey,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._merchant = merchant
        self._key = key
        self._clock = clock

    async def get(self, path: str) -> httpx.Response:
        """Ask for `path`, which may have a query; raises as `gateways.http.error_for`."""
        return await self._answer("GET", path, b"")

    async def post(self, path: str, message: Mapping[str, object]) -> httpx.Response:
        """Send `message` to `path`; raises as `gateways.http.error_for`."""
        return await self._answer("POST", path, json.dumps(message, separators=(",", ":")).encode())

    async def _answer(self, method: str, path: str, body: bytes) -> httpx.Response:
        response = await send(self._client, self._request(method, path, body))
        if response.is_success:
            self._believe(response)
            return response
        error = gateway_error(response.status_code, response.headers, response.content)
        # Refusals are signed too, but not promised to be. What a signature contradicts is not one.
        decisive = isinstance(error, GatewayRejected | NotFound)
        if decisive and header_value(response.headers, "Wechatpay-Signature"):
            self._believe(response)
        raise error

    def _request(self, method: str, path: str, body: bytes) -> httpx.Request:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "orderflow",
            # Asks WeChat to sign its answer with this key.
            "Wechatpay-Serial": self._key.id,
        }
        request = self._client.build_request(
            method, self._base_url + path, headers=headers, content=body or None
        )
        request.headers["Authorization"] = authorization(
            self._merchant,
            method,
            request.url.raw_path.decode("ascii"),
            body,
            now=self._clock(),
            nonce=secrets.token_hex(16).upper(),
        )
        return request

    def _believe(self, response: httpx.Response) -> None:
        try:
            verify(response.headers, response.content, self._key, self._clock())
        except BadSignature as error:
            raise OutcomeUnknown(
                f"HTTP {response.status_code}, but WeChat's answer is not to be believed: {error}"
            ) from None
