"""Orders that send goods once more: they cost nothing, and go to the warehouse unpaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.return_commands import ConfirmReplacement, PlaceReplacement
from activities.return_requests import locked, note
from db import after_sales, fulfillment, holds, orders
from domain.errors import PermanentError
from domain.inventory import HoldState
from domain.money import Money
from domain.order import Order, OrderLine, Pricing
from domain.returns import ReturnCase, ReturnState
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus
from domain.tracking import TrackingStatus


class NothingHeld(PermanentError):
    """The replacement has no stock that could be committed."""


async def place(session: AsyncSession, command: PlaceReplacement) -> Order:
    """Store the replacement of a return's goods; the same order id gives the same order.

    Raises:
        ReturnUnknown: there is no such return.
    """
    row = await locked(session, command.return_id)
    known = await orders.find_order(session, command.order_id)
    if known is not None:
        return known
    original = await orders.find_order(session, row.order_id)
    assert original is not None
    case = await after_sales.to_case(session, row)
    order = await place_free_order(
        session, command.order_id, original, case.units(), command.at, return_id=case.return_id
    )
    row.replacement_order_id = order.order_id
    await note(session, case, "replacement_placed", command.at, order_number=order.order_number)
    return order


async def place_free_order(
    session: AsyncSession,
    order_id: str,
    original: Order,
    units: Mapping[int, int],
    at: datetime,
    **reason: str,
) -> Order:
    """Store an order of `units` of the original's lines, by number, that costs nothing."""
    number = await orders.next_order_number(session, at)
    order = _again(original, units, order_id, number, at)
    await orders.insert_order(session, order, fingerprint="")
    await orders.add_event(
        session,
        order.order_id,
        "order_placed",
        at,
        total=str(order.total),
        replacement_of=original.order_number,
        **reason,
    )
    return order


async def units_arrived(session: AsyncSession, order_id: str) -> Counter[str]:
    """What of an order has come to the door, by SKU; what it had to send again as that came."""
    sent = await after_sales.sent_units(session, order_id)
    arrived = Counter[str]()
    for parcel in await fulfillment.shipments_of(session, order_id):
        if parcel.shipping_status != ShippingStatus.DELIVERED or parcel.given_up_at is not None:
            continue
        if parcel.resent_as is not None and parcel.status != TrackingStatus.DELIVERED:
            arrived += await units_arrived(session, parcel.resent_as)
            continue
        for one in sent:
            if one.tracking_number == parcel.tracking_number:
                arrived[one.sku] += one.units
    return arrived


async def lacking(session: AsyncSession, case: ReturnCase) -> dict[int, int]:
    """Units, by line number, that came back to be exchanged and that nothing has come for."""
    if case.state is not ReturnState.EXCHANGED:
        return {}
    came = await units_arrived(session, case.replacement_order_id)
    missing = {line.line_no: line.received - came[line.sku] for line in case.lines}
    return {line_no: units for line_no, units in missing.items() if units > 0}


async def confirm(session: AsyncSession, command: ConfirmReplacement) -> None:
    """Commit the replacement's hold and confirm it; doing so again changes nothing.

    Raises:
        NothingHeld: its hold is gone.
    """
    order = await orders.lock_order(session, command.order_id)
    if order.status != OrderStatus.PENDING:
        return
    hold = await holds.live_hold(session, command.order_id)
    if hold is None:
        raise NothingHeld(command.order_id)
    await holds.move_hold(session, hold, HoldState.COMMITTED, command.at)
    orders.move(order, command.at, status=OrderStatus.CONFIRMED, payment=PaymentStatus.PAID)
    await orders.add_event(session, command.order_id, "order_confirmed", command.at)


def _again(
    original: Order, units: Mapping[int, int], order_id: str, number: str, at: datetime
) -> Order:
    nothing = Money.zero(original.total.currency)
    wanted = [line for line in original.items if units.get(line.line_no)]
    items = [
        OrderLine(
            line_no=number,
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=units[line.line_no],
            unit_price=nothing,
            total_price=nothing,
        )
        for number, line in enumerate(wanted, start=1)
    ]
    return original.model_copy(
        update={
            "order_id": order_id,
            "order_number": number,
            "items": tuple(items),
            "pricing": Pricing(
                subtotal=nothing, shipping=nothing, tax=nothing, discount=nothing, total=nothing
            ),
            "coupon_code": "",
            "special_instructions": "",
            "replacement_of": original.order_id,
            "status": OrderStatus.PENDING,
            "payment_status": PaymentStatus.PENDING,
            "shipping_status": ShippingStatus.PENDING,
            "created_at": at,
        }
    )
