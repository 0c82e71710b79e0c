"""Writing a picking list: an order's goods in one warehouse, how urgent, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.fulfillment import PickingLine, PickingList
from domain.order import Order
from domain.picking_priority import Urgency, priority, promise, score
from domain.picking_route import plan_route
from domain.warehouse_layout import WarehouseLayout


def write_picking_list(
    picking_list_id: str,
    order: Order,
    warehouse_id: str,
    lines: Sequence[PickingLine],
    layout: WarehouseLayout | None,
    at: datetime,
) -> PickingList:
    """The list as it stands at `at`; its priority is not counted anew while it waits."""
    promised_at = promise(order.service_level, order.created_at)
    urgency = Urgency(
        picking_list_id=picking_list_id,
        service_level=order.service_level,
        value=order.total,
        ordered_at=order.created_at,
        promised_at=promised_at,
    )
    points = score(urgency, at)
    picked, route = plan_route(lines, layout)
    return PickingList(
        picking_list_id=picking_list_id,
        order_id=order.order_id,
        order_number=order.order_number,
        warehouse_id=warehouse_id,
        priority=priority(points),
        priority_score=points,
        service_level=order.service_level,
        promised_at=promised_at,
        route=route,
        lines=picked,
        recipient=order.customer_info.name,
        phone=order.customer_info.phone,
        address=order.customer_info.address,
        special_instructions=order.special_instructions,
        created_at=at,
    )
