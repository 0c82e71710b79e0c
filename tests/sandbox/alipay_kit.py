"""What the tests of the simulated Alipay share: a merchant with somebody else's SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl
from uuid import uuid4

import httpx
from alipay import AliPay  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.simulator import create_app
from tests.accounts import ACCOUNTS, provider_keys, simulator_config
from tests.sandbox.simulator_kit import Delivery, Json, eventually, serve

SUBJECT = "订单支付 - ORD 1/2"


def new_number() -> str:
    return "P" + uuid4().hex[:20]


def fields_of(delivery: Delivery) -> dict[str, str]:
    """The form as Alipay signs it: blank values are values."""
    return dict(parse_qsl(delivery.raw.decode(), keep_blank_values=True, strict_parsing=True))


@dataclass
class Merchant:
    """A running simulator, and a merchant that is called back; answers `answers`, then success."""

    url: str
    notify_url: str
    http: httpx.AsyncClient
    sdk: AliPay
    deliveries: list[Delivery] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    async def call(self, name: str, **params: object) -> Json:
        """One method of the SDK, which blocks and so has a thread of its own."""
        answer = await asyncio.to_thread(getattr(self.sdk, "api_alipay_trade_" + name), **params)
        assert isinstance(answer, dict)
        return answer

    async def order(self, amount: str = "88.88", **more: object) -> str:
        """A new order with a code to scan; gives its number."""
        params: Json = {
            "subject": SUBJECT,
            "out_trade_no": new_number(),
            "total_amount": amount,
            "notify_url": self.notify_url,
            **more,
        }
        placed = await self.call("precreate", **params)
        assert placed["code"] == "10000", placed
        return str(placed["out_trade_no"])

    async def paid(self, amount: str = "88.88", **more: object) -> str:
        """A new order that somebody paid."""
        number = await self.order(amount, **more)
        await self.does(number, "pay")
        return number

    async def query(self, number: str) -> Json:
        return await self.call("query", out_trade_no=number)

    async def refund(self, number: str, amount: str, request_no: str = "") -> Json:
        named = {"out_request_no": request_no} if request_no else {}
        return await self.call("refund", refund_amount=amount, out_trade_no=number, **named)

    async def status(self, number: str) -> object:
        """The trade's status, or why there is none."""
        answer = await self.query(number)
        return answer.get("trade_status") or answer["sub_code"]

    async def does(self, number: str, action: str, expect: int = 200, **query: str | int) -> Json:
        """What the buyer, or somebody at Alipay's web console, does."""
        answer = await self.http.post(f"/_sim/alipay/{number}/{action}", params=query)
        assert answer.status_code == expect, answer.text
        parsed = answer.json()
        assert isinstance(parsed, dict)
        return parsed

    async def suffers(self, behavior: str, operation: str = "*", **more: object) -> None:
        """Let something go wrong, once."""
        body = {"party": "alipay", "behavior": behavior, "operation": operation, **more}
        answer = await self.http.post("/_sim/scenario", json=body)
        assert answer.status_code == 201, answer.text

    async def journal(self, number: str, kind: str = "request") -> list[Json]:
        answer = await self.http.get("/_sim/journal", params={"payment_id": number})
        return [entry for entry in answer.json()["entries"] if entry["kind"] == kind]

    async def held(self, order_id: str) -> list[Json]:
        """The payments of an order, as Alipay holds them."""
        answer = await self.http.get("/_sim/state", params={"order_id": order_id})
        payments = answer.json()["payments"]
        assert isinstance(payments, list)
        return payments

    def about(self, number: str) -> list[Delivery]:
        """The notifications about an order."""
        return [d for d in self.deliveries if number.encode() in d.raw]

    async def told(self, number: str, count: int = 1) -> list[dict[str, str]]:
        """The first notifications about an order; waits for them."""
        await eventually(lambda: len(self.about(number)) >= count)
        return [fields_of(delivery) for delivery in self.about(number)]

    def believes(self, fields: dict[str, str]) -> bool:
        """Whether the SDK accepts a notification."""
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        return bool(self.sdk.verify(unsigned, fields["sign"]))

    async def take(self, request: Request) -> Response:
        raw = await request.body()
        self.deliveries.append(Delivery(request.url.path, dict(request.headers), raw))
        return Response(self.answers.pop(0) if self.answers else b"success")


def merchant_sdk(url: str, app_id: str = ACCOUNTS["alipay_app_id"]) -> AliPay:
    keys = provider_keys()
    sdk = AliPay(
        appid=app_id,
        app_private_key_string=keys.alipay_merchant.read_text(),
        alipay_public_key_string=keys.public_half(keys.alipay_provider).read_text(),
    )
    sdk._gateway = f"{url}/alipay/gateway.do"
    return sdk


@asynccontextmanager
async def merchant(state: Path | str = ":memory:") -> AsyncIterator[Merchant]:
    """A simulator, and the merchant at its other end."""
    deliver_to: list[Merchant] = []

    async def take(request: Request) -> Response:
        return await deliver_to[0].take(request)

    receiver = Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])])
    async with (
        serve(receiver) as callback_url,
        serve(create_app(simulator_config(callback_url, state))) as url,
        httpx.AsyncClient(base_url=url, timeout=5.0, trust_env=False) as http,
    ):
        deliver_to.append(Merchant(url, f"{callback_url}/notify", http, merchant_sdk(url)))
        yield deliver_to[0]
