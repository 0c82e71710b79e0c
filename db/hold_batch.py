"""Holds for many orders at once: as many statements for a hundred orders as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.allocation import Allocation
from domain.inventory import StockLevel, StockNeed
from domain.statuses import OrderStatus


@dataclass(frozen=True, slots=True)
class Claimant:
    """An order that asks for stock; its row is locked."""

    order_id: str
    status: OrderStatus
    province: str
    needs: tuple[StockNeed, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LiveHold:
    """What an order has already."""

    hold_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Shelves:
    """Stock rows, locked, and the province of each warehouse that has one."""

    levels: tuple[StockLevel, ...]
    provinces: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewHold:
    """Stock that is promised to an order from now on."""

    hold_id: str
    order_id: str
    at: datetime
    expires_at: datetime
    lines: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A row for an order's timeline; `detail` is a JSON document."""

    order_id: str
    at: datetime
    kind: str
    dedupe_key: str
    detail: str


# Orders first and by id, then stock by SKU and warehouse: whoever locks in this order, however
# many at once, never waits for somebody who waits for him.
_LOCK_ORDERS = text(
    """
    SELECT orders.id, status, customer #>> '{address,province}' AS province,
           line.skus, line.names, line.quantities
    FROM orders
    CROSS JOIN LATERAL (
        SELECT array_agg(sku ORDER BY line_no) AS skus, array_agg(name ORDER BY line_no) AS names,
               array_agg(quantity ORDER BY line_no) AS quantities
        FROM order_items WHERE order_id = orders.id
    ) AS line
    WHERE orders.id = ANY(CAST(:order_ids AS text[]))
    ORDER BY orders.id
    FOR UPDATE OF orders
    """
)

# Not part of the statement above: that one may have waited for a lock, and sees holds as they
# were before.
_LIVE_HOLDS = text(
    """
    SELECT order_id, id, expires_at FROM holds
    WHERE order_id = ANY(CAST(:order_ids AS text[])) AND state IN ('held', 'committed')
    """
)

_LOCK_STOCK = text(
    """
    SELECT warehouse_id, sku, available, warehouses.province
    FROM inventory JOIN warehouses ON warehouses.id = warehouse_id
    WHERE sku = ANY(CAST(:skus AS text[]))
    ORDER BY sku, warehouse_id
    FOR UPDATE OF inventory
    """
)

_HOLD = text(
    """
    WITH hold AS (
        INSERT INTO holds (id, order_id, created_at, expires_at)
        SELECT * FROM unnest(CAST(:hold_ids AS text[]), CAST(:order_ids AS text[]),
                             CAST(:ats AS timestamptz[]), CAST(:deadlines AS timestamptz[]))
        RETURNING id, order_id, created_at
    ), line AS (
        INSERT INTO hold_lines (hold_id, warehouse_id, sku, quantity)
        SELECT * FROM unnest(CAST(:line_holds AS text[]), CAST(:warehouses AS text[]),
                             CAST(:skus AS text[]), CAST(:quantities AS int[]))
        RETURNING hold_id, warehouse_id, sku, quantity
    ), moved AS (
        INSERT INTO stock_movements
            (at, warehouse_id, sku, reason, delta_available, delta_reserved, reference, order_id)
        SELECT created_at, warehouse_id, sku, 'reserved', -quantity, quantity, hold_id, order_id
        FROM line JOIN hold ON hold.id = hold_id
        RETURNING warehouse_id, sku, delta_reserved
    )
    UPDATE inventory SET available = available - taken, reserved = reserved + taken
    FROM (
        SELECT warehouse_id, sku, sum(delta_reserved) AS taken FROM moved
        GROUP BY warehouse_id, sku
    ) AS moved
    WHERE inventory.warehouse_id = moved.warehouse_id AND inventory.sku = moved.sku
    """
)

_MOVE_ORDERS = text(
    """
    UPDATE orders SET status = moved.status, updated_at = moved.at
    FROM unnest(CAST(:order_ids AS text[]), CAST(:statuses AS text[]),
                CAST(:ats AS timestamptz[])) AS moved (id, status, at)
    WHERE orders.id = moved.id
    """
)

