"""How the shop is doing: counts, times and failure rates, all from the books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Below this many samples a 95th percentile says nothing.
ENOUGH_FOR_PERCENTILES = 20
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds over `n` orders; a figure that `n` does not support is missing."""

    n: int
    average: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` out of `of`."""

    count: int
    of: int

    @property
    def percent(self) -> float | None:
        """Nothing out of nothing has no rate."""
        return 100 * self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class SlowOrder:
    """An order that waited for its payment instruction; without one, it waits still."""

    order_number: str
    seconds: float
    has_instruction: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one moment."""

    orders: int
    by_status: Mapping[str, int]
    placed_to_confirmed: Duration
    placed_to_payment: Duration
    rates: Mapping[str, Rate]
    slow_after: float
    slow_count: int
    slowest: tuple[SlowOrder, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        rates = {
            name: {**asdict(rate), "percent": rate.percent} for name, rate in self.rates.items()
        }
        return {**asdict(self), "rates": rates}


_BY_STATUS = "SELECT status, count(*) FROM orders GROUP BY status"

# The first event of each kind counts: attempts and notices repeat.
_SPAN = """
    SELECT count(*), avg(seconds), percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
    FROM (
        SELECT extract(epoch FROM min(event.at) - orders.created_at)::float8 AS seconds
        FROM orders JOIN order_events AS event ON event.order_id = orders.id
        WHERE event.kind = :kind
            AND NOT EXISTS (SELECT FROM order_events AS short
                            WHERE short.order_id = orders.id AND short.kind = 'out_of_stock')
        GROUP BY orders.id
    ) AS spans
"""

_RATES = {
    "orders cancelled": """
        SELECT count(*) FILTER (WHERE status = 'cancelled'), count(*) FROM orders
    """,
    "orders short of stock": """
        SELECT count(DISTINCT order_id) FILTER (WHERE kind = 'out_of_stock'),
               count(DISTINCT order_id)
        FROM order_events
    """,
    "holds expired": """
        SELECT count(*) FILTER (WHERE state = 'expired'), count(*) FROM holds
    """,
    "payment attempts declined": """
        SELECT count(DISTINCT detail ->> 'payment_id'), (SELECT count(*) FROM payments)
        FROM order_events WHERE kind = 'payment_failed'
    """,
    "payment attempts refused by the provider": """
        SELECT count(*) FILTER (WHERE state = 'rejected'), count(*) FROM payments
    """,
    "refunds failed": """
        SELECT count(*) FILTER (WHERE state IN ('failed', 'manual')), count(*) FROM refunds
    """,
    "orders in review": """
        SELECT count(*) FILTER (WHERE payment_status = 'review'), count(*) FROM orders
    """,
    "notifications failed": """
        SELECT count(*) FILTER (WHERE state = 'failed'), count(*) FROM notifications
    """,
}

# An order that never got an instruction is slow from the moment on at which it should have had it.
_SLOW = """
    SELECT order_number, extract(epoch FROM coalesce(told, now()) - created_at)::float8 AS seconds,
           told IS NOT NULL AS has_instruction, count(*) OVER () AS found
    FROM orders
    LEFT JOIN (
        SELECT order_id, min(at) AS told FROM order_events
        WHERE kind = 'payment_created' GROUP BY order_id
    ) AS instruction ON order_id = orders.id
    WHERE extract(epoch FROM coalesce(told, now()) - created_at) > :slow_after
        AND (told IS NOT NULL OR status = 'pending')
        AND NOT EXISTS (SELECT FROM order_events AS short
                        WHERE short.order_id = orders.id AND short.kind = 'out_of_stock')
    ORDER BY seconds DESC LIMIT :listed
"""


async def report(session: AsyncSession, slow_after: timedelta) -> Report:
    """The figures now; orders that waited for goods do not count as slow."""
    by_status = {row[0]: row[1] for row in await session.execute(text(_BY_STATUS))}
    slow = (
        await session.execute(
            text(_SLOW), {"slow_after": slow_after.total_seconds(), "listed": _LISTED}
        )
    ).all()
    return Report(
        orders=sum(by_status.values()),
        by_status=by_status,
        placed_to_confirmed=await _span(session, "order_confirmed"),
        placed_to_payment=await _span(session, "payment_created"),
        rates={
            name: Rate(*(await session.execute(text(question))).one())
            for name, question in _RATES.items()
        },
        slow_after=slow_after.total_seconds(),
        slow_count=slow[0].found if slow else 0,
        slowest=tuple(SlowOrder(row[0], row[1], row[2]) for row in slow),
    )


async def _span(session: AsyncSession, kind: str) -> Duration:
    n, average, p95 = (await session.execute(text(_SPAN), {"kind": kind})).one()
    return Duration(n=n, average=average, p95=p95 if n >= ENOUGH_FOR_PERCENTILES else None)
