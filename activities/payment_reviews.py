"""A payment in review is a task for people, for as long as it is in review."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import operator_tasks, orders
from db.payments import Payment
from domain.payment_review import ReviewKind, dispute_words, mismatch_words, review_key


async def look_after_review(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Open the tasks that a locked payment calls for, and close those that are over."""
    for kind, concerned in (
        (ReviewKind.MISMATCH, bool(payment.mismatch)),
        (ReviewKind.DISPUTE, payment.disputed),
    ):
        if not concerned:
            continue
        key = review_key(kind, payment.id)
        if payment.in_review(kind):
            await _open(session, payment, kind, key, at)
        else:
            await operator_tasks.close_task(session, payment.order_id, key, at)


async def _open(
    session: AsyncSession, payment: Payment, kind: ReviewKind, key: str, at: datetime
) -> None:
    await operator_tasks.open_task(
        session,
        kind=kind,
        order_id=payment.order_id,
        task=_words(payment, kind),
        dedupe_key=key,
        at=at,
        payment_id=payment.id,
        urgent=True,
    )
    # A bank may return what had gone back: the same question is open again.
    await operator_tasks.reopen_task(session, payment.order_id, key)
    await orders.add_event(
        session,
        payment.order_id,
        "task_opened",
        at,
        dedupe_key=f"task_opened:{key}",
        task=kind,
        payment_id=payment.id,
    )


def _words(payment: Payment, kind: ReviewKind) -> str:
    if kind is ReviewKind.DISPUTE:
        return dispute_words(payment.asked, payment.gateway)
    booked = payment.captured_minor > 0
    return mismatch_words(payment.mismatch, payment.gateway, booked=booked)
