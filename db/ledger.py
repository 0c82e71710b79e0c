"""The ledger of every movement of stock; the counters change with it, and only so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.inventory import MovementReason

_DELTAS_FIT = """
    CASE reason
        WHEN 'received' THEN delta_available > 0 AND delta_reserved = 0
        WHEN 'reserved' THEN delta_reserved > 0 AND delta_available = -delta_reserved
        WHEN 'released' THEN delta_available > 0 AND delta_reserved = -delta_available
        WHEN 'expired' THEN delta_available > 0 AND delta_reserved = -delta_available
        WHEN 'committed' THEN delta_available = 0 AND delta_reserved < 0
        WHEN 'restocked' THEN delta_available > 0 AND delta_reserved = 0
        WHEN 'returned' THEN delta_available > 0 AND delta_reserved = 0
        ELSE delta_reserved = 0
    END
"""


class StockMovement(SQLModel, table=True):
    """One change of the counters; the ledger only grows (a trigger holds that).

    `reference` names the cause (a hold, a receipt); the same cause moves the same stock once.
    """

    __tablename__ = "stock_movements"
    __table_args__ = (
        base.one_of("reason", MovementReason),
        CheckConstraint(_DELTAS_FIT, name="deltas_fit_reason"),
        UniqueConstraint("reference", "reason", "warehouse_id", "sku"),
        ForeignKeyConstraint(["warehouse_id", "sku"], ["inventory.warehouse_id", "inventory.sku"]),
        Index("ix_stock_movements_stock", "warehouse_id", "sku", "id"),
    )

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    at: datetime = Field(sa_column=base.instant(nullable=False))
    warehouse_id: str = Field(sa_column=base.text())
    sku: str = Field(sa_column=base.text())
    reason: str = Field(sa_column=base.text())
    delta_available: int = Field(sa_column=Column(Integer, nullable=False))
    delta_reserved: int = Field(sa_column=Column(Integer, nullable=False))
    reference: str = Field(sa_column=base.text())
    order_id: str | None = Field(default=None, sa_column=base.text(nullable=True, index=True))


class Units(Protocol):
    """What `domain.inventory.StockUnits` has, and the lines of a hold as well."""

    @property
    def warehouse_id(self) -> str:
        """Where they are."""

    @property
    def sku(self) -> str:
        """What they are."""

    @property
    def quantity(self) -> int:
        """How many; below zero they are taken away."""


# How one unit moves between the counters, per reason: (available, reserved).
DELTAS: dict[MovementReason, tuple[int, int]] = {
    MovementReason.RECEIVED: (1, 0),
    MovementReason.RESERVED: (-1, 1),
    MovementReason.RELEASED: (1, -1),
    MovementReason.EXPIRED: (1, -1),
    MovementReason.COMMITTED: (0, -1),
    MovementReason.RESTOCKED: (1, 0),
    MovementReason.RETURNED: (1, 0),
    MovementReason.ADJUSTED: (1, 0),
}

# Rows change in (sku, warehouse) order everywhere, so that two orders never wait for each other.
_MOVE = text(
    """
    WITH moved AS (
        INSERT INTO stock_movements
            (at, warehouse_id, sku, reason, delta_available, delta_reserved, reference, order_id)
        SELECT :at, warehouse_id, sku, :reason, quantity * :available, quantity * :reserved,
               :reference, :order_id
        FROM unnest(CAST(:warehouses AS text[]), CAST(:skus AS text[]), CAST(:quantities AS int[]))
             AS line (warehouse_id, sku, quantity)
        ON CONFLICT (reference, reason, warehouse_id, sku) DO NOTHING
        RETURNING warehouse_id, sku, delta_available, delta_reserved
    )
    UPDATE inventory SET
        available = available + delta_available,
        reserved = reserved + delta_reserved,
        total = total + delta_available + delta_reserved
    FROM moved
    WHERE inventory.warehouse_id = moved.warehouse_id AND inventory.sku = moved.sku
    """
)


async def moved_before(
    session: AsyncSession, reason: MovementReason, warehouse_id: str, sku: str, reference: str
) -> int | None:
    """How many units this reference has moved at this place, if it did; the place is locked."""
    moved: int | None = await session.scalar(
        select(col(StockMovement.delta_available)).where(
            col(StockMovement.reference) == reference,
            col(StockMovement.reason) == reason,
            col(StockMovement.warehouse_id) == warehouse_id,
            col(StockMovement.sku) == sku,
        )
    )
    return moved


async def move_stock(
    session: AsyncSession,
    reason: MovementReason,
    lines: Sequence[Units],
    reference: str,
    at: datetime,
    *,
    order_id: str | None = None,
) -> None:
    """Change the counters and the ledger together; the same `reference` and reason move once."""
    available, reserved = DELTAS[reason]
    await session.execute(
        _MOVE,
        {
            "at": at,
            "reason": reason,
            "available": available,
            "reserved": reserved,
            "reference": reference,
            "order_id": order_id,
            "warehouses": [line.warehouse_id for line in lines],
            "skus": [line.sku for line in lines],
            "quantities": [line.quantity for line in lines],
        },
    )