_ADD_EVENTS = text(
    """
    INSERT INTO order_events (order_id, at, kind, dedupe_key, detail)
    SELECT order_id, at, kind, dedupe_key, CAST(detail AS jsonb)
    FROM unnest(CAST(:order_ids AS text[]), CAST(:ats AS timestamptz[]), CAST(:kinds AS text[]),
                CAST(:dedupe_keys AS text[]), CAST(:details AS text[]))
         AS event (order_id, at, kind, dedupe_key, detail)
    ON CONFLICT (order_id, dedupe_key) DO NOTHING
    """
)


async def lock_orders(session: AsyncSession, order_ids: Collection[str]) -> dict[str, Claimant]:
    """Those of the orders that exist, locked until the transaction ends."""
    rows = await session.execute(_LOCK_ORDERS, {"order_ids": sorted(order_ids)})
    return {row.id: _claimant(row) for row in rows}


def _claimant(row: Any) -> Claimant:  # noqa: ANN401 - a row has the columns of its statement
    quantities: defaultdict[str, int] = defaultdict(int)
    for sku, quantity in zip(row.skus or (), row.quantities or (), strict=True):
        quantities[sku] += quantity
    return Claimant(
        order_id=row.id,
        status=OrderStatus(row.status),
        province=row.province or "",
        needs=tuple(StockNeed(sku=sku, quantity=count) for sku, count in quantities.items()),
        names=dict(zip(row.skus or (), row.names or (), strict=True)),
    )


async def live_holds(session: AsyncSession, order_ids: Collection[str]) -> dict[str, LiveHold]:
    """The live holds of locked orders, by order; at most one each."""
    rows = await session.execute(_LIVE_HOLDS, {"order_ids": sorted(order_ids)})
    return {row.order_id: LiveHold(row.id, row.expires_at) for row in rows}


async def lock_stock(session: AsyncSession, skus: Collection[str]) -> Shelves:
    """What every warehouse has of `skus`, locked until the transaction ends."""
    rows = (await session.execute(_LOCK_STOCK, {"skus": sorted(skus)})).all()
    return Shelves(
        levels=tuple(
            StockLevel(warehouse_id=row.warehouse_id, sku=row.sku, available=row.available)
            for row in rows
        ),
        provinces={row.warehouse_id: row.province for row in rows},
    )


async def insert_holds(session: AsyncSession, holds: Sequence[NewHold]) -> None:
    """Hold stock that `lock_stock` showed to be there, and write it into the ledger."""
    lines = [(hold, line) for hold in holds for line in hold.lines]
    await session.execute(
        _HOLD,
        {
            "hold_ids": [hold.hold_id for hold in holds],
            "order_ids": [hold.order_id for hold in holds],
            "ats": [hold.at for hold in holds],
            "deadlines": [hold.expires_at for hold in holds],
            "line_holds": [hold.hold_id for hold, _ in lines],
            "warehouses": [line.warehouse_id for _, line in lines],
            "skus": [line.sku for _, line in lines],
            "quantities": [line.quantity for _, line in lines],
        },
    )


async def move_orders(
    session: AsyncSession, moves: Sequence[tuple[str, OrderStatus, datetime]]
) -> None:
    """Give locked orders another status, each at its own time."""
    await session.execute(
        _MOVE_ORDERS,
        {
            "order_ids": [order_id for order_id, _, _ in moves],
            "statuses": [str(status) for _, status, _ in moves],
            "ats": [at for _, _, at in moves],
        },
    )


async def add_events(session: AsyncSession, events: Sequence[NewEvent]) -> None:
    """Write rows of several timelines, each once per order and `dedupe_key`."""
    await session.execute(
        _ADD_EVENTS,
        {
            "order_ids": [event.order_id for event in events],
            "ats": [event.at for event in events],
            "kinds": [event.kind for event in events],
            "dedupe_keys": [event.dedupe_key for event in events],
            "details": [event.detail for event in events],
        },
    )
