"""Money: create, settle, close and refund payments; intent before the call, record after it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field
from temporalio import activity

from activities.failures import not_yet
from activities.payment_gateways import PaymentGateways, gateway_of
from activities.settling import Settled, settle, standing_towards
from db import callbacks, orders, payments
from db.engine import Sessions, single_statements
from db.payments import AttemptState
from domain.ids import idempotency_key
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import (
    CallbackTopic,
    PaymentAction,
    PaymentCreated,
    PaymentRejected,
    PaymentRequest,
    PaymentState,
    PaymentView,
    RefundView,
)
from domain.settlement import Answer, Settlement, decide
from gateways.errors import GatewayRejected, NotFound

# A customer's approval may outlive a declined capture; it is not tried for ever.
_MOST_CAPTURES = 5


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
    """Ask the provider, decide, and record; `close` stops the payment first.

    `refund_refs`, and the refunds that the callbacks name, are asked for as well. `unattended` says
    that no workflow waits for the payment: money that has not paid for the order yet never will.
    """

    payment_id: str
    at: datetime
    callback_ids: tuple[int, ...] = ()
    refund_refs: tuple[str, ...] = ()
    close: bool = False
    unattended: bool = False
    rehold_until: datetime | None = None


class AwaitPayment(Value):
    """Ask again while the answer is one of `waiting`, after each of `delays`; the last repeats."""

    payment_id: str
    at: datetime
    delays: tuple[timedelta, ...]
    waiting: tuple[Settlement, ...] = (Settlement.OPEN, Settlement.PROCESSING)


class Payments:
    """Talks to providers and keeps our books; provider calls carry the intent's key."""

    def __init__(self, sessions: Sessions, gateways: PaymentGateways) -> None:
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
            news = await callbacks.callbacks_by_id(session, command.callback_ids)
        view = await self._view(payment, command)
        references = (*command.refund_refs, *_refunds_in(news))
        refunds = await self._refunds(payment, references, view)
        async with self._sessions.begin() as session:
            settled = await settle(
                session,
                view,
                command.at,
                command.rehold_until,
                refunds=refunds,
                unattended=command.unattended,
                disputed=any(one.content.get("topic") == CallbackTopic.DISPUTE for one in news),
            )
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

    async def _view(self, payment: payments.Payment, command: SettlePayment) -> PaymentView:
        """What is true at the provider, once an approved payment has been captured or let go."""
        if not payment.provider_ref and payment.state == AttemptState.INTENDED:
            # The answer to its creation was lost: the same key gives the same payment again.
            await self._create(payment, command.at)
        key = await self._give_up(payment.id, command.at) if command.close else payment.capture_key
        async with single_statements(self._sessions) as session:
            payment = await session.get_one(payments.Payment, payment.id)
        if not payment.provider_ref:
            return _nothing_paid(
                payment,
                PaymentState.CLOSED,
                failure_code=payment.failure_code,
                failure_message=payment.failure_message,
            )
        # A capture may be under way: only the same request again tells what became of it.
        view = await self._capture(payment, key) if key else None
        if command.close:
            if view is None or view.state not in {PaymentState.PAID, PaymentState.PROCESSING}:
                view = await gateway_of(self._gateways, payment.gateway).close(payment.ref)
            return view
        view = view or await self._query(payment)
        if view.state is PaymentState.APPROVED:
            if payment.captures_begun >= _MOST_CAPTURES:
                return _nothing_paid(
                    payment, PaymentState.FAILED, failure_code="declined_too_often"
                )
            key = await self._intend_capture(payment.id, command.at)
            view = await self._capture(payment, key) if key else view
        return view

    async def _query(self, payment: payments.Payment) -> PaymentView:
        try:
            return await gateway_of(self._gateways, payment.gateway).query(payment.ref)
        except NotFound as error:
            # Only closing may conclude that nobody can pay it.
            return _nothing_paid(payment, PaymentState.PENDING, failure_message=str(error))

    async def _refunds(
        self, payment: payments.Payment, references: Sequence[str], view: PaymentView
    ) -> list[RefundView]:
        """The refunds that are asked for and the payment's view does not list."""
        listed = {name for told in view.refunds for name in (told.refund_id, told.provider_ref)}
        found = []
        for reference in dict.fromkeys(references):
            if reference not in listed:
                # Unknown to the provider itself: there is nothing to put in the books.
                with suppress(NotFound):
                    gateway = gateway_of(self._gateways, payment.gateway)
                    found.append(await gateway.query_refund(payment.ref, refund_ref=reference))
        return found

    async def _capture(self, payment: payments.Payment, key: str) -> PaymentView:
        """Take the money; once the provider has answered, the key has served."""
        try:
            view = await gateway_of(self._gateways, payment.gateway).capture(payment.ref, key)
        except GatewayRejected as error:
            view = await self._not_captured(payment, error)
        async with self._sessions.begin() as session:
            row = await payments.lock_payment(session, payment.id)
            if row.capture_key == key:
                row.capture_key = ""
        return view

    async def _not_captured(self, payment: payments.Payment, error: GatewayRejected) -> PaymentView:
        """A refusal says nothing of an earlier request whose answer was lost: ask."""
        view = await self._query(payment)
        if view.state in {PaymentState.PAID, PaymentState.PROCESSING}:
            return view
        return _nothing_paid(
            payment,
            PaymentState.FAILED,
            failure_code=error.code,
            failure_message=error.reason,
        )

    async def _give_up(self, payment_id: str, at: datetime) -> str:
        """From now on nothing is captured; the key of a capture that may be under way."""
        async with self._sessions.begin() as session:
            row = await payments.lock_payment(session, payment_id)
            row.given_up, row.updated_at = True, at
            return row.capture_key

    async def _intend_capture(self, payment_id: str, at: datetime) -> str:
        """The key to capture with, stored first; empty if nobody wants the money any more."""
        async with self._sessions.begin() as session:
            order_id = (await session.get_one(payments.Payment, payment_id)).order_id
            order = await orders.lock_order(session, order_id)
            row = await payments.lock_payment(session, payment_id)
            await session.refresh(row)
            standing = await standing_towards(session, order, row)
            if decide(standing, Answer.APPROVED) is not Settlement.CAPTURE:
                return ""
            if not row.capture_key:
                row.captures_begun += 1
                row.capture_key = idempotency_key(row.id, "capture", row.captures_begun)
                row.updated_at = at
            return row.capture_key

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
        outcome = await gateway_of(self._gateways, payment.gateway).create(request)
        async with self._sessions.begin() as session:
            # The event refers to the order: who settles locks that first, and so must we.
            await orders.lock_order(session, order.id)
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


def _refunds_in(news: Sequence[callbacks.Callback]) -> list[str]:
    """The refunds that callbacks are about, as the provider names them."""
    named = (str(one.content.get("refund_ref", "")) for one in news)
    return [reference for reference in named if reference]


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


def _nothing_paid(
    payment: payments.Payment,
    state: PaymentState,
    *,
    failure_code: str = "",
    failure_message: str = "",
) -> PaymentView:
    return PaymentView(
        payment_id=payment.id,
        provider_ref=payment.provider_ref,
        state=state,
        captured=Money.zero(payment.currency),
        failure_code=failure_code,
        failure_message=failure_message,
    )
