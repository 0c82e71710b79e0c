"""What people ask about the shelves: levels, what is coming and who waits, and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# A row as its statement names the columns.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Article:
    """An SKU and the names that it goes by."""

    sku: str
    product_id: str
    name_en: str


_ARTICLES = text("SELECT sku, id, name_en FROM products ORDER BY sku")

_LEVELS = text(
    """
    SELECT warehouse_id, sku, name_zh, name_en, total, available, reserved, reorder_point, bin,
           (SELECT coalesce(sum(greatest(quantity - received, 0)), 0)::int FROM supply_orders
            WHERE supply_orders.sku = inventory.sku
                AND supply_orders.warehouse_id = inventory.warehouse_id
                AND state IN ('intended', 'accepted')) AS on_order,
           (SELECT coalesce(sum(quantity), 0)::int FROM restock_requests
            WHERE restock_requests.sku = inventory.sku AND state = 'open') AS wanted
    FROM inventory JOIN products USING (sku)
    WHERE (:sku = '' OR inventory.sku = :sku)
        AND (:warehouse = '' OR inventory.warehouse_id = :warehouse)
    ORDER BY sku, warehouse_id
    """
)

_WAITING = text(
    """
    SELECT request.order_id, order_number, request.quantity AS missing, request.warehouse_id,
           request.created_at AS since,
           (SELECT sum(quantity)::int FROM order_items
            WHERE order_items.order_id = request.order_id
                AND order_items.sku = request.sku) AS needs
    FROM restock_requests AS request JOIN orders ON orders.id = request.order_id
    WHERE request.state = 'open' AND request.sku = :sku
    ORDER BY (SELECT min(id) FROM restock_requests AS own
              WHERE own.order_id = request.order_id AND own.state = 'open')
    """
)

_SUPPLIES = text(
    """
    SELECT id AS supply_id, warehouse_id, quantity, received, state, supplier_ref, reason,
           created_at AS asked_at, expected_at
    FROM supply_orders WHERE sku = :sku
    ORDER BY created_at DESC, id DESC LIMIT :limit
    """
)

_MOVEMENTS = text(
    """
    SELECT movement.id, movement.at, movement.warehouse_id, movement.sku, movement.reason,
           movement.delta_available, movement.delta_reserved, movement.reference,
           movement.order_id, orders.order_number
    FROM stock_movements AS movement LEFT JOIN orders ON orders.id = movement.order_id
    WHERE (:sku = '' OR movement.sku = :sku)
        AND (:warehouse = '' OR movement.warehouse_id = :warehouse)
        AND (:order_id = '' OR movement.order_id = :order_id)
        AND (:reason = '' OR movement.reason = :reason)
        AND (:reference = '' OR movement.reference = :reference)
        AND (CAST(:since AS timestamptz) IS NULL OR movement.at >= CAST(:since AS timestamptz))
    ORDER BY movement.id DESC LIMIT :limit
    """
)


async def articles(session: AsyncSession) -> list[Article]:
    """Everything that may lie on a shelf."""
    return [Article(*row) for row in await session.execute(_ARTICLES)]


async def levels(session: AsyncSession, *, sku: str = "", warehouse: str = "") -> list[Row]:
    """What the warehouses have, what is coming, and what orders wait for."""
    rows = await session.execute(_LEVELS, {"sku": sku, "warehouse": warehouse})
    return [dict(row) for row in rows.mappings()]


async def waiting(session: AsyncSession, sku: str) -> list[Row]:
    """The orders that wait for an SKU, in the order in which they are served."""
    return [dict(row) for row in (await session.execute(_WAITING, {"sku": sku})).mappings()]


async def supplies(session: AsyncSession, sku: str, limit: int = 10) -> list[Row]:
    """What the supplier was asked for, the newest first."""
    rows = await session.execute(_SUPPLIES, {"sku": sku, "limit": limit})
    return [dict(row) for row in rows.mappings()]


async def movements(
    session: AsyncSession,
    *,
    sku: str = "",
    warehouse: str = "",
    order_id: str = "",
    reason: str = "",
    reference: str = "",
    since: datetime | None = None,
    limit: int = 50,
) -> list[Row]:
    """The newest lines of the ledger."""
    rows = await session.execute(
        _MOVEMENTS,
        {
            "sku": sku,
            "warehouse": warehouse,
            "order_id": order_id,
            "reason": reason,
            "reference": reference,
            "since": since,
            "limit": limit,
        },
    )
    return [dict(row) for row in rows.mappings()]
