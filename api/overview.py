"""What is known about an order, and what waits: reads only, each in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db import (
    after_sales,
    callbacks,
    fulfillment,
    notifications,
    operator_tasks,
    orders,
    parts,
    payments,
)
from db.fulfillment import OPEN_LISTS, PickingListRow, Shipment, TrackingEventRow
from db.notifications import Notification
from db.operator_tasks import OperatorTask
from db.orders import OrderEvent, OrderItem, OrderRow
from db.parts import Content
from db.payments import Payment
from db.refunds import Refund
from domain.money import Money
from domain.order import Order
from domain.parts import Part
from domain.returns import ReturnCase
from domain.statuses import OrderStatus


@dataclass(frozen=True)
class Overview:
    """Everything that is known about one order; `kept` is what it holds of the customer's money.

    `parcel_events` are by the parcel's id, `resent` the numbers of orders that send a lost parcel's
    goods again, by those orders' ids.
    """

    order: Order
    kept: Money
    updated_at: datetime
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    returns: Sequence[ReturnCase]
    parts: Sequence[Part]
    contents: Sequence[Content]
    shipments: Sequence[Shipment]
    parcel_events: Mapping[str, Sequence[TrackingEventRow]]
    resent: Mapping[str, str]
    notifications: Sequence[Notification]
    tasks: Sequence[OperatorTask]
    events: Sequence[OrderEvent]


@dataclass(frozen=True)
class Brief:
    """As much of an order as a command needs."""

    status: OrderStatus
    total: Money


@dataclass(frozen=True)
class Backlog:
    """What waits to be dealt with."""

    orders: Mapping[str, int]
    unapplied: Mapping[str, int]
    oldest_age: timedelta


async def find_overview(session: AsyncSession, order_id: str) -> Overview | None:
    """The order with all that belongs to it, or nothing."""
    row = await session.get(OrderRow, order_id)
    if row is None:
        return None
    shipments = await fulfillment.shipments_of(session, order_id)
    refunds = await session.scalars(
        select(Refund).where(col(Refund.order_id) == order_id).order_by(col(Refund.created_at))
    )
    events = await session.scalars(
        select(OrderEvent)
        .where(col(OrderEvent.order_id) == order_id)
        .order_by(col(OrderEvent.at), col(OrderEvent.id))
    )
    return Overview(
        order=await orders.to_order(session, row),
        kept=Money(minor=row.kept_minor, currency=row.currency),
        updated_at=row.updated_at,
        payments=await payments.payments_of(session, order_id),
        refunds=refunds.all(),
        returns=await after_sales.returns_of(session, order_id),
        parts=await parts.parts_of(session, order_id),
        contents=await parts.contents_of(session, order_id),
        shipments=shipments,
        parcel_events={
            parcel.id: await fulfillment.tracking_events(session, parcel.id) for parcel in shipments
        },
        resent=await _resent(session, shipments),
        notifications=await notifications.notifications_of(session, order_id),
        tasks=await operator_tasks.tasks_of(session, order_id),
        events=events.all(),
    )


async def _resent(session: AsyncSession, parcels: Sequence[Shipment]) -> Mapping[str, str]:
    again = [parcel.resent_as for parcel in parcels if parcel.resent_as]
    return await orders.order_numbers(session, again) if again else {}


async def find_fingerprint(session: AsyncSession, order_id: str) -> str | None:
    """The hash of the request that placed the order, or nothing if there is no such order."""
    return await session.scalar(
        select(col(OrderRow.fingerprint)).where(col(OrderRow.id) == order_id)
    )


async def find_brief(session: AsyncSession, order_id: str) -> Brief | None:
    """The order's status and price, or nothing if there is no such order."""
    row = await session.get(OrderRow, order_id)
    if row is None:
        return None
    return Brief(
        status=OrderStatus(row.status), total=Money(minor=row.total_minor, currency=row.currency)
    )


async def find_skus(session: AsyncSession, order_id: str) -> dict[int, str]:
    """The SKU of each of the order's lines, by line number."""
    lines = await session.execute(
        select(col(OrderItem.line_no), col(OrderItem.sku))
        .where(col(OrderItem.order_id) == order_id)
        .order_by(col(OrderItem.line_no))
    )
    return {row.line_no: row.sku for row in lines}


async def find_open_lists(
    session: AsyncSession, order_id: str, tracking_number: str
) -> Sequence[str]:
    """The picking lists that wait to be shipped; none if this parcel is known already."""
    known = select(Shipment).where(
        col(Shipment.order_id) == order_id, col(Shipment.tracking_number) == tracking_number
    )
    opened = await session.scalars(
        select(col(PickingListRow.id))
        .where(
            col(PickingListRow.order_id) == order_id,
            col(PickingListRow.state).in_(OPEN_LISTS),
            ~known.exists(),
        )
        .order_by(col(PickingListRow.id))
    )
    return opened.all()


async def find_refund(session: AsyncSession, order_id: str, refund_id: str) -> Refund | None:
    """One refund of the order, or nothing."""
    refund = await session.get(Refund, refund_id)
    return refund if refund is not None and refund.order_id == order_id else None


async def count_backlog(session: AsyncSession, now: datetime) -> Backlog:
    """Orders by status, and callbacks by source that no workflow has confirmed."""
    by_status = await session.execute(
        select(col(OrderRow.status), func.count()).group_by(col(OrderRow.status))
    )
    waiting = await callbacks.backlog(session)
    return Backlog(
        orders={row[0]: row[1] for row in by_status},
        unapplied=waiting.by_source,
        oldest_age=max(now - (waiting.oldest or now), timedelta()),
    )
