"""Refunds: claimed in our books first, made with one key, followed until they are settled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import not_yet
from activities.payments import GatewayOff
from activities.refund_books import book_refund
from activities.refund_claims import (
    ClaimRefund,
    ClaimResult,
    RefundNotPossible,
    RetryNotPossible,
    claim,
    intend,
)
from db import orders, payments
from db.engine import Sessions
from db.payments import Payment
from db.refunds import Refund, RefundExceedsCapture, RefundRowState
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import RefundRequest, RefundState, RefundView
from domain.refunding import LinesNotRefundable
from gateways.errors import GatewayRejected
from gateways.payments.protocol import PaymentGateway


class RefundPayment(Value):
    """Give `amount` of a payment back; without an amount, all that is left of it."""

    refund_id: str
    payment_id: str
    amount: Money | None = None
    reason: str
    idempotency_key: str
    at: datetime


class RefundSettled(Value):
    """The refund's end: succeeded or failed; `known` if it had failed before."""

    refund_id: str
    state: RefundState
    amount: Money
    failure_code: str = ""
    known: bool = False


# A pending refund is looked at again after these delays; the last one repeats.
_DELAYS = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


class Refunds:
    """Gives money back, never more than was captured and never twice."""

    def __init__(self, sessions: Sessions, gateways: Mapping[GatewayName, PaymentGateway]) -> None:
        self._sessions = sessions
        self._gateways = gateways

    @activity.defn
    async def claim_refund(self, command: ClaimRefund) -> ClaimResult:
        """Claim the amount on the payment that pays for the order, or say why not."""
        try:
            async with self._sessions.begin() as session:
                return ClaimResult(result=await claim(session, command))
        except (RefundExceedsCapture, LinesNotRefundable, RetryNotPossible) as error:
            return ClaimResult(result=RefundNotPossible(reason=str(error)))

    @activity.defn
    async def refund_payment(self, command: RefundPayment) -> RefundSettled:
        """Make one refund and follow it to its end, by being retried while it is pending."""
        async with self._sessions.begin() as session:
            refund = await intend(
                session,
                refund_id=command.refund_id,
                payment_id=command.payment_id,
                amount=command.amount,
                reason=command.reason,
                key=command.idempotency_key,
                at=command.at,
            )
            if refund is None:
                payment = await session.get_one(Payment, command.payment_id)
                return RefundSettled(
                    refund_id=command.refund_id,
                    state=RefundState.SUCCEEDED,
                    amount=Money.zero(payment.currency),
                )
            payment = await session.get_one(Payment, command.payment_id)
        if refund.state == RefundRowState.FAILED:
            return RefundSettled(
                refund_id=refund.id,
                state=RefundState.FAILED,
                amount=refund.amount,
                failure_code=refund.failure_code,
                known=True,
            )
        view = await self._make_or_ask(payment, refund)
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, refund.order_id)
            payment = await payments.lock_payment(session, payment.id)
            await book_refund(session, order, payment, view, command.at + _waited())
        if view.state is RefundState.PENDING:
            attempt = activity.info().attempt
            raise not_yet("the refund is pending", _DELAYS[min(attempt, len(_DELAYS)) - 1])
        if view.state is RefundState.MANUAL:
            raise not_yet(f"the refund waits for a person at {payment.gateway}", _DELAYS[-1])
        return RefundSettled(
            refund_id=refund.id,
            state=view.state,
            amount=refund.amount,
            failure_code=view.failure_code,
        )

    async def _make_or_ask(self, payment: Payment, refund: Refund) -> RefundView:
        gateway = self._gateway(payment.gateway)
        if refund.state != RefundRowState.INTENDED:
            view = await gateway.query_refund(
                payment.ref, refund_id=refund.id, refund_ref=refund.provider_ref
            )
            return view.model_copy(update={"refund_id": refund.id})
        request = RefundRequest(
            refund_id=refund.id,
            payment=payment.ref,
            amount=refund.amount,
            reason=refund.reason,
            idempotency_key=refund.idempotency_key,
        )
        try:
            view = await gateway.refund(request)
        except GatewayRejected as error:
            view = RefundView(
                refund_id=refund.id,
                provider_ref="",
                state=RefundState.FAILED,
                amount=refund.amount,
                failure_code=error.code,
                failure_message=error.reason,
            )
        return view.model_copy(update={"refund_id": refund.id})

    def _gateway(self, name: str) -> PaymentGateway:
        for known, gateway in self._gateways.items():
            if known == name:
                return gateway
        raise GatewayOff(f"no credentials for {name}: set its variables and restart the worker")


def _waited() -> timedelta:
    """How long this has been tried: a pending refund may take days."""
    info = activity.info()
    return info.started_time - info.scheduled_time
