"""The warehouse: hand it a picking list, take one back."""

from __future__ import annotations

from datetime import datetime

from temporalio import activity

from db import fulfillment, inventory, orders
from db.engine import Sessions
from db.fulfillment import PickingListRow, PickingState
from domain.errors import PermanentError
from domain.fulfillment import CancelOutcome, PickingList, PickingOutcome
from domain.order import Order, Value
from domain.statuses import OrderStatus, ShippingStatus
from gateways.warehouse import WarehouseGateway


class SendPickingList(Value):
    """Ask the warehouse that holds the order's stock to pick it."""

    order_id: str
    picking_list_id: str
    at: datetime


class RecallPickingList(Value):
    """Ask the warehouse to put everything back."""

    order_id: str
    picking_list_id: str
    at: datetime


class PickingResult(Value):
    """What the warehouse said to a picking list."""

    result: PickingOutcome


class RecallResult(Value):
    """What the warehouse said to taking one back."""

    result: CancelOutcome


class NothingCommitted(PermanentError):
    """The order has no committed stock to pick."""


class Fulfillment:
    """Talks to the warehouse; the picking list's id is the key of each call."""

    def __init__(self, sessions: Sessions, warehouse: WarehouseGateway) -> None:
        self._sessions = sessions
        self._warehouse = warehouse

    @activity.defn
    async def send_picking_list(self, command: SendPickingList) -> PickingResult:
        """Store the list, send it, and move the order to `processing` when it is accepted."""
        picking_list = await self._intend(command)
        outcome = await self._warehouse.submit(picking_list)
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            row = await session.get_one(
                PickingListRow, command.picking_list_id, with_for_update=True
            )
            row.updated_at = command.at
            if outcome.outcome == "refused":
                row.state, row.reason = PickingState.REFUSED, f"{outcome.code}: {outcome.message}"
            else:
                row.state, row.estimated_ship_at = PickingState.ACCEPTED, outcome.estimated_ship_at
                orders.move(
                    order,
                    command.at,
                    status=OrderStatus.PROCESSING,
                    shipping=ShippingStatus.PICKING,
                )
            await orders.add_event(
                session,
                command.order_id,
                f"picking_{outcome.outcome}",
                command.at,
                warehouse_id=row.warehouse_id,
                picking_list_id=row.id,
                reason=row.reason,
            )
        return PickingResult(result=outcome)

    async def _intend(self, command: SendPickingList) -> PickingList:
        async with self._sessions.begin() as session:
            row = await session.get(PickingListRow, command.picking_list_id)
            if row is not None:
                return PickingList.model_validate(row.document)
            order_row = await orders.lock_order(session, command.order_id)
            order = await orders.to_order(session, order_row)
            hold = await inventory.live_hold(session, command.order_id)
            if hold is None:
                raise NothingCommitted(command.order_id)
            lines = await inventory.hold_lines(session, hold.id)
            picking_list = _picking_list(
                command,
                order,
                lines[0].warehouse_id,
                await fulfillment.picking_lines(session, lines, chinese=order.locale == "zh-CN"),
            )
            session.add(
                PickingListRow(
                    id=picking_list.picking_list_id,
                    order_id=order.order_id,
                    warehouse_id=picking_list.warehouse_id,
                    state=PickingState.INTENDED,
                    document=picking_list.model_dump(mode="json"),
                    created_at=command.at,
                    updated_at=command.at,
                )
            )
            return picking_list

    @activity.defn
    async def recall_picking_list(self, command: RecallPickingList) -> RecallResult:
        """Take a picking list back; one that never arrived counts as taken back."""
        outcome = await self._warehouse.cancel(command.picking_list_id)
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            row = await session.get(PickingListRow, command.picking_list_id, with_for_update=True)
            if outcome.outcome == "cancelled":
                if row is not None:
                    row.state, row.updated_at = PickingState.CANCELLED, command.at
                if order.shipping_status == ShippingStatus.PICKING:
                    orders.move(order, command.at, shipping=ShippingStatus.PENDING)
            await orders.add_event(
                session,
                command.order_id,
                "picking_recalled" if outcome.outcome == "cancelled" else "picking_recall_refused",
                command.at,
                picking_list_id=command.picking_list_id,
            )
        return RecallResult(result=outcome)


def _picking_list(
    command: SendPickingList, order: Order, warehouse_id: str, lines: tuple[object, ...]
) -> PickingList:
    customer = order.customer_info
    return PickingList.model_validate(
        {
            "picking_list_id": command.picking_list_id,
            "order_id": order.order_id,
            "order_number": order.order_number,
            "warehouse_id": warehouse_id,
            "priority": "normal",
            "lines": lines,
            "recipient": customer.name,
            "phone": customer.phone,
            "address": customer.address,
            "special_instructions": order.special_instructions,
            "created_at": command.at,
        }
    )
