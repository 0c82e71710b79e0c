"""What the tests of the simulated PayPal share: a shop with PayPal's own SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import requests
from paypalserversdk.configuration import (  # type: ignore[import-untyped]
    Configuration,
    Environment,
    Server,
)
from paypalserversdk.exceptions.error_exception import (  # type: ignore[import-untyped]
    ErrorException,
)
from paypalserversdk.http.auth.o_auth_2 import (  # type: ignore[import-untyped]
    ClientCredentialsAuthCredentials,
)
from paypalserversdk.paypal_serversdk_client import (  # type: ignore[import-untyped]
    PaypalServersdkClient,
)

from sandbox.simulator import create_app
from tests.accounts import ACCOUNTS, simulator_config
from tests.sandbox.simulator_kit import Delivery, Json, Receiver, eventually, serve

FULL = "return=representation"


def member(of: Json, name: str) -> Json:
    """An object in an object, empty if it is missing."""
    found = of.get(name, {})
    assert isinstance(found, dict)
    return found


def listed(of: Json, name: str) -> list[Json]:
    """A list in an object, empty if it is missing."""
    found = of.get(name, [])
    assert isinstance(found, list)
    return found


def new_id(prefix: str = "P") -> str:
    return prefix + uuid4().hex[:20]


@dataclass(frozen=True)
class Answered:
    """What the SDK read: the object as JSON, and the HTTP status that it came with."""

    status: int
    body: Json
    debug_id: str

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def unit(self) -> Json:
        """An order's one purchase unit."""
        (unit,) = listed(self.body, "purchase_units")
        return unit

    def rels(self) -> list[object]:
        return [link["rel"] for link in listed(self.body, "links")]

    def link(self, rel: str) -> str:
        (href,) = [link["href"] for link in listed(self.body, "links") if link["rel"] == rel]
        return str(href)

    def payments(self, kind: str = "captures") -> list[Json]:
        """The captures or refunds of the one purchase unit."""
        return listed(member(self.unit, "payments"), kind)


class Refused(Exception):
    """The SDK's exception, with what it says of the issues; nothing if the body was no JSON."""

    def __init__(self, error: ErrorException) -> None:
        said = vars(error)
        self.status: int = error.response_code
        self.name: str = said.get("name", "")
        self.issues: list[str] = [entry.issue for entry in said.get("details") or []]
        self.body: Json = json.loads(error.response.text) if self.name else {}
        super().__init__(self.status, self.name, self.issues)


