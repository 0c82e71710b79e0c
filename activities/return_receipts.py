"""Returned goods at the warehouse: what can be sold again goes back on its shelf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.return_commands import ReceiveReturn
from activities.return_requests import check_move, locked, note
from db import after_sales, inventory, ledger, orders, restock
from db.inventory import Inventory
from domain.inventory import MovementReason, StockUnits
from domain.returns import (
    Refusal,
    ReturnCase,
    ReturnLine,
    ReturnNotPossible,
    ReturnState,
    check_receipt,
)
from domain.statuses import OrderStatus, ShippingStatus


async def receive(session: AsyncSession, command: ReceiveReturn) -> tuple[ReturnCase, list[str]]:
    """Book what came, once per return; the orders that can have it now, first come first.

    Raises:
        ReturnUnknown: there is no such return.
        ReturnNotPossible: it is not awaited, other things came, or no shelf is there for them.
    """
    row = await locked(session, command.return_id)
    case = await after_sales.to_case(session, row)
    if case.received_at is None:
        check_move(case, ReturnState.RECEIVED)
        check_receipt(case, command.lines)
        for line in await after_sales.lines_of(session, case.return_id):
            found = command.lines.get(line.line_no)
            line.resellable, line.damaged = (found.resellable, found.damaged) if found else (0, 0)
        row.state, row.received_at = ReturnState.RECEIVED, command.at
        await session.flush()
        case = await after_sales.to_case(session, row)
        await _book(session, case, command)
        await _restate_goods(session, case, command)
    skus = [line.sku for line in case.lines if line.resellable]
    return case, list(await restock.servable_orders(session, skus)) if skus else []


async def _book(session: AsyncSession, case: ReturnCase, command: ReceiveReturn) -> None:
    """Everything comes back into the books, and what is damaged leaves them at once."""
    came = [line for line in case.lines if line.received]
    places = await _places(session, case, came, command.warehouse_id)
    await inventory.lock_stock(session, [line.sku for line in came])
    for reason, reference, units in (
        (MovementReason.RETURNED, case.return_id, {one.line_no: one.received for one in came}),
        (
            MovementReason.ADJUSTED,
            f"{case.return_id}:damaged",
            {one.line_no: -one.damaged for one in came if one.damaged},
        ),
    ):
        lines = [
            StockUnits(warehouse_id=places[one.sku], sku=one.sku, quantity=units[one.line_no])
            for one in came
            if one.line_no in units
        ]
        if lines:
            await ledger.move_stock(
                session, reason, lines, reference, command.at, order_id=case.order_id
            )
    await note(
        session,
        case,
        "return_received",
        command.at,
        warehouse_id=", ".join(sorted(set(places.values()))),
        restocked=_counted(came, lambda one: one.resellable),
        written_off=_counted(came, lambda one: one.damaged),
        missing=_counted(case.lines, lambda one: one.quantity - one.received),
    )


async def _places(
    session: AsyncSession, case: ReturnCase, came: Sequence[ReturnLine], warehouse_id: str
) -> Mapping[str, str]:
    """On whose shelves the goods go, by SKU: the named warehouse's, else the sender's.

    Raises:
        ReturnNotPossible: the warehouse does not keep one of them.
    """
    if not warehouse_id:
        sent = await after_sales.sent_units(session, case.order_id)
        return {one.sku: one.warehouse_id for one in reversed(sent)}
    skus = [line.sku for line in came]
    kept = set(
        await session.scalars(
            select(col(Inventory.sku)).where(
                col(Inventory.warehouse_id) == warehouse_id, col(Inventory.sku).in_(skus)
            )
        )
    )
    missing = sorted(set(skus) - kept)
    if missing:
        raise ReturnNotPossible(
            Refusal.NO_SHELF, f"{warehouse_id} keeps no {', '.join(missing)}: name another one"
        )
    return dict.fromkeys(skus, warehouse_id)


async def _restate_goods(session: AsyncSession, case: ReturnCase, command: ReceiveReturn) -> None:
    """An order of which everything has come back is shown as returned."""
    order = await orders.lock_order(session, case.order_id)
    came = Counter[int]()
    for other in await after_sales.returns_of(session, case.order_id):
        came.update({line.line_no: line.received for line in other.lines})
    sent = Counter[int]()
    for one in await after_sales.sent_units(session, case.order_id):
        sent[one.line_no] += one.units
    ended = order.status in {OrderStatus.DELIVERED, OrderStatus.COMPLETED, OrderStatus.REFUNDED}
    if ended and order.shipping_status == ShippingStatus.DELIVERED and came >= sent:
        orders.move(order, command.at, shipping=ShippingStatus.RETURNED)


def _counted(lines: Sequence[ReturnLine], count: Callable[[ReturnLine], int]) -> str:
    return ", ".join(f"{count(line)} × {line.sku}" for line in lines if count(line))
