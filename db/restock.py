"""Orders that wait for goods."""

# ruff: noqa: S608 - every statement is put together from constants of this module

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

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
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.inventory import Inventory, lock_stock, warehouse_preference
from domain.precedence import Claim
from domain.restocking import RestockPlace


class RestockState(StrEnum):
    """Whether an order still waits."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"


class RestockRequest(SQLModel, table=True):
    """So many of one SKU are missing for one order.

    `warehouse_id` is the one that asks the supplier for them; empty until that is decided.
    """

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
        ForeignKeyConstraint(["warehouse_id", "sku"], ["inventory.warehouse_id", "inventory.sku"]),
    )

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    sku: str = Field(sa_column=base.reference("products.sku"))
    warehouse_id: str | None = Field(default=None, sa_column=base.text(nullable=True))
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    state: str = Field(sa_column=base.text(RestockState.OPEN))
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


# An order's rank is its oldest open request: they are all closed together.
_CLAIMS = """
    SELECT request.order_id, request.sku, sum(item.quantity) AS quantity,
           (SELECT min(id) FROM restock_requests AS own
            WHERE own.order_id = request.order_id AND own.state = 'open') AS rank
    FROM restock_requests AS request
    JOIN order_items AS item ON item.order_id = request.order_id AND item.sku = request.sku
    WHERE request.state = 'open' AND request.sku = ANY(CAST(:skus AS text[]))
    GROUP BY request.order_id, request.sku
"""

# Behind the first order whose turn there is not enough for, nobody of that queue has a chance.
_SERVABLE = f"""
    WITH claim AS ({_CLAIMS}), queue AS (
        SELECT order_id, sku, rank, sum(quantity) OVER (PARTITION BY sku ORDER BY rank) AS wanted
        FROM claim
    ), stock AS (
        SELECT sku, sum(available) AS available FROM inventory
        WHERE sku = ANY(CAST(:skus AS text[])) GROUP BY sku
    )
    SELECT order_id FROM queue JOIN stock USING (sku)
    WHERE wanted <= available
    GROUP BY order_id ORDER BY min(rank)
"""


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


async def leave_queue(session: AsyncSession, order_id: str, at: datetime) -> None:
    """A locked order gives up waiting, if it does wait.

    The shelves are locked first: an order that was refused goods because of this one has either
    joined the queue by then, and is found by `servable_orders`, or does not see the claim any more.
    """
    waits_for = await session.scalars(
        select(col(RestockRequest.sku)).where(
            col(RestockRequest.order_id) == order_id,
            col(RestockRequest.state) == RestockState.OPEN,
        )
    )
    skus = list(waits_for)
    if skus:
        await lock_stock(session, skus)
        await close_requests(session, order_id, RestockState.CANCELLED, at)


async def open_claims(session: AsyncSession, skus: Sequence[str]) -> list[Claim]:
    """What waiting orders claim of `skus`, all that they need of each.

    Read it after `lock_stock` in the same transaction: whoever joins the queue holds that lock.
    """
    rows = await session.execute(text(_CLAIMS), {"skus": list(skus)})
    return [Claim.model_validate(dict(row)) for row in rows.mappings()]


async def servable_orders(session: AsyncSession, skus: Sequence[str]) -> list[str]:
    """Waiting orders for which there is enough of one of `skus` now, first come first.

    Those that wait for something else, too, may be among them.
    """
    return list(await session.scalars(text(_SERVABLE), {"skus": list(skus)}))


async def servable_after(session: AsyncSession, order_id: str) -> list[str]:
    """Waiting orders for which there is enough of an SKU that this order had or waited for."""
    skus = await session.scalars(
        text("SELECT sku FROM order_items WHERE order_id = :order_id"), {"order_id": order_id}
    )
    return await servable_orders(session, list(skus))


# The nearest warehouse that keeps the SKU asks for what an order misses of it.
_UNPLACED = text(
    """
    SELECT request.id, request.sku, orders.customer #>> '{address,province}' AS province
    FROM restock_requests AS request JOIN orders ON orders.id = request.order_id
    WHERE request.state = 'open' AND request.warehouse_id IS NULL
        AND (:order_id = '' OR request.order_id = :order_id)
    ORDER BY request.id LIMIT :limit
    """
)


async def place_requests(session: AsyncSession, order_id: str = "", limit: int = 1000) -> None:
    """Decide which warehouse asks for what an order misses; without an order, for all of them."""
    rows = (await session.execute(_UNPLACED, {"order_id": order_id, "limit": limit})).all()
    if not rows:
        return
    shelves = await session.execute(
        select(col(Inventory.sku), col(Inventory.warehouse_id)).where(
            col(Inventory.sku).in_({row.sku for row in rows})
        )
    )
    keepers: defaultdict[str, set[str]] = defaultdict(set)
    for sku, warehouse_id in shelves:
        keepers[sku].add(warehouse_id)
    for row in rows:
        nearest = await warehouse_preference(session, row.province or "")
        chosen = next((each for each in nearest if each in keepers[row.sku]), None)
        if chosen is not None:
            await session.execute(
                update(RestockRequest)
                .where(col(RestockRequest.id) == row.id)
                .values(warehouse_id=chosen)
            )


async def places_of(session: AsyncSession, order_id: str) -> list[RestockPlace]:
    """Where what an order waits for is asked for."""
    rows = await session.execute(
        select(col(RestockRequest.warehouse_id), col(RestockRequest.sku))
        .where(
            col(RestockRequest.order_id) == order_id,
            col(RestockRequest.state) == RestockState.OPEN,
            col(RestockRequest.warehouse_id).is_not(None),
        )
        .order_by(col(RestockRequest.sku))
    )
    return [RestockPlace(warehouse_id=warehouse_id, sku=sku) for warehouse_id, sku in rows]
