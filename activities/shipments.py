"""Parcels: record what the warehouse and the carriers tell us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.parcel_troubles import look_after
from db import callbacks, fulfillment, orders
from db.engine import Sessions
from db.fulfillment import OPEN_LISTS, PickingState, Shipment
from db.late_lists import close_late_task
from db.orders import OrderRow
from db.parts import parts_of, restate_goods
from domain.errors import PermanentError
from domain.fulfillment import ShippingNews
from domain.ids import SHIPMENT, derived_id
from domain.order import Value
from domain.parcel_exceptions import ParcelTrouble
from domain.statuses import SHIPPING_TRANSITIONS, OrderStatus, PaymentStatus, ShippingStatus
from domain.tracking import SHIPPING_STATUS, TERMINAL, TrackingSnapshot, TrackingStatus


class RecordShipment(Value):
    """A warehouse has handed a parcel over; without a list's id, that of the first open list."""

    order_id: str
    news: ShippingNews
    picking_list_id: str = ""
    callback_ids: tuple[int, ...] = ()
    at: datetime


class RecordTracking(Value):
    """A carrier's view of one of the order's parcels."""

    order_id: str
    snapshot: TrackingSnapshot
    callback_ids: tuple[int, ...] = ()
    at: datetime


class TrackingRecorded(Value):
    """The parcel's status as it is in the books now; `shipping_status` is the whole order's.

    `trouble` is what is wrong with the parcel, `carrier` whose it is by now. `delivered_at` is the
    carrier's own time, UTC.
    """

    status: TrackingStatus
    shipping_status: ShippingStatus
    location: str = ""
    trouble: ParcelTrouble | None = None
    carrier: str = ""
    delivered_at: datetime | None = None


class NoShipment(PermanentError):
    """The order has no parcel."""


