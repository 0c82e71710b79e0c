"""Stock words: what an order needs, what a warehouse has, and how a hold may move."""

from __future__ import annotations

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
    ADJUSTED = "adjusted"


class StockNeed(Value):
    """So many of one SKU."""

    sku: str
    quantity: int


class StockLevel(Value):
    """What one warehouse can still promise of one SKU."""

    warehouse_id: str
    sku: str
    available: int


class Shortage(Value):
    """What is missing of one SKU, measured at the warehouse that comes closest."""

    sku: str
    requested: int
    available: int

    @property
    def shortfall(self) -> int:
        """How many are missing."""
        return self.requested - self.available


def choose_warehouse(
    needs: Sequence[StockNeed], levels: Sequence[StockLevel], preference: Sequence[str]
) -> str | None:
    """The first of `preference` that can serve all needs at once; none if no warehouse can."""
    available = {(level.warehouse_id, level.sku): level.available for level in levels}
    for warehouse_id in preference:
        if all(available.get((warehouse_id, need.sku), 0) >= need.quantity for need in needs):
            return warehouse_id
    return None


def find_shortages(
    needs: Sequence[StockNeed], levels: Sequence[StockLevel], preference: Sequence[str]
) -> tuple[Shortage, ...]:
    """What is missing where the fewest units are missing; ties go to the preferred warehouse."""
    available = {(level.warehouse_id, level.sku): level.available for level in levels}

    def missing(warehouse_id: str) -> list[Shortage]:
        return [
            Shortage(sku=need.sku, requested=need.quantity, available=have)
            for need in needs
            if (have := available.get((warehouse_id, need.sku), 0)) < need.quantity
        ]

    candidates = [missing(warehouse_id) for warehouse_id in preference] or [
        [Shortage(sku=need.sku, requested=need.quantity, available=0) for need in needs]
    ]
    return tuple(min(candidates, key=lambda short: sum(line.shortfall for line in short)))
