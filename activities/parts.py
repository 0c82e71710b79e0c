"""Parts of an order that will not reach the customer: taken out of it, their stock back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.missing_goods import DropUnits, UnitsDropped, drop_units, write_off
from activities.shipments import note_reached
from db import callbacks, fulfillment, holds, orders, restock
from db.engine import Sessions
from db.fulfillment import OPEN_LISTS, PickingState
from db.late_lists import close_late_task
from db.parts import parts_of, restate_goods
from domain.missing_goods import MissingGoods
from domain.order import Value
from domain.statuses import OrderStatus


class DropParts(Value):
    """What these warehouses were to ship stays there: they refused it, or it was called off.

    `missing` of it are not on their shelves, or of no use there.
    """

    order_id: str
    warehouses: tuple[str, ...]
    missing: tuple[MissingGoods, ...] = ()
    reason: str = ""
    callback_ids: tuple[int, ...] = ()
    at: datetime


class PartsDropped(Value):
    """Where that leaves the order, and which orders can have the goods, first come first."""

    status: OrderStatus
    waiting_orders: tuple[str, ...] = ()


class Parts:
    """Keeps the books on an order's parts; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def drop_parts(self, command: DropParts) -> PartsDropped:
        """Close the lists and put the stock back; the order goes on with the other parts."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            await _close_lists(session, command)
            await _return_stock(session, command)
            await orders.add_event(
                session,
                order.id,
                "part_dropped",
                command.at,
                dedupe_key=f"part_dropped:{','.join(command.warehouses)}",
                warehouse_id=", ".join(command.warehouses),
                reason=command.reason,
            )
            reached = restate_goods(order, await parts_of(session, order.id), command.at)
            await note_reached(session, order.id, reached, command.at)
            await callbacks.mark_applied(session, command.callback_ids, command.at)
            waiting = await restock.servable_after(session, order.id)
        return PartsDropped(status=OrderStatus(order.status), waiting_orders=tuple(waiting))

    @activity.defn
    async def drop_units(self, command: DropUnits) -> UnitsDropped:
        """Book what a parcel lacks: the units are off the books, or back on their shelf."""
        async with self._sessions.begin() as session:
            return await drop_units(session, command)


async def _close_lists(session: AsyncSession, command: DropParts) -> None:
    for row in await fulfillment.picking_lists_of(session, command.order_id):
        opened = row.state in OPEN_LISTS
        if row.warehouse_id in command.warehouses and opened:
            row.state, row.reason = PickingState.REFUSED, command.reason
            row.updated_at = command.at
            await close_late_task(session, row, command.at)


async def _return_stock(session: AsyncSession, command: DropParts) -> None:
    hold = await holds.live_hold(session, command.order_id)
    if hold is None:
        return
    held = await holds.hold_lines(session, hold.id)
    lines = [line for line in held if line.warehouse_id in command.warehouses]
    await holds.return_stock(session, hold, lines, command.at)
    await write_off(session, hold, lines, command.missing, command.at)
