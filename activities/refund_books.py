"""Refunds in the books: ours as their providers report them, and those that others made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.payment_reviews import look_after_review
from db import orders, payments, refunds
from db.orders import OrderRow
from db.payments import Payment
from db.refunds import Refund
from domain.ids import REFUND, derived_id, idempotency_key
from domain.money import Money
from domain.payment import PaymentView, RefundState, RefundView
from domain.payment_review import ReviewKind
from domain.refunding import is_news, money_status
from domain.statuses import OrderStatus

GOODS_GONE = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.COMPLETED})


async def book_refund(
    session: AsyncSession, order: OrderRow, payment: Payment, view: RefundView, at: datetime
) -> None:
    """Record what a provider says of a refund; order and payment are locked.

    One that is not ours is booked as made by the provider, unless it failed. What the provider
    said before the refund came to its end, and is only booked now, changes nothing.

    Raises:
        RefundExceedsCapture: it and our own refunds under way come to more than was captured.
    """
    refund = await refunds.find_refund(session, payment.id, view)
    if refund is None:
        if view.state is RefundState.FAILED or view.amount.currency != payment.currency:
            return
        refund = await _book_foreign(session, payment, view, at)
    await session.refresh(refund, with_for_update=True)
    if not is_news(refunds.told_before(refund), view.state) or _asked_too_early(refund, view):
        return
    refund.provider_ref = view.provider_ref or refund.provider_ref
    refund.failure_code = view.failure_code
    order.kept_minor += refunds.settle_refund(payment, refund, view.state, at)
    await restate_money(session, order, at)
    await orders.add_event(
        session,
        order.id,
        f"refund_{view.state}",
        at,
        dedupe_key=f"refund_{view.state}:{refund.id}",
        refund_id=refund.id,
        amount=str(refund.amount),
        made_by=refund.made_by,
        reason=view.failure_message or view.failure_code or refund.reason,
    )


def _asked_too_early(refund: Refund, view: RefundView) -> bool:
    """A provider that named a refund and called it failed does not pay it out after all.

    Only a failure that we concluded from a refusal, with no name for the refund, may be one that
    was made.
    """
    failed = refund.state == refunds.RefundRowState.FAILED
    return failed and bool(refund.provider_ref) and view.state is RefundState.SUCCEEDED


async def book_refunds_of(
    session: AsyncSession,
    order: OrderRow,
    payment: Payment,
    view: PaymentView,
    named: Iterable[RefundView],
    at: datetime,
) -> None:
    """Record the refunds that a payment's view lists, those in `named`, and what neither lists."""
    if payment.captured_minor == 0:
        return
    for refund in view.refunds:
        if not await _is_taken(session, payment, refund):
            await book_refund(session, order, payment, refund, at)
    for refund in named:
        counted = await _is_counted(session, payment, view, refund)
        if not counted and not await _is_taken(session, payment, refund):
            await book_refund(session, order, payment, refund, at)
    # What is listed is no surprise, even if our books know better by now how it ended.
    listed = sum(r.amount.minor for r in view.refunds if r.state is not RefundState.FAILED)
    known = max(listed, payment.claimed_minor)
    unlisted = (view.refunded.minor if view.refunded else 0) - known
    if unlisted > 0:
        told = RefundView(
            refund_id="",
            provider_ref=refunds.unlisted_ref(payment.id, known + unlisted),
            state=RefundState.SUCCEEDED,
            amount=Money(minor=unlisted, currency=payment.currency),
        )
        await book_refund(session, order, payment, told, at)


async def _is_counted(
    session: AsyncSession, payment: Payment, view: PaymentView, told: RefundView
) -> bool:
    """Whether a refund that we hear the name of now is in the books without one already."""
    if view.refunded is None or await refunds.find_refund(session, payment.id, told) is not None:
        return False
    beyond = payment.claimed_minor + told.amount.minor > view.refunded.minor
    return beyond and any(
        refunds.is_unlisted(refund)
        for refund in await refunds.refunds_of_payment(session, payment.id)
    )


async def restate_money(session: AsyncSession, order: OrderRow, at: datetime) -> None:
    """Derive the order's money status from its payments; goods that left unpaid are refunded."""
    # What is kept and how it is called are written together: neither is right without the other.
    with session.no_autoflush:
        attempts = await payments.payments_of(session, order.id)
    own = next((a for a in attempts if a.captured_minor > 0 and not a.surplus), None)
    orders.move(
        order,
        at,
        payment=money_status(
            captured=own.captured_minor - own.excess_minor if own else 0,
            # What was never asked for goes back without making the order refunded in part.
            refunded=max(own.refunded_minor - own.excess_minor, 0) if own else 0,
            kept=order.kept_minor,
            in_review=any(attempt.in_review(kind) for attempt in attempts for kind in ReviewKind),
        ),
    )
    if order.kept_minor == 0 and order.status in GOODS_GONE:
        orders.move(order, at, status=OrderStatus.REFUNDED)
    for attempt in attempts:
        await look_after_review(session, attempt, at)


async def book_taken(
    session: AsyncSession, order: OrderRow, payment: Payment, at: datetime
) -> None:
    """The customer's bank has taken what is left of a locked payment; nobody is asked for it.

    It has no name at the provider, which may tell of it later as a refund, or never.
    """
    if payment.left.minor == 0:
        return
    taken = RefundView(
        refund_id="",
        provider_ref=refunds.unlisted_ref(payment.id, payment.captured_minor),
        state=RefundState.SUCCEEDED,
        amount=payment.left,
    )
    await _book_foreign(session, payment, taken, at, made_by="bank", reason="a lost dispute")
    await book_refund(session, order, payment, taken, at)


async def _is_taken(session: AsyncSession, payment: Payment, told: RefundView) -> bool:
    """Whether a refund that is told of now is the money that a bank took, by another name."""
    if told.amount.minor <= payment.left.minor:
        return False
    if await refunds.find_refund(session, payment.id, told) is not None:
        return False
    known = await refunds.refunds_of_payment(session, payment.id)
    return any(refunds.is_taken(refund) for refund in known)


async def _book_foreign(
    session: AsyncSession,
    payment: Payment,
    view: RefundView,
    at: datetime,
    *,
    made_by: str = "provider",
    reason: str = "made at the provider",
) -> Refund:
    refund_id = derived_id(REFUND, payment.gateway, view.provider_ref or view.refund_id)
    return await refunds.intend_refund(
        session,
        Refund(
            id=refund_id,
            payment_id=payment.id,
            order_id=payment.order_id,
            state=refunds.RefundRowState.INTENDED,
            amount_minor=view.amount.minor,
            currency=view.amount.currency,
            reason=reason,
            provider_ref=view.provider_ref,
            made_by=made_by,
            idempotency_key=idempotency_key(refund_id, "refund"),
            created_at=at,
        ),
    )