@dataclass
class Shop:
    """A running simulator, and a shop that sells and is called back."""

    url: str
    http: httpx.AsyncClient
    sdk: PaypalServersdkClient
    receiver: Receiver

    async def call(self, method: Callable[..., object], **options: object) -> Answered:
        """One call of the SDK, which blocks and so has a thread of its own.

        Raises:
            Refused: PayPal's error, as the SDK has read it.
        """
        try:
            answer = await asyncio.to_thread(method, options)
        except ErrorException as error:
            raise Refused(error) from error
        body = json.loads(answer.text)  # type: ignore[attr-defined]
        assert answer.body is not None  # type: ignore[attr-defined]
        status, headers = answer.status_code, answer.headers  # type: ignore[attr-defined]
        return Answered(status, body, headers["Paypal-Debug-Id"])

    async def create(
        self,
        value: str = "88.88",
        currency: str = "USD",
        *,
        key: str | None = None,
        wallet: bool = True,
        prefer: str | None = FULL,
        **unit: object,
    ) -> Answered:
        """A new order of a new payment; its purchase unit carries our ids."""
        payment_id = new_id()
        bought: Json = {
            "reference_id": "O" + payment_id[1:],
            "custom_id": payment_id,
            "invoice_id": payment_id,
            "description": "订单支付 - ORD 1/2",
            "amount": {"currency_code": currency, "value": value},
            **unit,
        }
        body: Json = {"intent": "CAPTURE", "purchase_units": [bought]}
        if wallet:
            context = {"return_url": "https://shop.example/back?a=1", "user_action": "PAY_NOW"}
            body["payment_source"] = {"paypal": {"experience_context": context}}
        request_id = f"{payment_id}:create:1" if key is None else key or None
        return await self.call(
            self.sdk.orders.create_order, body=body, paypal_request_id=request_id, prefer=prefer
        )

    async def get(self, order: Answered) -> Answered:
        return await self.call(self.sdk.orders.get_order, id=order.id)

    async def capture(self, order: Answered, key: str = "", prefer: str = FULL) -> Answered:
        return await self.call(
            self.sdk.orders.capture_order,
            id=order.id,
            body={},
            paypal_request_id=key or f"{payment_id(order)}:capture:1",
            prefer=prefer,
        )

    async def paid(self, value: str = "88.88", currency: str = "USD", **more: object) -> Answered:
        """A new order that somebody approved and the shop captured."""
        order = await self.create(value, currency, **more)  # type: ignore[arg-type]
        await self.does(order, "approve")
        return await self.capture(order)

    async def refund(
        self, paid: Answered, value: str = "", *, key: str | None = None, **more: object
    ) -> Answered:
        """A refund of a paid order; without a value of all that is left."""
        (capture,) = paid.payments()
        refund_id = new_id("R")
        body: Json = {"custom_id": refund_id, "invoice_id": refund_id, **more}
        if value:
            body["amount"] = {**member(capture, "amount"), "value": value}
        return await self.call(
            self.sdk.payments.refund_captured_payment,
            capture_id=capture["id"],
            body=body,
            paypal_request_id=f"{refund_id}:refund:1" if key is None else key or None,
            prefer=FULL,
        )

    async def get_refund(self, refund: Answered) -> Answered:
        return await self.call(self.sdk.payments.get_refund, refund_id=refund.id)

    async def get_capture(self, paid: Answered) -> Answered:
        (capture,) = paid.payments()
        return await self.call(self.sdk.payments.get_captured_payment, capture_id=capture["id"])

    async def does(
        self, order: Answered, action: str, expect: int = 200, **query: str | int
    ) -> Json:
        """What the payer, a bank, or somebody at PayPal's web console does."""
        path = f"/_sim/paypal/{payment_id(order)}/{action}"
        answer = await self.http.post(path, params=query)
        assert answer.status_code == expect, answer.text
        parsed = answer.json()
        assert isinstance(parsed, dict)
        return parsed

    async def suffers(self, behavior: str, operation: str = "*", **more: object) -> None:
        """Let something go wrong, once."""
        body = {"party": "paypal", "behavior": behavior, "operation": operation, **more}
        answer = await self.http.post("/_sim/scenario", json=body)
        assert answer.status_code == 201, answer.text

    async def journal(self, order: Answered, kind: str = "request") -> list[Json]:
        return await self.lines(kind, payment_id=payment_id(order))

    async def lines(self, kind: str, **filters: str) -> list[Json]:
        answer = await self.http.get("/_sim/journal", params=filters)
        return [entry for entry in answer.json()["entries"] if entry["kind"] == kind]

    async def held(self, order: Answered) -> Json:
        """The one payment of an order, as PayPal holds it."""
        order_id = "O" + payment_id(order)[1:]
        answer = await self.http.get("/_sim/state", params={"order_id": order_id})
        (payment,) = listed(answer.json(), "payments")
        return payment

    async def token(self) -> dict[str, str]:
        """The headers of a call that is made without the SDK."""
        account = (ACCOUNTS["paypal_client_id"], ACCOUNTS["paypal_client_secret"])
        answer = await self.http.post(
            "/paypal/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=account
        )
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def about(self, order: Answered) -> list[Delivery]:
        """The webhooks about an order; those about refunds name its capture alone."""
        words = [order.id, *(str(capture["id"]) for capture in order.payments())]
        deliveries = self.receiver.deliveries
        return [d for d in deliveries if any(word.encode() in d.raw for word in words)]

    async def told(self, order: Answered, kind: str) -> Delivery:
        """The first webhook of a kind about an order; waits for it."""
        await eventually(lambda: kind in kinds(self.about(order)))
        return next(d for d in self.about(order) if d.body["event_type"] == kind)


def kinds(deliveries: list[Delivery]) -> list[str]:
    return [str(delivery.body["event_type"]) for delivery in deliveries]


def payment_id(order: Answered) -> str:
    return str(order.unit["custom_id"])


@asynccontextmanager
async def shop_sdk(
    url: str, secret: str = ACCOUNTS["paypal_client_secret"]
) -> AsyncIterator[PaypalServersdkClient]:
    """PayPal's SDK, unchanged but for the address that it calls."""
    with requests.Session() as session:
        session.trust_env = False
        config = Configuration(
            environment=Environment.SANDBOX,
            http_client_instance=session,
            override_http_client_configuration=False,
            timeout=10,
            client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
                o_auth_client_id=ACCOUNTS["paypal_client_id"], o_auth_client_secret=secret
            ),
        )
        config.environments = {Environment.SANDBOX: {Server.DEFAULT: url + "/paypal"}}
        yield PaypalServersdkClient(config=config)


@asynccontextmanager
async def shop(state: Path | str = ":memory:") -> AsyncIterator[Shop]:
    """A simulator, and the shop at its other end."""
    receiver = Receiver()
    async with (
        serve(receiver.app()) as callback_url,
        serve(create_app(simulator_config(callback_url, state))) as url,
        httpx.AsyncClient(base_url=url, timeout=5.0, trust_env=False) as http,
        shop_sdk(url) as sdk,
    ):
        yield Shop(url, http, sdk, receiver)
