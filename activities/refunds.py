"""Refunds: claimed in our books first, made with one key, followed until they are settled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.failures import not_yet
from activities.payments import GatewayOff
from db import orders, payments
from db.engine import Sessions
from db.payments import Payment, Refund, RefundRowState
from domain.ids import idempotency_key
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import RefundRequest, RefundState, RefundView
from domain.statuses import OrderStatus, PaymentStatus
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
    """Set part of what an order paid aside for a refund; without an amount, all that is left."""

    refund_id: str
    order_id: str
    amount: Money | None = None
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
    """The refund's end: succeeded, failed, or waiting for a person."""

    refund_id: str
    state: RefundState
    amount: Money
    failure_code: str = ""


# A pending refund is looked at again after these delays; the last one repeats.
_DELAYS = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))

_GOODS_GONE = {OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.COMPLETED}


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
        except payments.RefundExceedsCapture as error:
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
        view = await self._make_or_ask(payment, refund)
        async with self._sessions.begin() as session:
            await _record(session, command.refund_id, view, command.at)
        if view.state is RefundState.PENDING:
            attempt = activity.info().attempt
            raise not_yet("the refund is pending", _DELAYS[min(attempt, len(_DELAYS)) - 1])
        return RefundSettled(
            refund_id=refund.id,
            state=view.state,
            amount=refund.amount,
            failure_code=view.failure_code,
        )

    async def _make_or_ask(self, payment: Payment, refund: Refund) -> RefundView:
        gateway = self._gateway(payment.gateway)
        request = RefundRequest(
            refund_id=refund.id,
            payment_id=payment.id,
            provider_ref=payment.provider_ref,
            amount=refund.amount,
            reason=refund.reason,
            idempotency_key=refund.idempotency_key,
        )
        if refund.state != RefundRowState.INTENDED:
            return await gateway.query_refund(request, refund.provider_ref)
        try:
            return await gateway.refund(request)
        except GatewayRejected as error:
            return RefundView(
                refund_id=refund.id,
                provider_ref="",
                state=RefundState.FAILED,
                amount=refund.amount,
                failure_code=error.code,
                failure_message=error.reason,
            )

    def _gateway(self, name: str) -> PaymentGateway:
        for known, gateway in self._gateways.items():
            if known == name:
                return gateway
        raise GatewayOff(f"no credentials for {name}: set its variables and restart the worker")


async def _claim(session: AsyncSession, command: ClaimRefund) -> RefundClaimed | RefundNotPossible:
    order = await orders.lock_order(session, command.order_id)
    known = await session.get(Refund, command.refund_id)
    if known is not None:
        return RefundClaimed(payment_id=known.payment_id, amount=known.amount)
    if order.status not in _GOODS_GONE and command.amount is None:
        return RefundNotPossible(
            reason=f"the order is {order.status}: cancel it to give all the money back"
        )
    paid = [
        payment
        for payment in await payments.payments_of(session, command.order_id)
        if payment.captured_minor > payment.claimed_minor and not payment.surplus
    ]
    if not paid:
        return RefundNotPossible(reason="the order has no money left to give back")
    refund = await _intend(
        session,
        RefundPayment(
            refund_id=command.refund_id,
            payment_id=paid[0].id,
            amount=command.amount,
            reason=command.reason,
            idempotency_key=idempotency_key(command.refund_id, "refund"),
            at=command.at,
        ),
    )
    assert refund is not None
    return RefundClaimed(payment_id=refund.payment_id, amount=refund.amount)


async def _intend(session: AsyncSession, command: RefundPayment) -> Refund | None:
    """The stored intent; nothing if the payment has nothing left to give back."""
    payment = await session.get_one(Payment, command.payment_id)
    await orders.lock_order(session, payment.order_id)
    payment = await payments.lock_payment(session, command.payment_id)
    await session.refresh(payment)
    amount = command.amount
    if amount is None:
        known = await session.get(Refund, command.refund_id)
        left = payment.captured_minor - payment.claimed_minor
        amount = known.amount if known else Money(minor=left, currency=payment.currency)
    if amount.minor == 0:
        return None
    request = RefundRequest(
        refund_id=command.refund_id,
        payment_id=payment.id,
        provider_ref=payment.provider_ref,
        amount=amount,
        reason=command.reason,
        idempotency_key=command.idempotency_key,
    )
    refund = await payments.intend_refund(session, request, command.at)
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


async def _record(session: AsyncSession, refund_id: str, view: RefundView, at: datetime) -> None:
    refund = await session.get_one(Refund, refund_id)
    order = await orders.lock_order(session, refund.order_id)
    payment = await payments.lock_payment(session, refund.payment_id)
    await session.refresh(refund, with_for_update=True)
    refund.provider_ref = view.provider_ref or refund.provider_ref
    refund.failure_code = view.failure_code
    order.kept_minor += payments.settle_refund(payment, refund, view.state, at)
    if view.state is RefundState.SUCCEEDED:
        gone = order.kept_minor == 0
        # Surplus money never was the order's: that it goes back says nothing about the order.
        part = None if payment.surplus else PaymentStatus.PARTIALLY_REFUNDED
        orders.move(
            order,
            at,
            payment=PaymentStatus.REFUNDED if gone else part,
            status=OrderStatus.REFUNDED if gone and order.status in _GOODS_GONE else None,
        )
    await orders.add_event(
        session,
        order.id,
        f"refund_{view.state}",
        at,
        dedupe_key=f"refund_{view.state}:{refund.id}",
        refund_id=refund.id,
        amount=str(refund.amount),
        reason=view.failure_message or view.failure_code or refund.reason,
    )
