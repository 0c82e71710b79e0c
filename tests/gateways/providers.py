"""The four payment providers, side by side: how they differ by nature, and how to play with them.

The contract suite reads the differences from `TRAITS`; its tests are the same for all four.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import httpx

from domain.ids import ORDER, PAYMENT, REFUND, encode_id
from domain.money import Money
from domain.payment import (
    CallbackEvent,
    PaymentCreated,
    PaymentRef,
    PaymentRequest,
    PaymentState,
    PaymentView,
    RefundRequest,
    RefundState,
    RefundView,
)
from gateways.errors import InvalidCallback
from gateways.payments.alipay import AlipayGateway
from gateways.payments.paypal import PayPalGateway
from gateways.payments.protocol import PaymentGateway
from gateways.payments.stripe import StripeGateway
from gateways.payments.wechat_pay import WeChatPayGateway
from tests.accounts import ACCOUNTS, provider_keys
from tests.gateways.simulated import Delivery, Simulated

ASKED = Money(minor=12345, currency="CNY")
NOTHING = Money.zero("CNY")

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a provider does differently, by the nature of its protocol."""

    # What the customer's browser gets to see.
    action: str
    # The calls that have an effect at the provider, by the simulator's names.
    effects: tuple[str, ...]
    # A currency that the adapter does not offer there.
    foreign_currency: str
    # How a declined try is seen: only some providers tell merchants of it.
    declined: PaymentState
    # Whether there is a way to pay that takes days.
    slow: bool = False
    # What a customer does before the provider knows of the payment at all.
    first_moves: tuple[str, ...] = ()
    # Whether the provider's own close keeps customers from paying, and what is seen if money
    # comes nevertheless.
    close_is_final: bool = True
    late: PaymentState = PaymentState.PAID
    # How a refund that the customer's bank returns is seen; none if refunds are made at once.
    returned: RefundState | None = None
    # Whether a query tells what has gone back: of a part, and when it is all.
    tells_part: bool = True
    tells_all: bool = True
    # Whether merchants are told of refunds in the provider's own web console, and of disputes.
    tells_foreign_refunds: bool = True
    tells_disputes: bool = False
    # Whether the provider signs its answers.
    signs_answers: bool = False


TRAITS: Mapping[str, Traits] = {
    "stripe": Traits(
        action="client_secret",
        effects=("create", "cancel", "refund"),
        foreign_currency="KWD",
        declined=PaymentState.FAILED,
        slow=True,
        returned=RefundState.FAILED,
        tells_disputes=True,
    ),
    # No order can be closed there. None needs to be: nobody pays before we capture.
    "paypal": Traits(
        action="redirect",
        effects=("create", "capture", "refund"),
        foreign_currency="KWD",
        declined=PaymentState.FAILED,
        slow=True,
        close_is_final=False,
        late=PaymentState.APPROVED,
        returned=RefundState.FAILED,
        tells_disputes=True,
    ),
    # The trade begins when the code is scanned; until then there is nothing to close.
    "alipay": Traits(
        action="qr_code",
        effects=("create", "cancel", "refund"),
        foreign_currency="USD",
        declined=PaymentState.PENDING,
        first_moves=("scan",),
        tells_part=False,
        signs_answers=True,
    ),
    "wechatpay": Traits(
        action="qr_code",
        effects=("create", "cancel", "refund"),
        foreign_currency="USD",
        declined=PaymentState.PENDING,
        returned=RefundState.MANUAL,
        tells_part=False,
        tells_all=False,
        tells_foreign_refunds=False,
        signs_answers=True,
    ),
}


def providers_that(fit: Callable[[Traits], object]) -> list[str]:
    """The names of those whose traits `fit`."""
    return [name for name, traits in TRAITS.items() if fit(traits)]


def effects() -> list[tuple[str, str]]:
    """Every call with an effect, with its provider."""
    return [(name, effect) for name, traits in TRAITS.items() for effect in traits.effects]


