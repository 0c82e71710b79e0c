"""What was in a parcel that does not arrive is sent again, as an order that costs nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.replacements import place_free_order, units_arrived
from activities.return_standing import units_refunded
from activities.shipments import lock_parcel, note_reached
from db import after_sales, fulfillment, orders, payments, refunds
from db.fulfillment import Shipment
from db.operator_tasks import close_tasks
from db.orders import OrderRow
from db.parts import parts_of, restate_goods
from domain.errors import PermanentError
from domain.order import Order, Value
from domain.parcel_exceptions import ParcelTrouble
from domain.statuses import OrderStatus, ShippingStatus
from domain.tracking import TrackingStatus

_ARRIVED = {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}


# An order that has come so far, and no further, has no goods on their way.
_NOTHING_LEFT = {
    OrderStatus.PENDING,
    OrderStatus.PENDING_RESTOCK,
    OrderStatus.CANCELLED,
    OrderStatus.REFUNDED,
}


class HasLeft(PermanentError):
    """What was in the parcel has been sent again: not once more."""


class ResendParcel(Value):
    """Send once more, as the order `order_id`, what was in a parcel that does not arrive."""

    order_id: str
    original_order_id: str
    tracking_number: str
    at: datetime


async def resend(session: AsyncSession, command: ResendParcel) -> Order | None:
    """Store the order that sends it again; nothing if that is not called for any more.

    One that was cut short before anything had left is taken up where it was.

    Raises:
        NoShipment: there is no such parcel.
        HasLeft: it has been sent again already.
    """
    bought = await _lock_bought(session, command.original_order_id)
    row = await orders.lock_order(session, command.original_order_id)
    known = await orders.find_order(session, command.order_id)
    if known is not None:
        if await fulfillment.shipments_of(session, known.order_id):
            raise HasLeft(known.order_id)
        return known
    number = command.tracking_number
    shipment = await lock_parcel(session, row.id, number)
    original = await orders.to_order(session, row)
    units = await _units_to_send(session, bought, original, shipment)
    if not units:
        return None
    order = await place_free_order(
        session, command.order_id, original, units, command.at, lost_parcel=number
    )
    shipment.resent_as = order.order_id
    await orders.add_event(
        session,
        row.id,
        "parcel_resent",
        command.at,
        dedupe_key=f"parcel_resent:{number}",
        tracking_number=number,
        order_number=order.order_number,
    )
    await close_tasks(session, shipment.id, command.at, list(ParcelTrouble))
    return order


async def make_good(
    session: AsyncSession, order: OrderRow, shipment: Shipment, at: datetime, **detail: str
) -> datetime:
    """A lost parcel's goods have arrived in another one: when. Said again, it changes nothing."""
    assert shipment.resent_as is not None
    if shipment.shipping_status == ShippingStatus.DELIVERED and shipment.delivered_at:
        return shipment.delivered_at
    sent = await fulfillment.shipments_of(session, shipment.resent_as)
    shipment.shipping_status = ShippingStatus.DELIVERED
    shipment.delivered_at = max(
        (parcel.delivered_at for parcel in sent if parcel.delivered_at), default=at
    )
    await session.flush()
    reached = restate_goods(order, await parts_of(session, order.id), at)
    await orders.add_event(
        session,
        order.id,
        "parcel_made_good",
        at,
        dedupe_key=f"parcel_made_good:{shipment.tracking_number}",
        tracking_number=shipment.tracking_number,
        **detail,
    )
    await note_reached(session, order.id, reached, at)
    return shipment.delivered_at


async def may_come(session: AsyncSession, shipment: Shipment) -> bool:
    """Whether its goods are, or may be, on their way in another parcel."""
    if shipment.resent_as is None:
        return False
    again = await session.get_one(OrderRow, shipment.resent_as)
    return again.status not in _NOTHING_LEFT


async def lacking(session: AsyncSession, order: OrderRow, shipment: Shipment) -> dict[int, int]:
    """Units that were to be sent again and did not come, by the number of the order's line."""
    if shipment.resent_as is None or shipment.status == TrackingStatus.DELIVERED:
        return {}
    came = await units_arrived(session, shipment.resent_as)
    again = await orders.find_order(session, shipment.resent_as)
    assert again is not None
    missing = {line.sku: line.quantity - came[line.sku] for line in again.items}
    lines = (await orders.to_order(session, order)).items
    return {line.line_no: missing[line.sku] for line in lines if missing.get(line.sku, 0) > 0}


async def _lock_bought(session: AsyncSession, order_id: str) -> OrderRow:
    """The order whose money is at stake: a parcel may be the second or third with its goods."""
    return await orders.lock_order(session, await orders.bought_as(session, order_id))


async def _units_to_send(
    session: AsyncSession, bought: OrderRow, original: Order, shipment: Shipment
) -> dict[int, int]:
    """The parcel's units by line number, less those whose money has gone back."""
    arrived = shipment.given_up_at or shipment.status in _ARRIVED
    if original.status is not OrderStatus.SHIPPED or arrived:
        return {}
    if await _paid_back(session, bought.id):
        return {}
    paid = await orders.to_order(session, bought)
    refunded = units_refunded(paid, await refunds.refunds_of(session, bought.id)).lines
    left = {line.sku: line.quantity - refunded.get(line.line_no, 0) for line in paid.items}
    return {
        one.line_no: min(one.units, left[one.sku])
        for one in await after_sales.sent_units(session, original.order_id)
        if one.tracking_number == shipment.tracking_number and left[one.sku] > 0
    }


async def _paid_back(session: AsyncSession, order_id: str) -> bool:
    """Whether all that was paid has gone back, or is about to; nothing is paid for an exchange."""
    paid = [one for one in await payments.payments_of(session, order_id) if not one.surplus]
    captured = [one for one in paid if one.captured_minor > 0]
    return bool(captured) and all(one.left.minor == 0 for one in captured)
