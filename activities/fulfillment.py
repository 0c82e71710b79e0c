"""The warehouse: hand it a picking list, take one back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from temporalio import activity

from db import fulfillment, holds, orders
from db.engine import Sessions
from db.fulfillment import PickingListRow, PickingState
from db.late_lists import close_late_task
from db.parts import parts_of, restate_goods
from db.warehouse_layouts import warehouse_layouts
from domain.errors import PermanentError
from domain.fulfillment import CancelOutcome, PickingList, PickingOutcome
from domain.order import Value
from domain.parts import Part, PartState
from domain.picking_list import write_picking_list
from domain.statuses import ShippingStatus
from gateways.warehouse import WarehouseGateway


class SendPickingList(Value):
    """Ask a warehouse to pick what it holds of the order; the first of them if none is named."""

    order_id: str
    picking_list_id: str
    warehouse_id: str = ""
    at: datetime


class RecallPickingList(Value):
    """Ask the warehouse to put everything back."""

    order_id: str
    picking_list_id: str
    at: datetime


class PickingResult(Value):
    """What the warehouse said to a picking list, and which others are still to be asked."""

    result: PickingOutcome
    warehouse_id: str = ""
    further: tuple[str, ...] = ()


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
        """Store the list and send it; the order is `processing` when the last is accepted."""
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
            parts = await parts_of(session, command.order_id)
            if outcome.outcome == "accepted":
                restate_goods(order, parts, command.at)
            kind = f"picking_{outcome.outcome}"
            await orders.add_event(
                session,
                command.order_id,
                kind,
                command.at,
                dedupe_key=_once_per_list(kind, row.id, parts),
                warehouse_id=row.warehouse_id,
                picking_list_id=row.id,
                reason=row.reason,
            )
        return PickingResult(
            result=outcome,
            warehouse_id=row.warehouse_id,
            further=tuple(part.warehouse_id for part in parts if part.state is PartState.OFFERED),
        )

    async def _intend(self, command: SendPickingList) -> PickingList:
        async with self._sessions.begin() as session:
            row = await session.get(PickingListRow, command.picking_list_id)
            if row is not None:
                return PickingList.model_validate(row.document)
            order_row = await orders.lock_order(session, command.order_id)
            order = await orders.to_order(session, order_row)
            hold = await holds.live_hold(session, command.order_id)
            if hold is None:
                raise NothingCommitted(command.order_id)
            lines = await holds.hold_lines(session, hold.id)
            warehouse_id = command.warehouse_id or lines[0].warehouse_id
            lines = [line for line in lines if line.warehouse_id == warehouse_id]
            if not lines:
                raise NothingCommitted(f"{command.order_id} in {warehouse_id}")
            # A hundred lines take a tenth of a second to route: too long for the event loop.
            picking_list = await asyncio.to_thread(
                write_picking_list,
                command.picking_list_id,
                order,
                warehouse_id,
                await fulfillment.picking_lines(session, lines, chinese=order.locale == "zh-CN"),
                warehouse_layouts().get(warehouse_id),
                command.at,
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
            if outcome.outcome == "cancelled" and row is not None:
                row.state, row.updated_at = PickingState.CANCELLED, command.at
                await close_late_task(session, row, command.at)
            parts = await parts_of(session, command.order_id)
            if outcome.outcome == "cancelled" and _nothing_is_picked(order, parts):
                orders.move(order, command.at, shipping=ShippingStatus.PENDING)
            kind = (
                "picking_recalled" if outcome.outcome == "cancelled" else "picking_recall_refused"
            )
            await orders.add_event(
                session,
                command.order_id,
                kind,
                command.at,
                dedupe_key=_once_per_list(kind, command.picking_list_id, parts),
                warehouse_id=row.warehouse_id if row is not None else "",
                picking_list_id=command.picking_list_id,
            )
        return RecallResult(result=outcome)


def _once_per_list(kind: str, picking_list_id: str, parts: Sequence[Part]) -> str:
    """The key of a line on the timeline that each of an order's picking lists has once."""
    return f"{kind}:{picking_list_id}" if len(parts) > 1 else kind


def _nothing_is_picked(order: orders.OrderRow, parts: Sequence[Part]) -> bool:
    return order.shipping_status == ShippingStatus.PICKING and all(
        part.state in {PartState.DROPPED, PartState.OFFERED} for part in parts
    )