def adapters(simulated: Simulated) -> dict[str, PaymentGateway]:
    """The four adapters, which differ from those in production by addresses and keys alone."""
    keys, notify_url = provider_keys(), f"{simulated.callback_url}/callbacks/payments"
    http, url = simulated.client, simulated.url
    return {
        "stripe": StripeGateway(
            http, ACCOUNTS["stripe_api_key"], ACCOUNTS["stripe_webhook_secret"], url
        ),
        "paypal": PayPalGateway(
            http,
            client_id=ACCOUNTS["paypal_client_id"],
            client_secret=ACCOUNTS["paypal_client_secret"],
            webhook_id=ACCOUNTS["paypal_webhook_id"],
            base_url=f"{url}/paypal",
            cert_hosts=(url,),
            trust_roots=str(keys.paypal_root),
            verification="offline",
            shop_url="https://shop.example.com",
        ),
        "alipay": AlipayGateway(
            http,
            app_id=ACCOUNTS["alipay_app_id"],
            seller_id=ACCOUNTS["alipay_seller_id"],
            private_key=str(keys.alipay_merchant),
            public_key=str(keys.public_half(keys.alipay_provider)),
            base_url=f"{url}/alipay/gateway.do",
            notify_url=f"{notify_url}/alipay",
        ),
        "wechatpay": WeChatPayGateway(
            http,
            mchid=ACCOUNTS["wechatpay_mchid"],
            appid=ACCOUNTS["wechatpay_appid"],
            serial=ACCOUNTS["wechatpay_serial"],
            private_key=str(keys.wechatpay_merchant),
            public_key=str(keys.public_half(keys.wechatpay_provider)),
            public_key_id=ACCOUNTS["wechatpay_public_key_id"],
            apiv3_key=ACCOUNTS["wechatpay_apiv3_key"],
            base_url=f"{url}/wechatpay",
            notify_url=f"{notify_url}/wechatpay",
        ),
    }


@dataclass
class Provider:
    """One provider with our adapter at its front door, and its customers and banks behind it."""

    name: str
    gateway: PaymentGateway
    simulated: Simulated

    @property
    def traits(self) -> Traits:
        return TRAITS[self.name]

    def request(self, amount: Money = ASKED) -> PaymentRequest:
        """A payment that nobody has asked for yet."""
        payment_id = encode_id(PAYMENT, uuid4())
        return PaymentRequest(
            payment_id=payment_id,
            order_id=encode_id(ORDER, uuid4()),
            order_number="ORD20261121000001",
            amount=amount,
            description="订单支付 - ORD20261121000001",
            idempotency_key=f"{payment_id}:create:1",
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )

    async def created(self, request: PaymentRequest | None = None) -> PaymentRef:
        """A payment that waits for its customer."""
        request = request or self.request()
        outcome = await self.gateway.create(request)
        assert isinstance(outcome, PaymentCreated), outcome
        return PaymentRef(
            payment_id=request.payment_id, provider_ref=outcome.provider_ref, asked=request.amount
        )

    async def noticed(self, request: PaymentRequest | None = None) -> PaymentRef:
        """A payment that waits for its customer, and that the provider knows of."""
        payment = await self.created(request)
        for move in self.traits.first_moves:
            await self.moves(payment, move)
        return payment

    async def moves(self, payment: PaymentRef, move: str, **query: str | int) -> None:
        """Something that the customer, the bank or the provider's own people do."""
        await self.simulated.moves(f"{self.name}/{payment.payment_id}/{move}", **query)

    async def refuses(self, payment: PaymentRef, move: str) -> bool:
        """Whether the provider keeps its customer from that move."""
        path = f"{self.simulated.url}/_sim/{self.name}/{payment.payment_id}/{move}"
        return (await self.simulated.client.post(path)).status_code == 409

    async def taken(self, payment: PaymentRef) -> PaymentView:
        """What is seen once we have taken the money, where that is up to us."""
        return await self.gateway.capture(payment, f"{payment.payment_id}:capture:{next(_tries)}")

    async def pays(self, payment: PaymentRef, **query: str | int) -> PaymentView:
        """The customer pays, and the money is taken."""
        await self.moves(payment, "pay", **query)
        return await self.taken(payment)

    async def paid(self, request: PaymentRequest | None = None) -> PaymentRef:
        """A payment whose money is in our books."""
        payment = await self.created(request)
        view = await self.pays(payment)
        assert view.state is PaymentState.PAID, view
        return payment.model_copy(update={"capture_ref": view.capture_ref, "captured_before": True})

    async def settled(self, request: RefundRequest) -> RefundView:
        """The refund once its provider is done with it."""
        async with asyncio.timeout(10):
            while True:
                view = await self.gateway.query_refund(request.payment, refund_id=request.refund_id)
                if view.state is not RefundState.PENDING:
                    return view
                await asyncio.sleep(0.02)

    async def suffers(self, operation: str, behavior: str, of: str, **more: object) -> None:
        """Let something go wrong with one call (or callback) about the payment `of`."""
        match = {"paymentId": of}
        await self.simulated.suffers(self.name, operation, behavior, match=match, **more)

    def refunded(self, minor: int, *, of: Money = ASKED) -> Money | None:
        """What a query tells of `minor` given back of a payment; none if it does not tell."""
        tells = self.traits.tells_all if minor == of.minor else self.traits.tells_part
        return Money(minor=minor, currency=of.currency) if tells else None

    async def holds(self, order_id: str) -> list[Json]:
        """What the provider itself holds of an order."""
        answer = await self._looked_up("state", order_id=order_id)
        return [payment for payment in answer["payments"] if payment["gateway"] == self.name]

    async def holds_of(self, payment: PaymentRef) -> list[Json]:
        """What the provider itself holds under our payment's id."""
        held = (await self._looked_up("state"))["payments"]
        return [payment_ for payment_ in held if payment_["paymentId"] == payment.payment_id]

    async def happened(self, payment_id: str, operation: str) -> int:
        """How often a call had an effect, whatever was answered."""
        verdicts = [entry["verdict"] for entry in await self.journal(payment_id, operation)]
        return sum(str(verdict).endswith("committed") for verdict in verdicts)

    async def journal(self, payment_id: str, operation: str) -> list[Json]:
        """What the provider wrote down of a payment, oldest first."""
        entries = (await self._looked_up("journal", payment_id=payment_id))["entries"]
        return [entry for entry in entries if entry["operation"] == operation]

    async def told(
        self, payment: PaymentRef, wanted: Callable[[CallbackEvent], bool]
    ) -> CallbackEvent:
        """The first callback about the payment that is `wanted`, as our adapter reads it."""

        async def read(delivery: Delivery) -> CallbackEvent | None:
            news = await self.believed(delivery)
            return news if news and leads_to(news, payment) and wanted(news) else None

        return await self.simulated.told(read)

    async def believed(self, delivery: Delivery) -> CallbackEvent | None:
        """A delivery as our adapter reads it; none if it is not to be believed, or not ours."""
        if delivery.path != f"/callbacks/payments/{self.name}":
            return None
        now = datetime.now(UTC)
        try:
            return await self.gateway.parse_callback(delivery.headers, delivery.body, now)
        except InvalidCallback:
            return None

    async def _looked_up(self, what: str, **query: str) -> dict[str, list[Json]]:
        answer: httpx.Response = await self.simulated.client.get(
            f"{self.simulated.url}/_sim/{what}", params=query
        )
        found: dict[str, list[Json]] = answer.json()
        return found


