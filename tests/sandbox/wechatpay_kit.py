"""What the tests of the simulated WeChat Pay share: a merchant with somebody else's SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from wechatpayv3 import WeChatPay as Sdk  # type: ignore[import-untyped]
from wechatpayv3 import WeChatPayType
from wechatpayv3.async_ import AsyncWeChatPay as AsyncSdk  # type: ignore[import-untyped]
from wechatpayv3.async_.type import (  # type: ignore[import-untyped]
    WeChatPayType as AsyncWeChatPayType,
)

from sandbox.simulator.journal import Entry
from sandbox.simulator.scenarios import Scenario
from sandbox.simulator.wechatpay import WeChatPay
from sandbox.simulator.world import World
from tests.accounts import ACCOUNTS, provider_keys, simulator_config
from tests.sandbox.simulator_kit import Delivery, Json, eventually, serve

TITLE = "订单支付 - ORD 1/2"
MCHID = ACCOUNTS["wechatpay_mchid"]
# The SDK's own keywords, which have no types.
Params = dict[str, Any]
PUBLIC_KEY_ID = ACCOUNTS["wechatpay_public_key_id"]


def new_number(prefix: str = "P") -> str:
    return prefix + uuid4().hex[:20]


@dataclass(frozen=True)
class Reply:
    """What the SDK gave back; for a 2xx it has believed the signature."""

    status: int
    body: Json

    @property
    def code(self) -> object:
        return self.body.get("code")


@dataclass
class Merchant:
    """A simulator that runs, and a merchant that is called back at `/notify/{out_trade_no}`.

    `answers` are the statuses of the merchant's next answers by number, then 200.
    """

    url: str
    notify_url: str
    world: World
    party: WeChatPay
    sdk: Sdk
    async_sdk: AsyncSdk
    http: httpx.AsyncClient
    deliveries: list[Delivery] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)

    async def call(self, name: str, *, flavor: str = "sync", **params: Any) -> Reply:
        """One method of the SDK; the synchronous one blocks and so has a thread of its own."""
        if flavor == "sync":
            status, raw = await asyncio.to_thread(getattr(self.sdk, name), **params)
        else:
            status, raw = await getattr(self.async_sdk, name)(**params)
        return Reply(status, json.loads(raw) if raw else {})

    async def create(self, number: str, *, flavor: str = "sync", **more: Any) -> Reply:
        params: Params = {
            "description": TITLE,
            "out_trade_no": number,
            "amount": {"total": 8888, "currency": "CNY"},
            "attach": "O" + number[1:],
            "notify_url": f"{self.notify_url}/{number}",
            **more,
        }
        return await self.call("pay", flavor=flavor, **params)

    async def order(self, **more: Any) -> str:
        """A new order with a code to scan; gives its number."""
        number = new_number()
        created = await self.create(number, **more)
        assert created.status == 200, created
        return number

    async def paid(self, **more: Any) -> str:
        """A new order that somebody has paid."""
        number = await self.order(**more)
        self.pays(number)
        return number

    async def refund(self, number: str, amount: int, **more: Any) -> Reply:
        """Gives `amount` of 8888 back."""
        params: Params = {
            "out_trade_no": number,
            "out_refund_no": new_number("R"),
            "amount": {"refund": amount, "total": 8888, "currency": "CNY"},
            "notify_url": f"{self.notify_url}/{number}",
            **more,
        }
        return await self.call("refund", **params)

    async def state(self, number: str) -> object:
        """The trade's state, or why there is none."""
        reply = await self.call("query", out_trade_no=number)
        return reply.body.get("trade_state") or reply.code

    def pays(self, number: str, *, force: bool = False, amount: int | None = None) -> Json:
        with self.world.store.transaction():
            return dict(self.party.pay(number, force=force, amount=amount))

    def suffers(self, behavior: str, operation: str, **more: object) -> None:
        """Let something go wrong, once unless `times` says otherwise."""
        body = {"party": "wechatpay", "behavior": behavior, "operation": operation, **more}
        self.world.scenarios.add(Scenario.model_validate(body))

    def journal(self, number: str, kind: str = "request") -> list[Entry]:
        return [e for e in self.world.journal.read(payment_id=number) if e.kind == kind]

    def held(self, number: str) -> Json:
        """The payment as WeChat Pay holds it."""
        (payment,) = self.party.state("O" + number[1:], 10)["payments"]
        return payment

    def refunds_of(self, number: str) -> list[Json]:
        """The payment's refunds as WeChat Pay holds them."""
        refunds = self.held(number)["refunds"]
        assert isinstance(refunds, list)
        return refunds

    def about(self, number: str) -> list[Delivery]:
        return [d for d in self.deliveries if d.path == f"/notify/{number}"]

    async def told(self, number: str, count: int = 1) -> list[Delivery]:
        """The deliveries about an order; waits for the first `count` of them."""
        await eventually(lambda: len(self.about(number)) >= count)
        return self.about(number)

    def opened(self, delivery: Delivery) -> Json | None:
        """The notification, verified and decrypted by the SDK; None if it does not believe it."""
        opened: Json | None = self.sdk.callback(delivery.headers, delivery.raw)
        return opened

    async def take(self, request: Request) -> Response:
        number = str(request.path_params["number"])
        raw = await request.body()
        self.deliveries.append(Delivery(request.url.path, dict(request.headers), raw))
        statuses = self.answers.get(number)
        return Response(status_code=statuses.pop(0) if statuses else 200)


