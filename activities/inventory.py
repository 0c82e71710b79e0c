"""Stock: hold it for an order, give it back, take goods in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.booking import Booking, book, is_booked
from activities.holding import HoldBatcher
from activities.missing_goods import write_off
from activities.reserving import ReserveResult, ReserveStock
from db import callbacks, holds, inventory, orders, restock, supply
from db.engine import Sessions
from domain.allocation import Allocation, allocate
from domain.inventory import (
    MOST_RECEIVED,
    HoldState,
    MovementReason,
    Shortage,
    StockNeed,
    find_shortages,
)
from domain.missing_goods import MissingGoods
from domain.order import Order, Value
from domain.precedence import left_for
from domain.supply import supply_of_receipt


class ExtendHold(Value):
    """Keep an order's hold until `expires_at`, while money is on its way."""

    order_id: str
    expires_at: datetime


class ReleaseStock(Value):
    """Give an order's stock back: its live hold, or what it had committed.

    What has left the warehouses in `gone` cannot be given back by a booking. What warehouses found
    `missing` is given back to nobody.
    """

    order_id: str
    expired: bool = False
    gone: tuple[str, ...] = ()
    missing: tuple[MissingGoods, ...] = ()
    at: datetime


class StockReleased(Value):
    """What was there to give back, and which orders can be served now, first come first."""

    released: Literal["nothing", "hold", "committed"]
    waiting_orders: tuple[str, ...] = ()


class ReceiveStock(Value):
    """Goods have arrived, at most `MOST_RECEIVED`; the same `receipt_id` is booked once.

    They may be a delivery of the supply order `supply_id`, and all of it if `complete`, as the
    callback tells.
    """

    receipt_id: str
    warehouse_id: str
    sku: str
    quantity: int = Field(gt=0, le=MOST_RECEIVED)
    at: datetime
    supply_id: str = ""
    complete: bool = True
    callback_id: int = 0


class StockBooked(Value):
    """Orders that can be served now, first come first."""

    waiting_orders: tuple[str, ...]


class AdjustStock(Value):
    """A count found `change` more units than the books say, or fewer; booked once per id."""

    adjustment_id: str
    warehouse_id: str
    sku: str
    change: int = Field(ge=-MOST_RECEIVED, le=MOST_RECEIVED)
    at: datetime


class StockAdjusted(Value):
    """The books agree with the shelf; orders that can be served now, first come first."""

    outcome: Literal["adjusted"] = "adjusted"
    waiting_orders: tuple[str, ...] = ()


class StockPromised(Value):
    """Nothing is booked: `reserved` units are promised to orders, and only `available` are not."""

    outcome: Literal["promised"] = "promised"
    available: int
    reserved: int = 0


class AdjustResult(Value):
    """What came of an adjustment."""

    result: Annotated[StockAdjusted | StockPromised, Field(discriminator="outcome")]


