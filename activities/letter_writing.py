"""What a letter about an order says, read from our books at the moment of writing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.reviewing import reviewable
from db import after_sales, fulfillment, orders
from db.fulfillment import Shipment
from db.parts import parts_of
from domain.money import Money
from domain.notification import Channel, NotificationKind, OrderLetter, ShortLine
from domain.order import Order, OrderLine, Value
from domain.parts import PartState
from domain.statuses import OrderStatus, ShippingStatus
from gateways.tracking.links import tracking_link


class CustomerEvent(Value):
    """Something that the customer is told of; `occasion` tells repeated events of a kind apart.

    `tracking_number` names the parcel that it is about, if the order has several, `parcel_status`
    what its carrier says of it; `lines` the units, by line number, if it is about some of them.
    """

    kind: NotificationKind
    occasion: str = ""
    reason: str = ""
    shortages: tuple[ShortLine, ...] = ()
    refund_amount: Money | None = None
    payment_expires_at: datetime | None = None
    location: str = ""
    tracking_number: str = ""
    parcel_status: str = ""
    lines: dict[int, int] = Field(default_factory=dict)
    at: datetime


class Written(NamedTuple):
    """A letter, and the order that it is about."""

    letter: OrderLetter
    order: Order

    def address(self, channel: Channel) -> str:
        """Where the letter goes on a channel; on push, whose devices."""
        return {
            Channel.EMAIL: self.letter.email,
            Channel.SMS: self.letter.phone,
            Channel.PUSH: self.letter.customer_id,
        }[channel]


_ENDED = {OrderStatus.CANCELLED, OrderStatus.REFUNDED}
_TELLS_OF_A_PARCEL = {
    NotificationKind.ORDER_SHIPPED,
    NotificationKind.EXCHANGE_SHIPPED,
    NotificationKind.RESENT_SHIPPED,
}
_NOT_SENT = {OrderStatus.CONFIRMED, OrderStatus.PROCESSING}
_ASKS_TO_WAIT_OR_PAY = {NotificationKind.PAYMENT_DUE, NotificationKind.OUT_OF_STOCK}


def still_true(written: Written) -> bool:
    """Whether the event still holds at the moment of sending."""
    order, kind = written.order, written.letter.kind
    if kind is NotificationKind.REVIEW_INVITATION:
        arrived = order.shipping_status is ShippingStatus.DELIVERED
        return order.status not in _ENDED and arrived and bool(written.letter.items)
    if kind is NotificationKind.SHIPPING_DELAYED:
        return order.status in _NOT_SENT
    return kind not in _ASKS_TO_WAIT_OR_PAY or order.status not in _ENDED


def overtaken(written: Written) -> bool:
    """Whether a late telling would be old news: of a parcel on its way that has arrived since."""
    letter = written.letter
    return letter.kind is NotificationKind.DELIVERY_UPDATE and letter.delivered_at is not None


async def write_letter(session: AsyncSession, order_id: str, event: CustomerEvent) -> Written:
    """The letter about one event.

    Raises:
        OrderUnknown: there is no such order.
    """
    order = await orders.find_order(session, order_id)
    if order is None:
        raise orders.OrderUnknown(order_id)
    parcels = await fulfillment.shipments_of(session, order_id)
    own = [parcel for parcel in parcels if parcel.tracking_number == event.tracking_number]
    shipment = next(iter(own or parcels[-1:]), None)
    customer = order.customer_info
    letter = OrderLetter(
        kind=event.kind,
        locale=order.locale,
        order_id=order.order_id,
        order_number=order.order_number,
        customer_id=order.customer_id,
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
        **(
            await _of_parcel(session, order, own[0])
            if own
            else await _of_order(session, order, event, shipment)
        ),
        pricing=order.pricing,
        created_at=order.created_at,
        occasion=event.occasion,
        reason=event.reason,
        shortages=event.shortages,
        refund_amount=event.refund_amount,
        payment_expires_at=event.payment_expires_at,
        shipping_status=event.parcel_status
        or (own[0].shipping_status if own else order.shipping_status),
        location=event.location,
        tracking_number=shipment.tracking_number if shipment else "",
        carrier=shipment.carrier if shipment else "",
        tracking_url=tracking_link(shipment.carrier, shipment.tracking_number) if shipment else "",
        estimated_delivery=shipment.estimated_delivery if shipment else None,
        delivered_at=shipment.delivered_at if shipment else None,
    )
    return Written(letter, order)


async def _of_order(
    session: AsyncSession, order: Order, event: CustomerEvent, parcel: Shipment | None
) -> dict[str, Any]:
    """What a letter says of an order that comes in one parcel; it may have left without some."""
    if event.kind in _TELLS_OF_A_PARCEL and parcel is not None:
        sent = await _contents(session, order, parcel)
        if sent and sent != order.items:
            return {"items": sent, "part": True}
    return {"items": await _items(session, order, event)}


async def _items(
    session: AsyncSession, order: Order, event: CustomerEvent
) -> tuple[OrderLine, ...]:
    """The goods that an event is about: those that it names, or all."""
    if event.kind is NotificationKind.REVIEW_INVITATION:
        return await reviewable(session, order)
    if not event.lines:
        return order.items
    return tuple(
        _of_units(line, event.lines[line.line_no])
        for line in order.items
        if line.line_no in event.lines
    )


async def _of_parcel(session: AsyncSession, order: Order, parcel: Shipment) -> dict[str, Any]:
    """What a letter says of one of the parcels that an order comes in."""
    kept = [
        part.picking_list_id
        for part in await parts_of(session, order.order_id)
        if part.state is not PartState.DROPPED
    ]
    listed = parcel.picking_list_id in kept
    return {
        "items": await _contents(session, order, parcel),
        "part": True,
        "parcel_number": kept.index(parcel.picking_list_id or "") + 1 if listed else 0,
        "parcel_count": len(kept) if listed else 0,
    }


async def _contents(session: AsyncSession, order: Order, parcel: Shipment) -> tuple[OrderLine, ...]:
    """What is in one of an order's parcels, less what its warehouse said that it lacks."""
    units = {
        one.line_no: one.units
        for one in await after_sales.sent_units(session, order.order_id)
        if one.tracking_number == parcel.tracking_number and one.units > 0
    }
    return tuple(
        _of_units(line, units[line.line_no]) for line in order.items if line.line_no in units
    )


def _of_units(line: OrderLine, units: int) -> OrderLine:
    return line.model_copy(update={"quantity": units, "total_price": line.unit_price * units})
