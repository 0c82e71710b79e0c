"""Stock that is promised to an order: held for a while, then committed or given back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.inventory import lock_stock
from db.ledger import move_stock
from domain.allocation import Allocation
from domain.inventory import HoldState, MovementReason


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


_STATE_REASON = {
    HoldState.COMMITTED: MovementReason.COMMITTED,
    HoldState.RELEASED: MovementReason.RELEASED,
    HoldState.EXPIRED: MovementReason.EXPIRED,
}


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
