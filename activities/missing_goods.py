"""Books for goods that a warehouse could not send: out of the order, off the books if need be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import inventory, ledger, orders, restock
from db.fulfillment import PickingListRow
from db.holds import Hold, HoldLine
from db.operator_tasks import open_task
from domain.fulfillment import PickingList
from domain.inventory import MovementReason, StockUnits
from domain.missing_goods import Fate, MissingGoods, MissingLine, missing_units, worded
from domain.order import Value


class DropUnits(Value):
    """A parcel has left without these units of its picking list."""

    order_id: str
    picking_list_id: str
    missing: tuple[MissingLine, ...]
    at: datetime


class UnitsDropped(Value):
    """What the customer does not get, in units by line number; who can have what is back."""

    lines: dict[int, int]
    waiting_orders: tuple[str, ...] = ()


async def drop_units(session: AsyncSession, command: DropUnits) -> UnitsDropped:
    """Book what a parcel lacks, once per picking list."""
    await orders.lock_order(session, command.order_id)
    row = await session.get_one(PickingListRow, command.picking_list_id)
    listed = PickingList.model_validate(row.document).lines
    units = missing_units(command.missing, {line.sku: line.quantity for line in listed})
    back = [_line(row.warehouse_id, sku, count) for sku, count in units[Fate.RESTOCKED].items()]
    if back:
        await inventory.lock_stock(session, [line.sku for line in back])
        # Not as "restocked": what a hold gave comes back whole, and this is a part of a line.
        await ledger.move_stock(
            session,
            MovementReason.ADJUSTED,
            back,
            f"{row.id}:missing",
            command.at,
            order_id=command.order_id,
        )
    lost = [_line(row.warehouse_id, sku, count) for sku, count in units[Fate.WRITTEN_OFF].items()]
    await _have_counted(session, command.order_id, lost, row.id, command.at)
    await orders.add_event(
        session,
        command.order_id,
        "lines_missing",
        command.at,
        dedupe_key=f"lines_missing:{row.id}",
        warehouse_id=row.warehouse_id,
        reason=worded(command.missing),
        written_off=units[Fate.WRITTEN_OFF],
        restocked=units[Fate.RESTOCKED],
    )
    return UnitsDropped(
        lines=await _by_line(session, command.order_id, list(units.values())),
        waiting_orders=tuple(
            await restock.servable_orders(session, [line.sku for line in back]) if back else ()
        ),
    )


async def write_off(
    session: AsyncSession,
    hold: Hold,
    returned: Sequence[HoldLine],
    missing: Sequence[MissingGoods],
    at: datetime,
) -> None:
    """Take off the books what went back to a shelf and is not there, in the same transaction.

    Once per hold and warehouse: a repeated return moves nothing, and neither does this.
    """
    for warehouse_id in sorted({line.warehouse_id for line in returned}):
        listed = {line.sku: line.quantity for line in returned if line.warehouse_id == warehouse_id}
        here = [line for line in missing if line.warehouse_id == warehouse_id]
        units = missing_units(here, listed)[Fate.WRITTEN_OFF]
        lost = [_line(warehouse_id, sku, -count) for sku, count in units.items()]
        if lost:
            await _write_off(session, hold, lost, here, at)


async def _write_off(
    session: AsyncSession,
    hold: Hold,
    lost: Sequence[StockUnits],
    missing: Sequence[MissingGoods],
    at: datetime,
) -> None:
    """The same at one warehouse, of which others of the order's may come before or after."""
    warehouse_id = lost[0].warehouse_id
    await ledger.move_stock(
        session,
        MovementReason.ADJUSTED,
        lost,
        f"{hold.id}:missing",
        at,
        order_id=hold.order_id,
    )
    await _have_counted(session, hold.order_id, lost, f"{hold.id}:{warehouse_id}", at)
    await orders.add_event(
        session,
        hold.order_id,
        "stock_written_off",
        at,
        dedupe_key=f"stock_written_off:{warehouse_id}",
        warehouse_id=warehouse_id,
        reason=worded(missing),
    )


async def _have_counted(
    session: AsyncSession, order_id: str, lost: Sequence[StockUnits], reference: str, at: datetime
) -> None:
    """Where goods were not found or unfit, there may be more of that: somebody counts the shelf."""
    if lost:
        written_off = ", ".join(
            f"{abs(line.quantity)} × {line.sku} in {line.warehouse_id}" for line in lost
        )
        await open_task(
            session,
            kind="stock_count",
            order_id=order_id,
            task=f"Count what is on the shelf: {written_off} had to be written off;"
            " `stock adjust` books a difference",
            dedupe_key=f"stock_count:{reference}",
            at=at,
        )


async def _by_line(
    session: AsyncSession, order_id: str, units: Sequence[Mapping[str, int]]
) -> dict[int, int]:
    order = await orders.find_order(session, order_id)
    assert order is not None
    missing = {line.line_no: sum(each.get(line.sku, 0) for each in units) for line in order.items}
    return {line_no: count for line_no, count in missing.items() if count}


def _line(warehouse_id: str, sku: str, quantity: int) -> StockUnits:
    return StockUnits(warehouse_id=warehouse_id, sku=sku, quantity=quantity)
