"""Money: create, settle, close and refund payments; intent before the call, record after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field
from temporalio import activity

from activities.failures import not_yet
from activities.settling import Settled, settle
from db import callbacks, orders, payments
from db.engine import Sessions, single_statements
from db.payments import AttemptState
from domain.errors import PermanentError
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import (
    PaymentAction,
    PaymentCreated,
    PaymentRejected,
    PaymentRequest,
    PaymentState,
    PaymentView,
)
from domain.settlement import Settlement
from gateways.payments.protocol import PaymentGateway


class IntendPayment(Value):
    """Note that the customer is about to be asked for the order's total through `gateway`."""

    payment_id: str
    order_id: str
    attempt: int
    gateway: GatewayName
    idempotency_key: str
    expires_at: datetime
    at: datetime


class CreatePayment(Value):
    """Make an intended payment known to its provider."""

    payment_id: str
    at: datetime


class PaymentReady(Value):
    """The customer can pay."""

    outcome: Literal["ready"] = "ready"
    payment_id: str
    gateway: GatewayName
    amount: Money
    action: PaymentAction
    expires_at: datetime


class PaymentRefused(Value):
    """The provider will not take this payment."""

    outcome: Literal["refused"] = "refused"
    payment_id: str
    code: str
    message: str


CreationOutcome = Annotated[PaymentReady | PaymentRefused, Field(discriminator="outcome")]


class CreationResult(Value):
    """What came of creating a payment."""

    result: CreationOutcome


class SettlePayment(Value):
    """Ask the provider, decide, and record; `close` stops the payment first."""

    payment_id: str
    at: datetime
    callback_ids: tuple[int, ...] = ()
    close: bool = False
    rehold_until: datetime | None = None


class AwaitPayment(Value):
    """Ask again while the answer is one of `waiting`, after each of `delays`; the last repeats."""

    payment_id: str
    at: datetime
    delays: tuple[timedelta, ...]
    waiting: tuple[Settlement, ...] = (Settlement.OPEN, Settlement.PROCESSING)


class GatewayOff(PermanentError):
    """The payment's provider has no credentials on this worker."""


class Payments:
    """Talks to providers and keeps our books; provider calls carry the intent's key."""

    def __init__(self, sessions: Sessions, gateways: Mapping[GatewayName, PaymentGateway]) -> None:
        self._sessions = sessions
        self._gateways = gateways

    @activity.defn
    async def intend_payment(self, command: IntendPayment) -> None:
        """Store what is about to be asked, with its key, before anybody is asked."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            await payments.intend_payment(
                session,
                payment_id=command.payment_id,
                order_id=command.order_id,
                attempt=command.attempt,
                gateway=command.gateway,
                amount=Money(minor=order.total_minor, currency=order.currency),
                idempotency_key=command.idempotency_key,
                expires_at=command.expires_at,
                at=command.at,
            )

    @activity.defn
    async def create_payment(self, command: CreatePayment) -> CreationResult:
        """Make a payment known to its provider; running it again gives the same payment."""
        async with single_statements(self._sessions) as session:
            payment = await session.get_one(payments.Payment, command.payment_id)
        if payment.provider_ref:
            return CreationResult(result=_ready(payment))
        return CreationResult(result=await self._create(payment, command.at))

    @activity.defn
    async def settle_payment(self, command: SettlePayment) -> Settled:
        """Ask the provider what is true, and put it in the books in one transaction."""
        async with single_statements(self._sessions) as session:
            payment = await session.get_one(payments.Payment, command.payment_id)
        view = await self._view(payment, command.at, close=command.close)
        async with self._sessions.begin() as session:
            settled = await settle(session, view, command.at, command.rehold_until)
            await callbacks.mark_applied(session, command.callback_ids, command.at)
            return settled

    @activity.defn
    async def await_payment(self, command: AwaitPayment) -> Settled:
        """Settle again and again, by being retried, until there is news; no history grows."""
        attempt = activity.info().attempt
        delay = command.delays[min(attempt, len(command.delays)) - 1]
        settled = await self.settle_payment(
            SettlePayment(payment_id=command.payment_id, at=command.at)
        )
        if settled.settlement in command.waiting:
            raise not_yet(f"the payment is {settled.settlement}", delay)
        return settled

    async def _view(self, payment: payments.Payment, at: datetime, *, close: bool) -> PaymentView:
        reference = payment.provider_ref
        if not reference and payment.state == AttemptState.INTENDED:
            # The answer to its creation was lost: the same key gives the same payment again.
            await self._create(payment, at)
            async with self._sessions() as session:
                reference = (await session.get_one(payments.Payment, payment.id)).provider_ref
        if not reference:
            return _never_made(payment)
        gateway = self._gateway(payment.gateway)
        ask = gateway.close if close else gateway.query
        return await ask(payment.id, reference, payment.asked)

    async def _create(
        self, payment: payments.Payment, at: datetime
    ) -> PaymentReady | PaymentRefused:
        async with single_statements(self._sessions) as session:
            order = await session.get_one(orders.OrderRow, payment.order_id)
        request = PaymentRequest(
            payment_id=payment.id,
            order_id=order.id,
            order_number=order.order_number,
            amount=payment.asked,
            description=f"订单支付 - {order.order_number}",
            idempotency_key=payment.idempotency_key,
            expires_at=payment.expires_at,
        )
        outcome = await self._gateway(payment.gateway).create(request)
        async with self._sessions.begin() as session:
            row = await payments.lock_payment(session, payment.id)
            await orders.add_event(
                session,
                order.id,
                "payment_created" if outcome.outcome == "created" else "payment_refused",
                at,
                dedupe_key=f"payment_created:{payment.id}",
                payment_id=payment.id,
                gateway=payment.gateway,
                attempt=payment.attempt,
            )
            return _record_creation(row, outcome)

    def _gateway(self, name: str) -> PaymentGateway:
        for known, gateway in self._gateways.items():
            if known == name:
                return gateway
        raise GatewayOff(f"no credentials for {name}: set its variables and restart the worker")


def _record_creation(
    payment: payments.Payment, outcome: PaymentCreated | PaymentRejected
) -> PaymentReady | PaymentRefused:
    if outcome.outcome == "rejected":
        if payment.state == AttemptState.INTENDED:
            payment.state = AttemptState.REJECTED
        payment.failure_code, payment.failure_message = outcome.code, outcome.message
        return PaymentRefused(payment_id=payment.id, code=outcome.code, message=outcome.message)
    payment.provider_ref = outcome.provider_ref
    payment.action_type, payment.action_value = outcome.action.type, outcome.action.value
    if payment.state == AttemptState.INTENDED:
        payment.state = AttemptState.PENDING
    return _ready(payment)


def _ready(payment: payments.Payment) -> PaymentReady:
    return PaymentReady.model_validate(
        {
            "payment_id": payment.id,
            "gateway": payment.gateway,
            "amount": payment.asked,
            "action": {"type": payment.action_type, "value": payment.action_value},
            "expires_at": payment.expires_at,
        }
    )


def _never_made(payment: payments.Payment) -> PaymentView:
    nothing = Money.zero(payment.currency)
    return PaymentView(
        payment_id=payment.id,
        provider_ref="",
        state=PaymentState.CLOSED,
        captured=nothing,
        refunded=nothing,
        failure_code=payment.failure_code,
        failure_message=payment.failure_message,
    )
