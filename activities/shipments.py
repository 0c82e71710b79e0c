"""Parcels: record what the warehouse and the carrier tell us, and ask the carrier ourselves."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import not_yet
from db import callbacks, fulfillment, orders
from db.engine import Sessions, single_statements
from db.fulfillment import Shipment
from domain.errors import PermanentError
from domain.fulfillment import ShippingNews
from domain.ids import SHIPMENT, derived_id
from domain.order import Value
from domain.statuses import SHIPPING_TRANSITIONS, OrderStatus, PaymentStatus, ShippingStatus
from domain.tracking import SHIPPING_STATUS, TERMINAL, TrackingSnapshot, TrackingStatus
from gateways.errors import NotFound
from gateways.tracking.protocol import TrackingGateway


class RecordShipment(Value):
    """The warehouse has handed the parcel to the carrier."""

    order_id: str
    news: ShippingNews
    callback_ids: tuple[int, ...] = ()
    at: datetime


class RecordTracking(Value):
    """A carrier's view of the order's parcel."""

    order_id: str
    snapshot: TrackingSnapshot
    callback_ids: tuple[int, ...] = ()
    at: datetime


class TrackingRecorded(Value):
    """The parcel's status as it is in the books now."""

    status: TrackingStatus
    shipping_status: ShippingStatus
    location: str = ""


class PollParcel(Value):
    """Ask the carrier every `interval` until the parcel's status is another than `known`."""

    order_id: str
    tracking_number: str
    carrier: str
    known: TrackingStatus
    interval: timedelta


class NoShipment(PermanentError):
    """The order has no parcel."""


class Shipments:
    """Keeps the books on parcels; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def record_shipment(self, command: RecordShipment) -> None:
        """The order is shipped: parcel, order status and timeline change together."""
        news = command.news
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            await fulfillment.insert_shipment(
                session,
                Shipment(
                    id=derived_id(SHIPMENT, command.order_id, news.tracking_number),
                    order_id=command.order_id,
                    carrier=news.carrier,
                    tracking_number=news.tracking_number,
                    status=TrackingStatus.IN_TRANSIT,
                    shipped_at=news.shipped_at or command.at,
                    estimated_delivery=news.estimated_delivery,
                ),
            )
            orders.move(
                order,
                command.at,
                status=OrderStatus.SHIPPED,
                shipping=ShippingStatus.IN_TRANSIT,
            )
            await orders.add_event(
                session,
                command.order_id,
                "order_shipped",
                command.at,
                carrier=news.carrier,
                tracking_number=news.tracking_number,
            )
            if order.payment_status == PaymentStatus.REFUNDED:
                # The money had gone back, and the warehouse could not be stopped any more.
                orders.move(order, command.at, status=OrderStatus.REFUNDED)
            await callbacks.mark_applied(session, command.callback_ids, command.at)

    @activity.defn
    async def record_tracking(self, command: RecordTracking) -> TrackingRecorded:
        """Store the checkpoints, and move the parcel if this view is news."""
        snapshot = command.snapshot
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            shipment = await fulfillment.lock_shipment(session, command.order_id)
            if shipment is None:
                raise NoShipment(command.order_id)
            await fulfillment.add_tracking_events(session, shipment.id, snapshot.events)
            await callbacks.mark_applied(session, command.callback_ids, command.at)
            current = ShippingStatus(order.shipping_status)
            wanted = SHIPPING_STATUS.get(snapshot.status, current)
            changed = (
                snapshot.status != shipment.status
                and TrackingStatus(shipment.status) not in TERMINAL
                and (wanted == current or wanted in SHIPPING_TRANSITIONS[current])
            )
            location = snapshot.events[-1].location if snapshot.events else ""
            if changed:
                shipment.status = snapshot.status
                if snapshot.status is TrackingStatus.DELIVERED:
                    shipment.delivered_at = snapshot.delivered_at or command.at
                    shipment.signed_by = snapshot.signed_by
                delivered = wanted is ShippingStatus.DELIVERED
                # What was refunded on its way stays refunded.
                arrived = delivered and order.status == OrderStatus.SHIPPED
                orders.move(
                    order,
                    command.at,
                    shipping=wanted,
                    status=OrderStatus.DELIVERED if arrived else None,
                )
                await orders.add_event(
                    session,
                    command.order_id,
                    "order_delivered" if delivered else "parcel_moved",
                    command.at,
                    dedupe_key=f"parcel:{snapshot.status}:{len(snapshot.events)}",
                    status=snapshot.status,
                    location=location,
                )
            return TrackingRecorded(
                status=TrackingStatus(shipment.status),
                shipping_status=ShippingStatus(order.shipping_status),
                location=location,
            )


class Tracking:
    """Asks the tracking provider."""

    def __init__(self, gateway: TrackingGateway, sessions: Sessions) -> None:
        self._gateway = gateway
        self._sessions = sessions

    @activity.defn
    async def poll_parcel(self, command: PollParcel) -> TrackingSnapshot:
        """Look again every `interval`, by being retried, until there is news.

        A parcel that the provider does not know is registered with it, which also subscribes to
        its webhooks; registering twice is fine.
        """
        try:
            snapshot = await self._gateway.fetch(command.tracking_number, command.carrier)
        except NotFound as error:
            await self._register(command)
            raise not_yet("the parcel has just been registered", command.interval) from error
        if snapshot.status == command.known or snapshot.status not in SHIPPING_STATUS:
            raise not_yet(f"the parcel is still {command.known}", command.interval)
        return snapshot

    async def _register(self, command: PollParcel) -> None:
        async with single_statements(self._sessions) as session:
            order = await session.get_one(orders.OrderRow, command.order_id)
        await self._gateway.register(command.tracking_number, command.carrier, order.order_number)