class Shipments:
    """Keeps the books on parcels; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def record_shipment(self, command: RecordShipment) -> None:
        """A parcel has left: it, its list, the order and the timeline change together."""
        news = command.news
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            await fulfillment.insert_shipment(
                session,
                Shipment(
                    id=derived_id(SHIPMENT, command.order_id, news.tracking_number),
                    order_id=command.order_id,
                    picking_list_id=await _close_list(session, command),
                    carrier=news.carrier,
                    tracking_number=news.tracking_number,
                    status=TrackingStatus.IN_TRANSIT,
                    shipped_at=news.shipped_at or command.at,
                    estimated_delivery=news.estimated_delivery,
                ),
            )
            parts = await parts_of(session, command.order_id)
            reached = restate_goods(order, parts, command.at)
            if len(parts) > 1:
                await _note_parcel(session, command)
            await note_reached(
                session,
                order.id,
                reached,
                command.at,
                **({} if len(parts) > 1 else _of_parcel(news)),
            )
            if order.payment_status == PaymentStatus.REFUNDED:
                # The money had gone back, and the warehouse could not be stopped any more.
                orders.move(order, command.at, status=OrderStatus.REFUNDED)
            await callbacks.mark_applied(session, command.callback_ids, command.at)

    @activity.defn
    async def record_tracking(self, command: RecordTracking) -> TrackingRecorded:
        """Store the checkpoints, and move the parcel if this view is news.

        Checkpoints of an older view find their place among the others, and move nothing.
        """
        snapshot = command.snapshot
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            shipment = await lock_parcel(session, command.order_id, snapshot.tracking_number)
            outdated = is_outdated(snapshot, await fulfillment.latest_scan(session, shipment.id))
            await fulfillment.add_tracking_events(session, shipment.id, snapshot.events)
            await callbacks.mark_applied(session, command.callback_ids, command.at)
            trouble = None
            if not outdated:
                _keep_up(shipment, snapshot)
                if _is_news(shipment, snapshot):
                    await move_parcel(session, order, shipment, command)
                trouble = await look_after(session, shipment, snapshot, command.at)
            return TrackingRecorded(
                status=TrackingStatus(shipment.status),
                shipping_status=ShippingStatus(order.shipping_status),
                location=_last_seen(snapshot),
                trouble=trouble,
                carrier=shipment.carrier,
                delivered_at=shipment.delivered_at,
            )


async def lock_parcel(session: AsyncSession, order_id: str, tracking_number: str) -> Shipment:
    """The order's parcel with this number, locked; an order's only parcel whatever its number.

    Raises:
        NoShipment: there is none.
    """
    shipment = await fulfillment.lock_shipment(session, order_id, tracking_number)
    if shipment is None:
        raise NoShipment(order_id)
    return shipment


async def _close_list(session: AsyncSession, command: RecordShipment) -> str | None:
    """Mark the picking list as shipped; its id, or none if the order has no such list."""
    lists = await fulfillment.picking_lists_of(session, command.order_id)
    named = [row for row in lists if row.id == command.picking_list_id]
    opened = [row for row in lists if row.state in OPEN_LISTS]
    for row in named or (opened if not command.picking_list_id else ()):
        row.state, row.updated_at = PickingState.SHIPPED, command.at
        await close_late_task(session, row, command.at)
        return row.id
    return None


async def _note_parcel(session: AsyncSession, command: RecordShipment) -> None:
    await orders.add_event(
        session,
        command.order_id,
        "parcel_shipped",
        command.at,
        dedupe_key=f"parcel_shipped:{command.news.tracking_number}",
        **_of_parcel(command.news),
    )


def _of_parcel(news: ShippingNews) -> dict[str, str]:
    return {"carrier": news.carrier, "tracking_number": news.tracking_number}


def is_outdated(snapshot: TrackingSnapshot, latest: datetime | None) -> bool:
    """Whether a view is older than what is known; one without checkpoints may be of any age."""
    return bool(snapshot.events and latest and snapshot.events[-1].occurred_at < latest)


def _keep_up(shipment: Shipment, snapshot: TrackingSnapshot) -> None:
    """Take over what a carrier may say anew at any time."""
    shipment.estimated_delivery = snapshot.estimated_delivery or shipment.estimated_delivery
    if snapshot.corrected and snapshot.carrier:
        shipment.carrier = snapshot.carrier


def _is_news(shipment: Shipment, snapshot: TrackingSnapshot) -> bool:
    """Whether the parcel may move that way; carriers repeat themselves and come in any order."""
    current = ShippingStatus(shipment.shipping_status)
    wanted = SHIPPING_STATUS.get(snapshot.status, current)
    return (
        snapshot.status != shipment.status
        and TrackingStatus(shipment.status) not in TERMINAL
        and (wanted == current or wanted in SHIPPING_TRANSITIONS[current])
    )


async def move_parcel(
    session: AsyncSession, order: OrderRow, shipment: Shipment, command: RecordTracking
) -> None:
    """Take a view of a parcel over that is news, and move its order with it; both are locked."""
    snapshot = command.snapshot
    shipment.status = snapshot.status
    shipment.shipping_status = SHIPPING_STATUS.get(snapshot.status, shipment.shipping_status)
    if snapshot.status is TrackingStatus.DELIVERED:
        shipment.delivered_at = snapshot.delivered_at or command.at
        shipment.signed_by = snapshot.signed_by
    parts = await parts_of(session, command.order_id)
    reached = restate_goods(order, parts, command.at)
    seen = {"status": snapshot.status, "location": _last_seen(snapshot)}
    alone = len(parts) == 1
    if not (alone and OrderStatus.DELIVERED in reached):
        key = f"parcel:{snapshot.status}:{len(snapshot.events)}"
        await orders.add_event(
            session,
            command.order_id,
            "parcel_moved",
            command.at,
            dedupe_key=key if alone else f"{key}:{shipment.tracking_number}",
            **seen,
            **({} if alone else {"tracking_number": shipment.tracking_number}),
        )
    await note_reached(session, order.id, reached, command.at, **(seen if alone else {}))


async def note_reached(
    session: AsyncSession,
    order_id: str,
    reached: Sequence[OrderStatus],
    at: datetime,
    **detail: str,
) -> None:
    """Write on the timeline that the order has been shipped, or delivered."""
    for status in reached:
        if status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}:
            await orders.add_event(session, order_id, f"order_{status}", at, **detail)


def _last_seen(snapshot: TrackingSnapshot) -> str:
    return snapshot.events[-1].location if snapshot.events else ""
