"""A simulated payment provider with our adapter at its front door and its customers behind it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

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
from gateways.payments.protocol import PaymentGateway
from tests.gateways.provider_traits import TRAITS, Traits
from tests.gateways.simulated import Delivery, Simulated

ASKED = Money(minor=12345, currency="CNY")
NOTHING = Money.zero("CNY")

Json = dict[str, object]


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

    async def holds(self, payment_id: str) -> list[Json]:
        """What the provider itself holds under our payment's id."""
        payments = (await self._looked_up("state", limit="50"))["payments"]
        return [payment for payment in payments if payment["paymentId"] == payment_id]

    async def in_the_end(self, payment_id: str) -> tuple[object, object, object]:
        """Whether the one payment is open, and what was taken and given back of it for good."""
        async with asyncio.timeout(10):
            while True:
                (held,) = await self.holds(payment_id)
                if not any(refund["status"] in _WAITING for refund in _refunds(held)):
                    return held["open"], held["captured"], held["refunded"]
                await asyncio.sleep(0.02)

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

    async def told_paid(self, payment: PaymentRef) -> CallbackEvent:
        """The callback that says that the payment is paid."""
        return await self.told(payment, lambda news: news.kind == self.traits.paid)

    async def delivered(self, payment: PaymentRef) -> None:
        """Wait until the provider is content with how the money's callback was taken."""
        async with asyncio.timeout(10):
            while True:
                tries = await self.journal(payment.payment_id, self.traits.paid)
                if tries and tries[-1]["verdict"] == "delivered":
                    return
                await asyncio.sleep(0.02)

    async def believed(self, delivery: Delivery) -> CallbackEvent | None:
        """A delivery as our adapter reads it; none if it is not to be believed, or not ours."""
        if delivery.path != f"/callbacks/payments/{self.name}":
            return None
        now = datetime.now(UTC)
        try:
            return await self.gateway.parse_callback(delivery.headers, delivery.body, now)
        except InvalidCallback:
            return None

    @contextmanager
    def answering_for_itself(self, *, refusals: int = 0) -> Iterator[None]:
        """Let the adapter acknowledge callbacks, each believable one after so many refusals."""
        seen: Counter[str] = Counter()

        async def answer(delivery: Delivery) -> tuple[int, str, bytes]:
            news = await self.believed(delivery)
            if news is not None:
                seen[news.dedupe_key] += 1
            accepted = news is not None and seen[news.dedupe_key] > refusals
            return self.gateway.acknowledge(accepted=accepted)

        with self.simulated.answering(answer):
            yield

    async def _looked_up(self, what: str, **query: str) -> dict[str, list[Json]]:
        answer = await self.simulated.client.get(f"{self.simulated.url}/_sim/{what}", params=query)
        found: dict[str, list[Json]] = answer.json()
        return found


_tries = count(1)
_WAITING = {"pending", "PROCESSING"}


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


@dataclass(frozen=True)
class Intent:
    """A call that has one effect on one payment, however often it is made."""

    payment_id: str
    call: Callable[[], Awaitable[object]]


async def intended(provider: Provider, effect: str) -> Intent:
    """A payment for which the next call has that `effect`."""
    request, gateway = provider.request(), provider.gateway
    key = f"{request.payment_id}:{effect}:1"
    match effect:
        case "create":
            return Intent(request.payment_id, lambda: gateway.create(request))
        case "cancel":
            payment = await provider.noticed(request)
            return Intent(payment.payment_id, lambda: gateway.close(payment))
        case "capture":
            payment = await provider.created(request)
            await provider.moves(payment, "pay")
            return Intent(payment.payment_id, lambda: gateway.capture(payment, key))
        case "refund":
            refund = refund_of(await provider.paid(request), 345)
            return Intent(request.payment_id, lambda: gateway.refund(refund))
        case _:
            raise AssertionError(effect)


def _refunds(held: Json) -> list[Json]:
    refunds = held["refunds"]
    assert isinstance(refunds, list)
    return refunds
