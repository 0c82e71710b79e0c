"""What an order's workflow asks for; apart from all else, for processes that start often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from activities.reserving import ReserveStock
from domain.ids import HOLD, derived_id


def reservation(order_id: str, hold_id: str = "") -> ReserveStock:
    """The wish of an order; each time the same hold, as its workflow asks for it."""
    return ReserveStock(
        order_id=order_id,
        hold_id=hold_id or derived_id(HOLD, order_id),
        at=now(),
        expires_at=now() + timedelta(minutes=15),
    )


def now() -> datetime:
    return datetime.now(UTC)
