"""What may have been left behind by an order whose workflow is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.laws import stock
from db.payments import AttemptState, Payment

# On the timeline of an order that was closed because its workflow was gone.
LOST = "workflow_lost"

# A declined payment may be tried again at its provider; what was given up is being closed.
_PAYABLE = (
    AttemptState.INTENDED,
    AttemptState.PENDING,
    AttemptState.PROCESSING,
    AttemptState.FAILED,
)


@dataclass(frozen=True, slots=True)
class OpenPayment:
    """A payment that may still be paid though its order was given up."""

    order_id: str
    payment_id: str


async def overdue_orders(session: AsyncSession, before: datetime, limit: int) -> list[str]:
    """Orders whose hold should have ended before `before`, the longest overdue first."""
    rows = await session.scalars(
        text(
            "SELECT order_id FROM holds WHERE state = 'held' AND expires_at < :before"
            " ORDER BY expires_at LIMIT :limit"
        ),
        {"before": before, "limit": limit},
    )
    return list(rows)


async def queueing_orders(session: AsyncSession, limit: int) -> list[str]:
    """Orders that wait for goods, those that have waited longest first."""
    rows = await session.scalars(
        text(
            "SELECT order_id FROM restock_requests WHERE state = 'open'"
            " GROUP BY order_id ORDER BY min(id) LIMIT :limit"
        ),
        {"limit": limit},
    )
    return list(rows)


async def paid_and_unfinished(session: AsyncSession, order_ids: Sequence[str]) -> list[str]:
    """Those of `order_ids` that have committed stock and have not come to their end."""
    rows = await session.scalars(
        text(
            "SELECT orders.id FROM orders JOIN holds ON order_id = orders.id"
            " WHERE orders.id = ANY(:ids) AND state = 'committed'"
            " AND status IN ('confirmed', 'processing', 'shipped', 'delivered')"
            " ORDER BY orders.id"
        ),
        {"ids": list(order_ids)},
    )
    return list(rows)


async def open_payments(session: AsyncSession, limit: int) -> list[OpenPayment]:
    """Payments that can still be paid for orders that were given up as lost."""
    rows = await session.execute(
        select(col(Payment.order_id), col(Payment.id))
        .where(
            col(Payment.state).in_(_PAYABLE),
            col(Payment.given_up).is_(False),
            text(
                "EXISTS (SELECT FROM order_events AS event"
                " WHERE event.order_id = payments.order_id AND event.kind = :lost)"
            ).bindparams(lost=LOST),
        )
        .order_by(col(Payment.id))
        .limit(limit)
    )
    return [OpenPayment(order_id=order_id, payment_id=payment_id) for order_id, payment_id in rows]


async def drifted_counters(session: AsyncSession) -> list[str]:
    """Each counter that disagrees with the ledger or with the live holds, in words."""
    return [
        violation
        for check in stock.COUNTERS
        for violation in sorted(await session.scalars(text(check.violations)))
    ]
