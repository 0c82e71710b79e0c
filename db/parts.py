"""The parts of an order as its hold, its picking lists and its parcels tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import orders
from db.fulfillment import PickingState
from db.orders import OrderRow
from domain.parts import Part, PartState, standing_of
from domain.statuses import SHIPPING_TRANSITIONS, OrderStatus, ShippingStatus

# In the order of the hold's lines, so that the first part is always the same. A parcel that came
# back is not the end of a part whose goods were sent again.
_PARTS = text(
    """
    SELECT line.warehouse_id, list.id, list.state,
           CASE WHEN parcel.given_up_at IS NOT NULL THEN NULL
                WHEN parcel.shipping_status = 'returned' AND again.status IS NOT NULL
                    AND again.status NOT IN ('cancelled', 'refunded') THEN 'exception'
                ELSE parcel.shipping_status END AS shipping_status,
           parcel.given_up_at IS NOT NULL AS given_up
    FROM holds
    JOIN hold_lines AS line ON line.hold_id = holds.id
    LEFT JOIN picking_lists AS list
        ON list.order_id = holds.order_id AND list.warehouse_id = line.warehouse_id
    LEFT JOIN shipments AS parcel ON parcel.picking_list_id = list.id
    LEFT JOIN orders AS again ON again.id = parcel.resent_as
    WHERE holds.order_id = :order_id AND holds.state = 'committed'
    GROUP BY 1, 2, 3, 4, 5 ORDER BY min(line.sku), 1
    """
)

_UNITS = text(
    """
    SELECT item.line_no, sum(line.quantity) AS units
    FROM holds
    JOIN hold_lines AS line ON line.hold_id = holds.id
    JOIN order_items AS item ON item.order_id = holds.order_id AND item.sku = line.sku
    WHERE holds.order_id = :order_id AND holds.state = 'committed'
        AND line.warehouse_id = ANY(CAST(:warehouses AS text[]))
    GROUP BY 1 ORDER BY 1
    """
)

_CONTENTS = text(
    """
    SELECT line.warehouse_id, item.line_no, line.sku, item.name, line.quantity
    FROM holds
    JOIN hold_lines AS line ON line.hold_id = holds.id
    JOIN order_items AS item ON item.order_id = holds.order_id AND item.sku = line.sku
    WHERE holds.order_id = :order_id AND holds.state = 'committed'
    ORDER BY item.line_no
    """
)

_STATES = {
    PickingState.INTENDED: PartState.OFFERED,
    PickingState.ACCEPTED: PartState.PICKING,
    PickingState.SHIPPED: PartState.SHIPPED,
    PickingState.REFUSED: PartState.DROPPED,
    PickingState.CANCELLED: PartState.DROPPED,
}

_COURSE = (
    OrderStatus.CONFIRMED,
    OrderStatus.PROCESSING,
    OrderStatus.SHIPPED,
    OrderStatus.DELIVERED,
)
# What the goods' status becomes on the way to each order status.
_GOODS = {
    OrderStatus.PROCESSING: ShippingStatus.PICKING,
    OrderStatus.SHIPPED: ShippingStatus.IN_TRANSIT,
}


@dataclass(frozen=True)
class Content:
    """Units of one of the order's lines that one warehouse ships."""

    warehouse_id: str
    line_no: int
    sku: str
    name: str
    quantity: int


async def parts_of(session: AsyncSession, order_id: str) -> list[Part]:
    """The parts of an order whose stock is committed, the first one first."""
    rows = await session.execute(_PARTS, {"order_id": order_id})
    return [
        Part(
            warehouse_id=row.warehouse_id,
            picking_list_id=row.id or "",
            state=_state(row),
            parcel=row.shipping_status,
        )
        for row in rows
    ]


async def contents_of(session: AsyncSession, order_id: str) -> list[Content]:
    """What is in each part of an order whose stock is committed, line by line."""
    rows = await session.execute(_CONTENTS, {"order_id": order_id})
    return [Content(*row) for row in rows]


async def units_of(
    session: AsyncSession, order_id: str, warehouses: Sequence[str]
) -> dict[int, int]:
    """What comes from these warehouses, in units by line number."""
    rows = await session.execute(_UNITS, {"order_id": order_id, "warehouses": list(warehouses)})
    return {row.line_no: row.units for row in rows}


def restate_goods(order: OrderRow, parts: Sequence[Part], at: datetime) -> list[OrderStatus]:
    """Move a locked order to where its parts are; the statuses that it came to on the way."""
    standing = standing_of(parts)
    if standing is None:
        return []
    reached = []
    if order.status in _COURSE:
        begin = _COURSE.index(OrderStatus(order.status)) + 1
        for status in _COURSE[begin : _COURSE.index(standing.status) + 1]:
            goods = _GOODS.get(status, standing.shipping)
            orders.move(order, at, status=status, shipping=goods)
            reached.append(status)
    if standing.shipping in SHIPPING_TRANSITIONS[ShippingStatus(order.shipping_status)]:
        orders.move(order, at, shipping=standing.shipping)
    return reached


def _state(row: Any) -> PartState:  # noqa: ANN401 - a row of the statement above
    if row.given_up:
        return PartState.DROPPED
    if row.shipping_status:
        return PartState.SHIPPED
    return PartState.OFFERED if row.state is None else _STATES[PickingState(row.state)]
