"""Payments that the customer's bank wants back: that it does, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.refund_books import restate_money
from db import operator_tasks, orders
from db.orders import OrderRow
from db.payments import Payment
from domain.payment import DisputeNews
from domain.payment_review import ReviewDecision, ReviewKind, dispute_words, review_key

# What a provider calls lost is money gone only once a person has seen that it is.
_TO_TELL = (DisputeNews.LOST, DisputeNews.OVER)


async def hear_of_dispute(
    session: AsyncSession,
    order: OrderRow,
    payment: Payment,
    news: Collection[DisputeNews],
    at: datetime,
) -> None:
    """Record what is told of a payment's dispute; order and payment are locked.

    One that is won is over by itself. Of any other end people are told, and decide.
    """
    if not payment.disputed:
        payment.disputed, payment.updated_at = True, at
        if payment.captured_minor > 0:
            await restate_money(session, order, at)
        await _note(session, payment, DisputeNews.OPENED, at)
    if DisputeNews.WON in news:
        if not payment.dispute_outcome:
            await end_dispute(session, order, payment, ReviewDecision.WON, at)
        await _note(session, payment, DisputeNews.WON, at)
    for told in _TO_TELL:
        if told in news:
            words = dispute_words(payment.asked, payment.gateway, told)
            key = review_key(ReviewKind.DISPUTE, payment.id)
            await operator_tasks.reword_task(session, order.id, key, words)
            await _note(session, payment, told, at)
            break


async def end_dispute(
    session: AsyncSession, order: OrderRow, payment: Payment, outcome: ReviewDecision, at: datetime
) -> None:
    """The dispute is over; what becomes of the money is booked by whoever knows."""
    payment.dispute_outcome, payment.updated_at = outcome, at
    if payment.captured_minor > 0:
        await restate_money(session, order, at)


async def _note(session: AsyncSession, payment: Payment, news: DisputeNews, at: datetime) -> None:
    await orders.add_event(
        session,
        payment.order_id,
        f"chargeback_{news}",
        at,
        dedupe_key=f"chargeback_{news}:{payment.id}",
        payment_id=payment.id,
        amount=str(payment.asked),
    )
