"""Refunds: claimed in our books first, made with one key, followed until they are settled."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import not_yet
from activities.payment_gateways import PaymentGateways, gateway_of
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
from domain.order import Value
from domain.payment import RefundRequest, RefundState, RefundView
from domain.refunding import LinesNotRefundable
from gateways.errors import GatewayRejected, NotFound


class RefundPayment(Value):
    """Give `amount` of a payment back (as far as it is left, if `left_only`).

    Without an amount, all that is left of it.
    """

    refund_id: str
    payment_id: str
    amount: Money | None = None
    left_only: bool = False
    reason: str
    idempotency_key: str
    at: datetime


class RefundSettled(Value):
    """The refund's end: succeeded or failed; `known` if it had failed before.

    `more` says that it succeeded, all was to go back, and the payment has money left all the same;
    `emptied`, that nothing is left of it.
    """

    refund_id: str
    state: RefundState
    amount: Money
    failure_code: str = ""
    known: bool = False
    more: bool = False
    emptied: bool = False


# An intent this old may be of somebody who asked the provider and never heard the answer.
_FRESH = timedelta(minutes=1)

# A pending refund is looked at again after these delays; the last one repeats.
_DELAYS = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


class Refunds:
    """Gives money back, never more than was captured and never twice."""

    def __init__(self, sessions: Sessions, gateways: PaymentGateways) -> None:
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
                left_only=command.left_only,
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
        view = await self._make_or_ask(payment, refund, command.at)
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, refund.order_id)
            payment = await payments.lock_payment(session, payment.id)
            await book_refund(session, order, payment, view, command.at + _waited())
        if view.state is RefundState.PENDING:
            attempt = activity.info().attempt
            raise not_yet("the refund is pending", _DELAYS[min(attempt, len(_DELAYS)) - 1])
        if view.state is RefundState.MANUAL:
            raise not_yet(f"the refund waits for a person at {payment.gateway}", _DELAYS[-1])
        succeeded = view.state is RefundState.SUCCEEDED
        return RefundSettled(
            refund_id=refund.id,
            state=view.state,
            amount=refund.amount,
            failure_code=view.failure_code,
            more=succeeded and command.amount is None and payment.left.minor > 0,
            emptied=payment.left.minor == 0,
        )

    async def _make_or_ask(self, payment: Payment, refund: Refund, at: datetime) -> RefundView:
        """What the provider says of the refund, which it makes if it has not yet.

        Providers forget keys (Stripe after a day), so one that may have been asked for is looked
        for before it is asked for again.
        """
        if refund.state != RefundRowState.INTENDED:
            view = await self._ask(payment, refund)
        elif activity.info().attempt > 1 or at - refund.created_at > _FRESH:
            view = await self._ask_whether_made(payment, refund) or await self._make(
                payment, refund
            )
        else:
            view = await self._make(payment, refund)
        return view.model_copy(update={"refund_id": refund.id})

    async def _make(self, payment: Payment, refund: Refund) -> RefundView:
        request = RefundRequest(
            refund_id=refund.id,
            payment=payment.ref,
            amount=refund.amount,
            reason=refund.reason,
            idempotency_key=refund.idempotency_key,
        )
        try:
            return await gateway_of(self._gateways, payment.gateway).refund(request)
        except GatewayRejected as error:
            # The refusal may be of a repetition (nothing is left to refund): the first one counts.
            return await self._ask_whether_made(payment, refund) or RefundView(
                refund_id=refund.id,
                provider_ref="",
                state=RefundState.FAILED,
                amount=refund.amount,
                failure_code=error.code,
                failure_message=error.reason,
            )

    async def _ask_whether_made(self, payment: Payment, refund: Refund) -> RefundView | None:
        try:
            return await self._ask(payment, refund)
        except NotFound:
            return None

    async def _ask(self, payment: Payment, refund: Refund) -> RefundView:
        return await gateway_of(self._gateways, payment.gateway).query_refund(
            payment.ref, refund_id=refund.id, refund_ref=refund.provider_ref
        )


def _waited() -> timedelta:
    """How long this has been tried: a pending refund may take days."""
    info = activity.info()
    return info.started_time - info.scheduled_time
