"""How Alipay is asked: one address, the method and the signature in the query, the matter as body.

https://docs.open.alipay.com/200/106120, OpenAPI 2.0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from pydantic import BaseModel

from gateways.http import send
from gateways.payments.alipay_answers import believed
from gateways.payments.alipay_errors import http_error
from gateways.payments.alipay_objects import read, to_china_time
from gateways.payments.alipay_signing import SIGN_TYPE, signed_query

_FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}

M = TypeVar("M", bound=BaseModel)


class AlipayTransport:
    """Signs what it asks with our key, and believes what is signed with Alipay's."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        app_id: str,
        private_key: RSAPrivateKey,
        public_key: RSAPublicKey,
        url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._app_id = app_id
        self._private_key = private_key
        self._public_key = public_key
        self._url = url
        self._clock = clock

    async def ask(
        self, method: str, content: Mapping[str, str], model: type[M], *, notify_url: str = ""
    ) -> M:
        """Call `method` with what is not blank of `content`; the successful answer is a `model`.

        Raises:
            GatewayRejected: Alipay refuses for good.
            GatewayAuthError: it does not accept our credentials.
            NotFound: it does not know the trade.
            RateLimited: it asks to come back later.
            OutcomeUnknown: it may have happened.
        """
        response = await send(self._client, self._request(method, content, notify_url))
        if response.status_code != 200:
            raise http_error(response)
        return read(model, believed(response.content, method, self._public_key))

    def _request(self, method: str, content: Mapping[str, str], notify_url: str) -> httpx.Request:
        told = {name: value for name, value in content.items() if value}
        biz_content = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        common = {
            "app_id": self._app_id,
            "method": method,
            "format": "JSON",
            # In the query, so that Alipay knows how to read the body.
            "charset": "utf-8",
            "sign_type": SIGN_TYPE,
            "timestamp": to_china_time(self._clock()),
            "version": "1.0",
            "notify_url": notify_url,
        }
        return self._client.build_request(
            "POST",
            self._url,
            params=signed_query(common, biz_content, self._private_key),
            data={"biz_content": biz_content},
            headers=_FORM,
        )