_tries = count(1)


def leads_to(news: CallbackEvent, payment: PaymentRef) -> bool:
    """Whether a callback names the payment in one of the three ways there are."""
    named = (news.payment_id, news.provider_ref, news.capture_ref)
    known = (payment.payment_id, payment.provider_ref, payment.capture_ref)
    return any(ours and ours == theirs for ours, theirs in zip(known, named, strict=True))


def refund_of(payment: PaymentRef, minor: int) -> RefundRequest:
    """A refund that nobody has asked for yet."""
    refund_id = encode_id(REFUND, uuid4())
    return RefundRequest(
        refund_id=refund_id,
        payment=payment,
        amount=Money(minor=minor, currency=payment.asked.currency),
        reason="不想要了",
        idempotency_key=f"{refund_id}:refund:1",
    )


Effect = Callable[[], Awaitable[object]]


async def intended(provider: Provider, effect: str) -> tuple[PaymentRequest, Effect]:
    """A payment for which the next call, which may be repeated, has that `effect`."""
    request, gateway = provider.request(), provider.gateway
    match effect:
        case "create":
            return request, lambda: gateway.create(request)
        case "cancel":
            payment = await provider.noticed(request)
            return request, lambda: gateway.close(payment)
        case "capture":
            payment = await provider.created(request)
            await provider.moves(payment, "pay")
            return request, lambda: gateway.capture(payment, f"{payment.payment_id}:capture:1")
        case "refund":
            refund = refund_of(await provider.paid(request), 345)
            return request, lambda: gateway.refund(refund)
        case _:
            raise AssertionError(effect)
