"""What was in a parcel that does not arrive is sent again, as an order that costs nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.replacements import place_free_order
from activities.return_standing import units_refunded
from activities.shipments import NoShipment, note_reached
from db import after_sales, fulfillment, orders, refunds
from db.fulfillment import Shipment
from db.operator_tasks import close_tasks
from db.orders import OrderRow
from db.parts import parts_of, restate_goods
from domain.order import Order, Value
from domain.parcel_exceptions import ParcelTrouble
from domain.statuses import OrderStatus, ShippingStatus
from domain.tracking import TrackingStatus

_ARRIVED = {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}


class ResendParcel(Value):
    """Send once more, as the order `order_id`, what was in a parcel that does not arrive."""

    order_id: str
    original_order_id: str
    tracking_number: str
    at: datetime


async def resend(session: AsyncSession, command: ResendParcel) -> Order | None:
    """Store the order that sends it again; nothing if that is not called for any more.

    Raises:
        NoShipment: there is no such parcel.
    """
    row = await orders.lock_order(session, command.original_order_id)
    known = await orders.find_order(session, command.order_id)
    if known is not None:
        return known
    number = command.tracking_number
    shipment = await fulfillment.lock_shipment(session, row.id, number)
    if shipment is None:
        raise NoShipment(row.id)
    original = await orders.to_order(session, row)
    units = await _units_to_send(session, row, original, shipment)
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
    session: AsyncSession, order: OrderRow, shipment: Shipment, at: datetime
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
    )
    await note_reached(session, order.id, reached, at)
    return shipment.delivered_at


async def _units_to_send(
    session: AsyncSession, row: OrderRow, original: Order, shipment: Shipment
) -> dict[int, int]:
    """The parcel's units by line number, less those whose money has gone back."""
    if row.status != OrderStatus.SHIPPED or shipment.given_up_at or shipment.status in _ARRIVED:
        return {}
    refunded = units_refunded(original, await refunds.refunds_of(session, row.id)).lines
    left = {line.line_no: line.quantity - refunded.get(line.line_no, 0) for line in original.items}
    return {
        one.line_no: min(one.units, left[one.line_no])
        for one in await after_sales.sent_units(session, row.id)
        if one.tracking_number == shipment.tracking_number and left[one.line_no] > 0
    }
