"""Stock words: what an order needs, what a warehouse has, and how a hold may move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from domain.order import Value

# A receipt of more is a typing mistake; the counters are 32 bits wide.
MOST_RECEIVED = 1_000_000


class HoldState(StrEnum):
    """A hold moves once: from `held` to one of the others."""

    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"


class MovementReason(StrEnum):
    """Why a counter changed."""

    RECEIVED = "received"
    RESERVED = "reserved"
    RELEASED = "released"
    EXPIRED = "expired"
    COMMITTED = "committed"
    RESTOCKED = "restocked"
    RETURNED = "returned"
    ADJUSTED = "adjusted"


class StockNeed(Value):
    """So many of one SKU."""

    sku: str
    quantity: int


class StockUnits(Value):
    """Units of one SKU in one warehouse; fewer than none are taken away."""

    warehouse_id: str
    sku: str
    quantity: int


class StockLevel(Value):
    """What one warehouse can still promise of one SKU."""

    warehouse_id: str
    sku: str
    available: int


class Shortage(Value):
    """What is missing of one SKU, measured at all warehouses together."""

    sku: str
    requested: int
    available: int

    @property
    def shortfall(self) -> int:
        """How many are missing."""
        return self.requested - self.available


def find_shortages(
    needs: Sequence[StockNeed], levels: Sequence[StockLevel], preference: Sequence[str]
) -> tuple[Shortage, ...]:
    """What even all warehouses of `preference` together do not have."""
    available: Counter[str] = Counter()
    for level in levels:
        if level.warehouse_id in preference:
            available[level.sku] += level.available
    return tuple(
        Shortage(sku=need.sku, requested=need.quantity, available=available[need.sku])
        for need in needs
        if available[need.sku] < need.quantity
    )
