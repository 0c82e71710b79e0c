"""One payment's conversation with its provider: every call carries the key of a stored intent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Literal

from activities.payment_gateways import PaymentGateways, gateway_of
from activities.settling import standing_towards
from db import orders, payments
from db.engine import Sessions, single_statements
from db.payments import AttemptState
from domain.ids import idempotency_key
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import (
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


class ProviderTalk:
    """Asks providers, and keeps the intents that each question needs."""

    def __init__(self, sessions: Sessions, gateways: PaymentGateways) -> None:
        self._sessions = sessions
        self._gateways = gateways

    async def create(
        self, payment: payments.Payment, at: datetime
    ) -> PaymentReady | PaymentRefused:
        """Make a payment known to its provider; doing so again gives the same payment."""
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

    async def view(
        self, payment: payments.Payment, at: datetime, *, close: bool = False
    ) -> PaymentView:
        """What is true at the provider, once an approved payment has been captured or let go.

        With `close` nobody can pay it afterwards, unless it has been paid.
        """
        if not payment.provider_ref and payment.state == AttemptState.INTENDED:
            # The answer to its creation was lost: the same key gives the same payment again.
            await self.create(payment, at)
        key = await self._give_up(payment.id, at) if close else payment.capture_key
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
        if close:
            if view is None or view.state not in {PaymentState.PAID, PaymentState.PROCESSING}:
                view = await gateway_of(self._gateways, payment.gateway).close(payment.ref)
            return view
        view = view or await self._query(payment)
        if view.state is PaymentState.APPROVED:
            if payment.captures_begun >= _MOST_CAPTURES:
                return _nothing_paid(
                    payment, PaymentState.FAILED, failure_code="declined_too_often"
                )
            key = await self._intend_capture(payment.id, at)
            view = await self._capture(payment, key) if key else view
        return view

    async def _query(self, payment: payments.Payment) -> PaymentView:
        try:
            return await gateway_of(self._gateways, payment.gateway).query(payment.ref)
        except NotFound as error:
            # Only closing may conclude that nobody can pay it.
            return _nothing_paid(payment, PaymentState.PENDING, failure_message=str(error))

    async def refunds(
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
    return ready(payment)


def ready(payment: payments.Payment) -> PaymentReady:
    """How a payment that its provider knows is paid."""
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
