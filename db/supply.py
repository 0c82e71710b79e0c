"""What the supplier was asked for, and what has come of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import groupby

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
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
from domain.restocking import RestockPlace, StockPosition, quantity_to_ask
from domain.supply import SupplyOrder


class SupplyState(StrEnum):
    """`intended` was stored, and the supplier may or may not know of it."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    RECEIVED = "received"
    REFUSED = "refused"


class SupplyRow(SQLModel, table=True):
    """One supply order; stored before the supplier is asked. `received` is what has arrived."""

    __tablename__ = "supply_orders"
    __table_args__ = (
        base.one_of("state", SupplyState),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("received >= 0", name="received_not_negative"),
        ForeignKeyConstraint(["warehouse_id", "sku"], ["inventory.warehouse_id", "inventory.sku"]),
        Index(
            "uq_supply_orders_one_intended",
            "warehouse_id",
            "sku",
            unique=True,
            postgresql_where=text("state = 'intended'"),
        ),
        Index(
            "ix_supply_orders_open",
            "sku",
            "warehouse_id",
            postgresql_where=text("state IN ('intended', 'accepted')"),
        ),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    warehouse_id: str = Field(sa_column=base.text())
    sku: str = Field(sa_column=base.text())
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    received: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    state: str = Field(sa_column=base.text(SupplyState.INTENDED))
    supplier_ref: str = Field(sa_column=base.text(""))
    reason: str = Field(sa_column=base.text(""))
    expected_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    updated_at: datetime = Field(sa_column=base.instant(nullable=False))


_OPEN = (SupplyState.INTENDED, SupplyState.ACCEPTED)

# Each waiting order claims all that it needs of an SKU.
_POSITIONS = """
    WITH claim AS (
        SELECT request.warehouse_id, request.sku, sum(item.quantity) AS claimed
        FROM restock_requests AS request
        JOIN order_items AS item ON item.order_id = request.order_id AND item.sku = request.sku
        WHERE request.state = 'open'
        GROUP BY request.warehouse_id, request.sku
    ), coming AS (
        SELECT warehouse_id, sku, sum(greatest(quantity - received, 0)) AS on_order
        FROM supply_orders WHERE state IN ('intended', 'accepted')
        GROUP BY warehouse_id, sku
    )
    SELECT inventory.warehouse_id, inventory.sku, available, reorder_point,
           coalesce(on_order, 0) AS on_order, coalesce(claimed, 0) AS claimed
    FROM inventory
    LEFT JOIN claim USING (warehouse_id, sku)
    LEFT JOIN coming USING (warehouse_id, sku)
    WHERE {which}
    ORDER BY inventory.sku, inventory.warehouse_id
"""

_OF_ONE_SKU = text(_POSITIONS.format(which="inventory.sku = :sku"))

# Whatever else is on order, only these can be in need.
_SUSPECTS = text(
    _POSITIONS.format(
        which="""inventory.sku IN (
            SELECT sku FROM restock_requests WHERE state = 'open'
            UNION SELECT sku FROM inventory
            WHERE reorder_point > 0 AND available <= reorder_point
        )"""
    )
)


async def positions(session: AsyncSession, sku: str) -> list[StockPosition]:
    """Where an SKU stands in every warehouse that keeps it."""
    rows = await session.execute(_OF_ONE_SKU, {"sku": sku})
    return [StockPosition.model_validate(dict(row)) for row in rows.mappings()]


async def places_in_need(session: AsyncSession) -> list[RestockPlace]:
    """Every place that is short for waiting orders, or at its reorder point; none is locked."""
    rows = (await session.execute(_SUSPECTS)).mappings()
    suspects = [StockPosition.model_validate(dict(row)) for row in rows]
    places = []
    for sku, found in groupby(suspects, key=lambda position: position.sku):
        everywhere = tuple(found)
        places += [
            RestockPlace(warehouse_id=each.warehouse_id, sku=sku)
            for each in everywhere
            if quantity_to_ask(each.warehouse_id, everywhere)
        ]
    return places


async def intended(session: AsyncSession, place: RestockPlace) -> SupplyOrder | None:
    """The supply order of a place that the supplier has not answered yet; at most one exists."""
    statement = select(SupplyRow).where(*_at(place), col(SupplyRow.state) == SupplyState.INTENDED)
    row = (await session.scalars(statement)).one_or_none()
    return None if row is None else _order(row)


async def accepted(session: AsyncSession, place: RestockPlace) -> list[SupplyOrder]:
    """What the supplier has promised for a place and not brought yet, oldest first."""
    rows = await session.scalars(
        select(SupplyRow)
        .where(*_at(place), col(SupplyRow.state) == SupplyState.ACCEPTED)
        .order_by(col(SupplyRow.created_at), col(SupplyRow.id))
    )
    return [_order(row) for row in rows]


async def intend(session: AsyncSession, order: SupplyOrder, at: datetime) -> None:
    """Store a supply order that nobody has been asked for yet."""
    row = SupplyRow(
        id=order.supply_id,
        warehouse_id=order.warehouse_id,
        sku=order.sku,
        quantity=order.quantity,
        state=SupplyState.INTENDED,
        supplier_ref="",
        reason="",
        created_at=at,
        updated_at=at,
    )
    session.add(row)
    await session.flush()


async def supply_order(session: AsyncSession, supply_id: str) -> SupplyOrder | None:
    """A supply order by its id."""
    row = await session.get(SupplyRow, supply_id)
    return None if row is None else _order(row)


async def is_in(session: AsyncSession, supply_id: str, state: SupplyState) -> bool:
    """Whether a supply order is still in this state."""
    row = await session.get(SupplyRow, supply_id)
    return row is not None and row.state == state


async def note_answer(
    session: AsyncSession,
    supply_id: str,
    state: SupplyState,
    at: datetime,
    *,
    supplier_ref: str = "",
    reason: str = "",
    expected_at: datetime | None = None,
) -> None:
    """What the supplier said to an intended order; one whose goods have come stays received."""
    await session.execute(
        update(SupplyRow)
        .where(col(SupplyRow.id) == supply_id, col(SupplyRow.state) == SupplyState.INTENDED)
        .values(
            state=state,
            supplier_ref=supplier_ref,
            reason=reason,
            expected_at=expected_at,
            updated_at=at,
        )
    )


async def note_delivery(
    session: AsyncSession, supply_id: str, quantity: int, at: datetime, *, complete: bool
) -> None:
    """So many have come; the order is closed when that is all."""
    row = await session.get_one(SupplyRow, supply_id, with_for_update=True)
    row.received += quantity
    row.updated_at = at
    if complete or row.received >= row.quantity:
        row.state = SupplyState.RECEIVED
    elif row.state == SupplyState.INTENDED:
        row.state = SupplyState.ACCEPTED


async def note_refusal(session: AsyncSession, supply_id: str, reason: str, at: datetime) -> None:
    """What has not come will not come; an order that is closed stays as it is."""
    await session.execute(
        update(SupplyRow)
        .where(col(SupplyRow.id) == supply_id, col(SupplyRow.state).in_(_OPEN))
        .values(state=SupplyState.REFUSED, reason=reason, updated_at=at)
    )


def _at(place: RestockPlace) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        col(SupplyRow.warehouse_id) == place.warehouse_id,
        col(SupplyRow.sku) == place.sku,
    )


def _order(row: SupplyRow) -> SupplyOrder:
    return SupplyOrder(
        supply_id=row.id, warehouse_id=row.warehouse_id, sku=row.sku, quantity=row.quantity
    )
