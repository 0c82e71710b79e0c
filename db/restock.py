"""Orders that wait for goods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Index, Integer, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.inventory import Shortage


class RestockState(StrEnum):
    """Whether an order still waits."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"


class RestockRequest(SQLModel, table=True):
    """So many of one SKU are missing for one order."""

    __tablename__ = "restock_requests"
    __table_args__ = (
        base.one_of("state", RestockState),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index(
            "uq_restock_requests_one_open",
            "order_id",
            "sku",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_restock_requests_waiting", "sku", "id", postgresql_where=text("state = 'open'")),
    )

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    sku: str = Field(sa_column=base.reference("products.sku"))
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    state: str = Field(sa_column=base.text(RestockState.OPEN))
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


async def open_requests(
    session: AsyncSession, order_id: str, shortages: Sequence[Shortage], at: datetime
) -> None:
    """Note what the order waits for; an open request for the same SKU stays as it is."""
    await session.execute(
        insert(RestockRequest)
        .values(
            [
                {
                    "order_id": order_id,
                    "sku": short.sku,
                    "quantity": short.shortfall,
                    "created_at": at,
                }
                for short in shortages
            ]
        )
        .on_conflict_do_nothing()
    )


async def close_requests(
    session: AsyncSession, order_id: str, state: RestockState, at: datetime
) -> None:
    """The order waits no longer."""
    await session.execute(
        update(RestockRequest)
        .where(
            col(RestockRequest.order_id) == order_id,
            col(RestockRequest.state) == RestockState.OPEN,
        )
        .values(state=state, closed_at=at)
    )


async def waiting_orders(session: AsyncSession, sku: str) -> list[str]:
    """Orders that wait for `sku`, first come first."""
    rows = await session.scalars(
        select(RestockRequest)
        .where(col(RestockRequest.sku) == sku, col(RestockRequest.state) == RestockState.OPEN)
        .order_by(col(RestockRequest.id))
    )
    return list(dict.fromkeys(row.order_id for row in rows))


async def waiting_behind(session: AsyncSession, order_id: str) -> list[str]:
    """Other orders that wait for any SKU of this one, first come first."""
    rows = await session.execute(
        text(
            """
            SELECT restock_requests.order_id FROM restock_requests
            JOIN order_items USING (sku)
            WHERE order_items.order_id = :order_id AND restock_requests.state = 'open'
                AND restock_requests.order_id <> :order_id
            GROUP BY restock_requests.order_id ORDER BY min(restock_requests.id)
            """
        ),
        {"order_id": order_id},
    )
    return [row.order_id for row in rows]
