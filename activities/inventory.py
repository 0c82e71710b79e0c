"""Stock: hold it for an order, give it back, take goods in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from db import inventory, orders, restock
from db.engine import Sessions
from db.inventory import HoldLine
from domain.errors import PermanentError
from domain.inventory import (
    MOST_RECEIVED,
    HoldState,
    MovementReason,
    Shortage,
    StockNeed,
    choose_warehouse,
    find_shortages,
)
from domain.notification import ShortLine
from domain.order import Order, Value
from domain.statuses import OrderStatus


class ReserveStock(Value):
    """Hold all lines of an order until `expires_at`, or none."""

    order_id: str
    hold_id: str
    at: datetime
    expires_at: datetime


class StockReserved(Value):
    """All lines are held."""

    outcome: Literal["reserved"] = "reserved"
    hold_id: str
    expires_at: datetime


class StockShort(Value):
    """Nothing is held: this is missing."""

    outcome: Literal["short"] = "short"
    shortages: tuple[ShortLine, ...]


ReserveOutcome = Annotated[StockReserved | StockShort, Field(discriminator="outcome")]


class ReserveResult(Value):
    """What came of a reservation."""

    result: ReserveOutcome


class ExtendHold(Value):
    """Keep an order's hold until `expires_at`, while money is on its way."""

    order_id: str
    expires_at: datetime


class ReleaseStock(Value):
    """Give an order's stock back: its live hold, or what it had committed."""

    order_id: str
    expired: bool = False
    at: datetime


class StockReleased(Value):
    """What was there to give back, and which orders wait for it, first come first."""

    released: Literal["nothing", "hold", "committed"]
    waiting_orders: tuple[str, ...] = ()


class ReceiveStock(Value):
    """Goods have arrived, at most `MOST_RECEIVED`; the same `receipt_id` is booked once."""

    receipt_id: str
    warehouse_id: str
    sku: str
    quantity: int = Field(gt=0, le=MOST_RECEIVED)
    at: datetime


class StockBooked(Value):
    """Orders that wait for these goods, first come first."""

    waiting_orders: tuple[str, ...]


class NoShelf(PermanentError):
    """The warehouse does not keep this SKU."""


class Stock:
    """Moves stock in our own database; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def reserve_stock(self, command: ReserveStock) -> ReserveResult:
        """Hold all lines, or put the order on `pending_restock` and say what is missing."""
        async with self._sessions.begin() as session:
            row = await orders.lock_order(session, command.order_id)
            hold = await inventory.live_hold(session, command.order_id)
            if hold is not None:
                return ReserveResult(
                    result=StockReserved(hold_id=hold.id, expires_at=hold.expires_at)
                )
            order = await orders.to_order(session, row)
            shortages = await hold_order(
                session, order, command.hold_id, command.at, command.expires_at
            )
            if shortages:
                return await self._note_shortage(session, row, order, shortages, command.at)
            orders.move(row, command.at, status=OrderStatus.PENDING)
            await restock.close_requests(
                session, order.order_id, restock.RestockState.FILLED, command.at
            )
            await orders.add_event(
                session,
                order.order_id,
                "stock_reserved",
                command.at,
                dedupe_key=f"stock_reserved:{command.hold_id}",
                until=command.expires_at.isoformat(),
            )
        return ReserveResult(
            result=StockReserved(hold_id=command.hold_id, expires_at=command.expires_at)
        )

    async def _note_shortage(
        self,
        session: AsyncSession,
        row: orders.OrderRow,
        order: Order,
        shortages: tuple[Shortage, ...],
        at: datetime,
    ) -> ReserveResult:
        names = {line.sku: line.name for line in order.items}
        short_lines = tuple(
            ShortLine(
                sku=short.sku,
                name=names[short.sku],
                requested=short.requested,
                available=short.available,
                shortfall=short.shortfall,
            )
            for short in shortages
        )
        orders.move(row, at, status=OrderStatus.PENDING_RESTOCK)
        await restock.open_requests(session, order.order_id, shortages, at)
        await orders.add_event(
            session,
            order.order_id,
            "out_of_stock",
            at,
            shortages=[line.model_dump(mode="json", by_alias=True) for line in short_lines],
        )
        return ReserveResult(result=StockShort(shortages=short_lines))

    @activity.defn
    async def extend_hold(self, command: ExtendHold) -> None:
        """Move the deadline of a live hold; a hold that has moved on is left alone."""
        async with self._sessions.begin() as session:
            hold = await inventory.live_hold(session, command.order_id)
            if hold is not None and hold.state == HoldState.HELD:
                hold.expires_at = command.expires_at

    @activity.defn
    async def release_stock(self, command: ReleaseStock) -> StockReleased:
        """Undo whatever stock the order has; nothing to undo is fine."""
        async with self._sessions.begin() as session:
            released = await _give_back(session, command)
            waiting = await restock.waiting_behind(session, command.order_id)
        return StockReleased(released=released, waiting_orders=tuple(waiting))

    @activity.defn
    async def receive_stock(self, command: ReceiveStock) -> StockBooked:
        """Book goods in, once per receipt, and tell who waits for them."""
        async with self._sessions.begin() as session:
            shelves = await inventory.lock_stock(session, [command.sku])
            if command.warehouse_id not in {shelf.warehouse_id for shelf in shelves}:
                raise NoShelf(f"{command.warehouse_id} has no shelf for {command.sku}")
            line = HoldLine(
                hold_id="",
                warehouse_id=command.warehouse_id,
                sku=command.sku,
                quantity=command.quantity,
            )
            await inventory.move_stock(
                session, MovementReason.RECEIVED, [line], command.receipt_id, command.at
            )
            waiting = await restock.waiting_orders(session, command.sku)
        return StockBooked(waiting_orders=tuple(waiting))


async def _give_back(
    session: AsyncSession, command: ReleaseStock
) -> Literal["nothing", "hold", "committed"]:
    await orders.lock_order(session, command.order_id)
    hold = await inventory.live_hold(session, command.order_id)
    if hold is None:
        return "nothing"
    if hold.state == HoldState.HELD:
        state = HoldState.EXPIRED if command.expired else HoldState.RELEASED
        await inventory.move_hold(session, hold, state, command.at)
        await orders.add_event(
            session,
            command.order_id,
            f"hold_{state}",
            command.at,
            dedupe_key=f"hold_moved:{hold.id}",
        )
        return "hold"
    lines = await inventory.hold_lines(session, hold.id)
    await inventory.lock_stock(session, [line.sku for line in lines])
    await inventory.move_stock(
        session,
        MovementReason.RESTOCKED,
        lines,
        hold.id,
        command.at,
        order_id=command.order_id,
    )
    await orders.add_event(session, command.order_id, "stock_returned", command.at)
    return "committed"


async def hold_order(
    session: AsyncSession, order: Order, hold_id: str, at: datetime, expires_at: datetime
) -> tuple[Shortage, ...]:
    """Hold all lines of a locked order in one warehouse; what is missing if none can."""
    needs = [StockNeed(sku=line.sku, quantity=line.quantity) for line in order.items]
    preference = await inventory.warehouse_preference(session, order.customer_info.address.province)
    levels = await inventory.lock_stock(session, [need.sku for need in needs])
    warehouse_id = choose_warehouse(needs, levels, preference)
    if warehouse_id is None:
        return find_shortages(needs, levels, preference)
    await inventory.insert_hold(
        session,
        hold_id=hold_id,
        order_id=order.order_id,
        warehouse_id=warehouse_id,
        needs=needs,
        at=at,
        expires_at=expires_at,
    )
    return ()