class OwnHost:
    """The party at the root of a host, like api.mch.weixin.qq.com.

    The SDK signs the path as if its base URL had none. `raw_path` stays what was sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v3/"):
            scope = {**scope, "path": "/wechatpay" + scope["path"]}
        await self._app(scope, receive, send)


def _application(world: World, party: WeChatPay) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        world.start()
        try:
            yield
        finally:
            await world.stop()

    return Starlette(routes=party.routes(), lifespan=lifespan)


def _account(**more: object) -> Params:
    keys = provider_keys()
    return {
        "mchid": MCHID,
        "private_key": keys.wechatpay_merchant.read_text(),
        "cert_serial_no": ACCOUNTS["wechatpay_serial"],
        "appid": ACCOUNTS["wechatpay_appid"],
        "apiv3_key": ACCOUNTS["wechatpay_apiv3_key"],
        "public_key": keys.public_half(keys.wechatpay_provider).read_text(),
        "public_key_id": PUBLIC_KEY_ID,
        "timeout": 5.0,
        **more,
    }


def sync_sdk(url: str) -> Sdk:
    """The SDK, with the one thing changed that it has no setting for."""
    sdk = Sdk(WeChatPayType.NATIVE, **_account())
    sdk._core._gate_way = url
    return sdk


@asynccontextmanager
async def async_sdk(url: str, **more: object) -> AsyncIterator[AsyncSdk]:
    """The same, async: its enum is another one."""
    sdk = AsyncSdk(AsyncWeChatPayType.NATIVE, **_account(**more))
    sdk._core._gate_way = url
    async with sdk:
        yield sdk


@asynccontextmanager
async def merchant(state: Path | str = ":memory:") -> AsyncIterator[Merchant]:
    """A simulator, and the merchant at its other end."""
    deliver_to: list[Merchant] = []

    async def take(request: Request) -> Response:
        return await deliver_to[0].take(request)

    receiver = Starlette(routes=[Route("/notify/{number}", take, methods=["POST"])])
    async with serve(receiver) as callback_url:
        world = World(simulator_config(callback_url, state))
        party = WeChatPay(world)
        async with (
            serve(OwnHost(_application(world, party))) as url,
            async_sdk(url) as sdk,
            httpx.AsyncClient(timeout=5.0, trust_env=False) as http,
        ):
            notify_url = f"{callback_url}/notify"
            deliver_to.append(Merchant(url, notify_url, world, party, sync_sdk(url), sdk, http))
            yield deliver_to[0]
