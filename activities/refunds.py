"""Refunds: claimed in our books first, made with one key, followed until they are settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.failures import not_yet
from activities.payments import GatewayOff
from activities.refund_books import GOODS_GONE, book_refund
from db import orders, payments, refunds
from db.engine import Sessions
from db.payments import Payment
from db.refunds import Refund, RefundExceedsCapture, RefundRowState
from domain.errors import PermanentError
from domain.ids import idempotency_key
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import RefundRequest, RefundState, RefundView
from domain.refunding import LinesNotRefundable, refund_of_lines
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


class ClaimRefund(Value):
    """Set part of what an order paid aside for a refund.

    Either `amount`, or the money for `lines` (units by line number), or without both all that is
    left. `retry_of` names a failed refund that this one stands for.
    """

    refund_id: str
    order_id: str
    amount: Money | None = None
    lines: dict[int, int] = Field(default_factory=dict)
    retry_of: str = ""
    reason: str
    at: datetime


class RefundClaimed(Value):
    """The amount is set aside; nobody else can claim it."""

    outcome: Literal["claimed"] = "claimed"
    payment_id: str
    amount: Money


class RefundNotPossible(Value):
    """Why nothing can be refunded."""

    outcome: Literal["refused"] = "refused"
    reason: str


class ClaimResult(Value):
    """What came of a claim."""

    result: Annotated[RefundClaimed | RefundNotPossible, Field(discriminator="outcome")]


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
                return ClaimResult(result=await _claim(session, command))
        except (RefundExceedsCapture, LinesNotRefundable, RetryNotPossible) as error:
            return ClaimResult(result=RefundNotPossible(reason=str(error)))

    @activity.defn
    async def refund_payment(self, command: RefundPayment) -> RefundSettled:
        """Make one refund and follow it to its end, by being retried while it is pending."""
        async with self._sessions.begin() as session:
            refund = await _intend(session, command)
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
            await book_refund(session, order, payment, view, command.at)
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


class RetryNotPossible(PermanentError):
    """The refund that is to be made again did not fail, or is not there."""


async def _claim(session: AsyncSession, command: ClaimRefund) -> RefundClaimed | RefundNotPossible:
    order = await orders.lock_order(session, command.order_id)
    known = await session.get(Refund, command.refund_id)
    if known is not None:
        return RefundClaimed(payment_id=known.payment_id, amount=known.amount)
    if command.retry_of:
        command = await _as_failed(session, command)
    amount = command.amount
    if command.lines:
        amount = refund_of_lines(
            await orders.to_order(session, order),
            command.lines,
            await _lines_refunded(session, command.order_id),
        )
    if order.status not in GOODS_GONE and amount is None:
        return RefundNotPossible(
            reason=f"the order is {order.status}: cancel it to give all the money back"
        )
    paid = [
        payment
        for payment in await payments.payments_of(session, command.order_id)
        if payment.left.minor > 0 and not payment.surplus
    ]
    if not paid:
        return RefundNotPossible(reason="the order has no money left to give back")
    refund = await _intend(
        session,
        RefundPayment(
            refund_id=command.refund_id,
            payment_id=paid[0].id,
            amount=amount,
            reason=command.reason,
            idempotency_key=idempotency_key(command.refund_id, "refund"),
            at=command.at,
        ),
        lines=command.lines,
        retry_of=command.retry_of,
    )
    assert refund is not None
    return RefundClaimed(payment_id=refund.payment_id, amount=refund.amount)


async def _as_failed(session: AsyncSession, command: ClaimRefund) -> ClaimRefund:
    """The same amount and lines as the failed refund that is made again.

    Raises:
        RetryNotPossible: that one did not fail, or is not this order's.
    """
    failed = await session.get(Refund, command.retry_of)
    if failed is None or failed.order_id != command.order_id:
        raise RetryNotPossible(f"the order has no refund {command.retry_of}")
    if failed.state != RefundRowState.FAILED:
        raise RetryNotPossible(
            f"refund {failed.id} is {failed.state}: only a failed one is retried"
        )
    lines = {int(line_no): quantity for line_no, quantity in failed.lines.items()}
    return command.model_copy(update={"amount": failed.amount, "lines": lines})


async def _lines_refunded(session: AsyncSession, order_id: str) -> dict[int, int]:
    """Units by line number whose money has gone back, or is about to."""
    done: Counter[int] = Counter()
    for refund in await refunds.refunds_of(session, order_id):
        if refund.state != RefundRowState.FAILED:
            done.update({int(line_no): quantity for line_no, quantity in refund.lines.items()})
    return done


async def _intend(
    session: AsyncSession,
    command: RefundPayment,
    *,
    lines: Mapping[int, int] | None = None,
    retry_of: str = "",
) -> Refund | None:
    """The stored intent; nothing if the payment has nothing left to give back."""
    payment = await session.get_one(Payment, command.payment_id)
    await orders.lock_order(session, payment.order_id)
    payment = await payments.lock_payment(session, command.payment_id)
    await session.refresh(payment)
    amount = command.amount
    if amount is None:
        known = await session.get(Refund, command.refund_id)
        amount = known.amount if known else payment.left
    if amount.minor == 0:
        return None
    refund = await refunds.intend_refund(
        session,
        Refund(
            id=command.refund_id,
            payment_id=payment.id,
            order_id=payment.order_id,
            state=RefundRowState.INTENDED,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason=command.reason,
            lines={str(line_no): quantity for line_no, quantity in (lines or {}).items()},
            retry_of=retry_of,
            idempotency_key=command.idempotency_key,
            created_at=command.at,
        ),
    )
    await orders.add_event(
        session,
        payment.order_id,
        "refund_requested",
        command.at,
        dedupe_key=f"refund_requested:{refund.id}",
        refund_id=refund.id,
        amount=str(refund.amount),
        reason=refund.reason,
    )
    return refund
