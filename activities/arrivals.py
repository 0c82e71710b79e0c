"""Goods that were sent again, and did arrive though nobody followed them: on a person's word."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.parcel_troubles import look_after
from activities.resending import make_good
from activities.shipments import RecordTracking, move_parcel
from db import fulfillment, orders
from db.fulfillment import OPEN_LISTS, Shipment
from db.operator_tasks import close_tasks
from db.orders import OrderRow
from domain.parcel_exceptions import ParcelTrouble
from domain.statuses import OrderStatus, ShippingStatus
from domain.tracking import TrackingSnapshot, TrackingStatus

_ENDED = {ShippingStatus.DELIVERED, ShippingStatus.RETURNED}
_CAME = {OrderStatus.DELIVERED, OrderStatus.COMPLETED}


async def why_not_arrived(session: AsyncSession, shipment: Shipment) -> str:
    """Why a lost parcel's goods cannot have come in another one, for people; empty if they can."""
    number = shipment.tracking_number
    if shipment.given_up_at is not None:
        return f"parcel {number} was given up: its money goes back"
    if shipment.status == TrackingStatus.DELIVERED:
        return f"parcel {number} has been delivered itself"
    if shipment.resent_as is None:
        return f"what was in parcel {number} has not been sent again"
    if shipment.settled:
        return ""
    again = await session.get_one(OrderRow, shipment.resent_as)
    parcels = await fulfillment.shipments_of(session, again.id)
    for parcel in parcels:
        if parcel.resent_as is not None and parcel.shipping_status not in _ENDED:
            third = await session.get_one(OrderRow, parcel.resent_as)
            if third.status not in _CAME:
                return f"order {third.order_number} sends that again, and is {third.status}"
    lists = await fulfillment.find_picking_lists(session, again.id)
    waits = any(one.state in OPEN_LISTS for one in lists)
    if waits or not any(_may_have_come(parcel) for parcel in parcels):
        return (
            f"order {again.order_number} has not left, or not all of it: `reship` takes it up again"
        )
    return ""


async def take_word(
    session: AsyncSession, order: OrderRow, shipment: Shipment, at: datetime
) -> str:
    """Book that what was sent for a locked parcel has come; or why that cannot be, for people."""
    if shipment.resent_as is None:
        return await why_not_arrived(session, shipment)
    again = await orders.lock_order(session, shipment.resent_as)
    refused = await why_not_arrived(session, shipment)
    if refused:
        return refused
    for parcel in await fulfillment.shipments_of(session, again.id):
        if _may_have_come(parcel) and parcel.shipping_status != ShippingStatus.DELIVERED:
            await _arrive(session, again, parcel, at)
    await make_good(session, order, shipment, at, by="operator")
    await close_tasks(session, shipment.id, at, [ParcelTrouble.NOT_RESENT])
    return ""


def _may_have_come(parcel: Shipment) -> bool:
    return parcel.given_up_at is None and parcel.shipping_status != ShippingStatus.RETURNED


async def _arrive(session: AsyncSession, again: OrderRow, parcel: Shipment, at: datetime) -> None:
    if parcel.resent_as is not None:
        await make_good(session, again, parcel, at, by="operator")
        return
    told = TrackingSnapshot(
        tracking_number=parcel.tracking_number,
        carrier=parcel.carrier,
        status=TrackingStatus.DELIVERED,
        delivered_at=at,
    )
    await move_parcel(
        session, again, parcel, RecordTracking(order_id=again.id, snapshot=told, at=at)
    )
    await look_after(session, parcel, told, at)
