"""Stock per warehouse and SKU, the holds on it, and the ledger of every movement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.allocation import Allocation
from domain.inventory import HoldState, MovementReason, StockLevel
from domain.nearness import nearest_first


class Inventory(SQLModel, table=True):
    """The counters of one SKU in one warehouse.

    A trigger adds up the ledger in `ledger_available` and `ledger_reserved`; no transaction is
    committed that leaves the counters without a movement that explains them.
    """

    __tablename__ = "inventory"
    __table_args__ = (
        CheckConstraint("total = available + reserved", name="total_adds_up"),
        CheckConstraint("least(total, available, reserved) >= 0", name="not_negative"),
    )

    warehouse_id: str = Field(sa_column=base.reference("warehouses.id", primary_key=True))
    sku: str = Field(sa_column=base.reference("products.sku", primary_key=True))
    total: int = Field(sa_column=Column(Integer, nullable=False))
    available: int = Field(sa_column=Column(Integer, nullable=False))
    reserved: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    ledger_available: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    ledger_reserved: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    reorder_point: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    bin: str = Field(sa_column=base.text(""))
    batch: str = Field(default="", sa_column=base.text(""))


class Hold(SQLModel, table=True):
    """Stock promised to one order. A trigger refuses any second move of `state`."""

    __tablename__ = "holds"
    __table_args__ = (
        base.one_of("state", HoldState),
        CheckConstraint("(state = 'held') = (moved_at IS NULL)", name="moved_at_tells"),
        Index(
            "uq_holds_one_live_per_order",
            "order_id",
            unique=True,
            postgresql_where=text("state IN ('held', 'committed')"),
        ),
        Index("ix_holds_live_deadline", "expires_at", postgresql_where=text("state = 'held'")),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    state: str = Field(sa_column=base.text(HoldState.HELD))
    expires_at: datetime = Field(sa_column=base.instant(nullable=False))
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    moved_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


class HoldLine(SQLModel, table=True):
    """How much of one SKU a hold promises, and from which warehouse."""

    __tablename__ = "hold_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        ForeignKeyConstraint(["warehouse_id", "sku"], ["inventory.warehouse_id", "inventory.sku"]),
        Index("ix_hold_lines_stock", "warehouse_id", "sku"),
    )

    hold_id: str = Field(sa_column=base.reference("holds.id", primary_key=True))
    warehouse_id: str = Field(sa_column=base.text(primary_key=True))
    sku: str = Field(sa_column=base.text(primary_key=True))
    quantity: int = Field(sa_column=Column(Integer, nullable=False))


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


@dataclass(frozen=True, slots=True)
class Level:
    """The counters of one SKU in one warehouse."""

    total: int
    available: int
    reserved: int


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

_STATE_REASON = {
    HoldState.COMMITTED: MovementReason.COMMITTED,
    HoldState.RELEASED: MovementReason.RELEASED,
    HoldState.EXPIRED: MovementReason.EXPIRED,
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


async def lock_stock(session: AsyncSession, skus: Sequence[str]) -> list[StockLevel]:
    """What every warehouse has of `skus`, locked until the transaction ends."""
    rows = await session.scalars(
        select(Inventory)
        .where(col(Inventory.sku).in_(skus))
        .order_by(col(Inventory.sku), col(Inventory.warehouse_id))
        .with_for_update()
    )
    return [
        StockLevel(warehouse_id=row.warehouse_id, sku=row.sku, available=row.available)
        for row in rows
    ]


async def level_at(session: AsyncSession, warehouse_id: str, sku: str) -> Level:
    """The counters of one SKU in one warehouse that keeps it."""
    row = await session.get_one(Inventory, (warehouse_id, sku), populate_existing=True)
    return Level(total=row.total, available=row.available, reserved=row.reserved)


async def warehouse_preference(session: AsyncSession, province: str) -> list[str]:
    """All warehouses, those nearest to the customer's province first."""
    rows = await session.execute(text("SELECT id, province FROM warehouses"))
    return nearest_first(province, {row.id: row.province for row in rows})


async def live_hold(session: AsyncSession, order_id: str) -> Hold | None:
    """The order's held or committed hold, locked; at most one exists."""
    statement = (
        select(Hold)
        .where(col(Hold.order_id) == order_id, col(Hold.state).in_(["held", "committed"]))
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def hold_lines(session: AsyncSession, hold_id: str) -> list[HoldLine]:
    """What a hold promises, in the order in which rows are locked."""
    rows = await session.scalars(
        select(HoldLine)
        .where(col(HoldLine.hold_id) == hold_id)
        .order_by(col(HoldLine.sku), col(HoldLine.warehouse_id))
    )
    return list(rows)


async def insert_hold(
    session: AsyncSession,
    *,
    hold_id: str,
    order_id: str,
    lines: Sequence[Allocation],
    at: datetime,
    expires_at: datetime,
) -> None:
    """Hold stock that `lock_stock` showed to be there, and write it into the ledger."""
    await session.execute(
        insert(Hold).values(id=hold_id, order_id=order_id, created_at=at, expires_at=expires_at)
    )
    values = [{"hold_id": hold_id, **line.model_dump()} for line in lines]
    await session.execute(insert(HoldLine), values)
    held = [HoldLine(**value) for value in values]
    await move_stock(session, MovementReason.RESERVED, held, hold_id, at, order_id=order_id)


async def move_hold(session: AsyncSession, hold: Hold, state: HoldState, at: datetime) -> None:
    """Move a locked hold out of `held`, and its stock with it; a trigger refuses a second move."""
    await session.execute(
        update(Hold).where(col(Hold.id) == hold.id).values(state=state, moved_at=at)
    )
    lines = await hold_lines(session, hold.id)
    await lock_stock(session, [line.sku for line in lines])
    await move_stock(session, _STATE_REASON[state], lines, hold.id, at, order_id=hold.order_id)


async def return_stock(
    session: AsyncSession, hold: Hold, lines: Sequence[HoldLine], at: datetime
) -> None:
    """Put lines of a committed hold back on their shelves; each of them once."""
    await lock_stock(session, [line.sku for line in lines])
    await move_stock(session, MovementReason.RESTOCKED, lines, hold.id, at, order_id=hold.order_id)


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
    lines: Sequence[HoldLine],
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