class Stock:
    """Moves stock in our own database; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._holds = HoldBatcher(sessions)

    @activity.defn
    async def reserve_stock(self, command: ReserveStock) -> ReserveResult:
        """Hold all lines, or put the order on `pending_restock` and say what is missing."""
        return ReserveResult(result=await self._holds.reserve(command))

    @activity.defn
    async def extend_hold(self, command: ExtendHold) -> None:
        """Move the deadline of a live hold; a hold that has moved on is left alone."""
        async with self._sessions.begin() as session:
            hold = await holds.live_hold(session, command.order_id)
            if hold is not None and hold.state == HoldState.HELD:
                hold.expires_at = command.expires_at

    @activity.defn
    async def release_stock(self, command: ReleaseStock) -> StockReleased:
        """Undo whatever stock the order has; nothing to undo is fine."""
        async with self._sessions.begin() as session:
            released = await _give_back(session, command)
            await restock.leave_queue(session, command.order_id, command.at)
            waiting = await restock.servable_after(session, command.order_id)
        return StockReleased(released=released, waiting_orders=tuple(waiting))

    @activity.defn
    async def receive_stock(self, command: ReceiveStock) -> StockBooked:
        """Book goods in, once per receipt, and tell whom they are enough for.

        Raises:
            NoShelf: the warehouse does not keep this SKU.
            ReferenceTaken: the same receipt was booked with another quantity.
        """
        booking = Booking(
            command.receipt_id, command.warehouse_id, command.sku, command.quantity, command.at
        )
        async with self._sessions.begin() as session:
            if not await is_booked(session, MovementReason.RECEIVED, booking):
                await book(session, MovementReason.RECEIVED, booking)
                await _note_delivery(session, command)
            await callbacks.mark_applied(session, [command.callback_id], command.at)
            waiting = await restock.servable_orders(session, [command.sku])
        return StockBooked(waiting_orders=tuple(waiting))

    @activity.defn
    async def adjust_stock(self, command: AdjustStock) -> AdjustResult:
        """Correct a level once per adjustment, unless that takes what orders were promised.

        Raises:
            NoShelf: the warehouse does not keep this SKU.
            ReferenceTaken: the same adjustment was booked with another change.
        """
        booking = Booking(
            command.adjustment_id, command.warehouse_id, command.sku, command.change, command.at
        )
        async with self._sessions.begin() as session:
            if not await is_booked(session, MovementReason.ADJUSTED, booking):
                level = await inventory.level_at(session, command.warehouse_id, command.sku)
                if level.available + command.change < 0:
                    return AdjustResult(
                        result=StockPromised(available=level.available, reserved=level.reserved)
                    )
                await book(session, MovementReason.ADJUSTED, booking)
            waiting = await restock.servable_orders(session, [command.sku])
        return AdjustResult(result=StockAdjusted(waiting_orders=tuple(waiting)))


async def _note_delivery(session: AsyncSession, command: ReceiveStock) -> None:
    """Count it towards its supply order, also if somebody booked the delivery by hand."""
    supply_id = command.supply_id or supply_of_receipt(command.receipt_id)
    ordered = await supply.supply_order(session, supply_id)
    if ordered and (ordered.warehouse_id, ordered.sku) == (command.warehouse_id, command.sku):
        await supply.note_delivery(
            session, supply_id, command.quantity, command.at, complete=command.complete
        )


async def _give_back(
    session: AsyncSession, command: ReleaseStock
) -> Literal["nothing", "hold", "committed"]:
    await orders.lock_order(session, command.order_id)
    hold = await holds.live_hold(session, command.order_id)
    if hold is None:
        return "nothing"
    if hold.state == HoldState.HELD:
        state = HoldState.EXPIRED if command.expired else HoldState.RELEASED
        await holds.move_hold(session, hold, state, command.at)
        await orders.add_event(
            session,
            command.order_id,
            f"hold_{state}",
            command.at,
            dedupe_key=f"hold_moved:{hold.id}",
        )
        return "hold"
    held = await holds.hold_lines(session, hold.id)
    lines = [line for line in held if line.warehouse_id not in command.gone]
    if not lines:
        return "nothing"
    await holds.return_stock(session, hold, lines, command.at)
    await write_off(session, hold, lines, command.missing, command.at)
    await orders.add_event(session, command.order_id, "stock_returned", command.at)
    return "committed"


async def hold_order(
    session: AsyncSession, order: Order, hold_id: str, at: datetime, expires_at: datetime
) -> tuple[Shortage, ...]:
    """Hold all lines of a locked order in as few warehouses as possible; else what is missing.

    Orders that wait for goods come first: what they claim is not there for this one.
    """
    lines, shortages = await _find_stock(session, order)
    if lines is not None:
        await holds.insert_hold(
            session,
            hold_id=hold_id,
            order_id=order.order_id,
            lines=lines,
            at=at,
            expires_at=expires_at,
        )
    return shortages


async def shortages_of(session: AsyncSession, order: Order) -> tuple[Shortage, ...]:
    """What is missing to hold all lines of a locked order now; nothing is held."""
    _, shortages = await _find_stock(session, order)
    return shortages


async def _find_stock(
    session: AsyncSession, order: Order
) -> tuple[tuple[Allocation, ...] | None, tuple[Shortage, ...]]:
    needs = [StockNeed(sku=line.sku, quantity=line.quantity) for line in order.items]
    skus = [need.sku for need in needs]
    preference = await inventory.warehouse_preference(session, order.customer_info.address.province)
    levels = await inventory.lock_stock(session, skus)
    claims = await restock.open_claims(session, skus)
    left = left_for(order.order_id, levels, claims, preference)
    lines = allocate(needs, left, preference)
    return lines, () if lines is not None else find_shortages(needs, left, preference)
