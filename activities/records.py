"""The last words about an order, and notes on its timeline."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from db import callbacks, fulfillment, orders, restock
from db.engine import Sessions
from db.operator_tasks import open_task
from db.orders import OrderRow
from domain.order import Value
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus


class CloseOrder(Value):
    """The order is off; its money and stock have been seen to."""

    order_id: str
    reason: str
    at: datetime


class OrderClosed(Value):
    """Where the order and its money and goods stand at the end."""

    status: OrderStatus
    payment_status: PaymentStatus
    shipping_status: ShippingStatus


class CompleteOrder(Value):
    """Everything that was to be done for the order is done."""

    order_id: str
    at: datetime


class NoteEvent(Value):
    """A row for the timeline; the same `dedupe_key` writes it once.

    `task` is what an operator has to do about it, at once.
    """

    order_id: str
    kind: str
    task: str = ""
    dedupe_key: str = ""
    detail: dict[str, str] = Field(default_factory=dict)
    callback_ids: tuple[int, ...] = ()
    at: datetime


class OrderRecords:
    """Writes what the workflow decided; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def close_order(self, command: CloseOrder) -> OrderClosed:
        """Cancel the order, unless it has left the house and was refunded instead."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            if order.status not in {OrderStatus.REFUNDED, OrderStatus.CANCELLED}:
                await call_off(session, order, command.reason, command.at)
            return OrderClosed(
                status=OrderStatus(order.status),
                payment_status=PaymentStatus(order.payment_status),
                shipping_status=ShippingStatus(order.shipping_status),
            )

    @activity.defn
    async def complete_order(self, command: CompleteOrder) -> OrderStatus:
        """The order's end after delivery; a refunded order stays refunded."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            if order.status == OrderStatus.DELIVERED:
                orders.move(order, command.at, status=OrderStatus.COMPLETED)
                await orders.add_event(session, command.order_id, "order_completed", command.at)
            return OrderStatus(order.status)

    @activity.defn
    async def note_event(self, command: NoteEvent) -> None:
        """Write one row of the timeline."""
        async with self._sessions.begin() as session:
            await orders.add_event(
                session,
                command.order_id,
                command.kind,
                command.at,
                dedupe_key=command.dedupe_key,
                **command.detail,
            )
            if command.task:
                await open_task(
                    session,
                    kind=command.kind,
                    order_id=command.order_id,
                    task=command.task,
                    dedupe_key=command.dedupe_key or command.kind,
                    at=command.at,
                    urgent=True,
                )
            await callbacks.mark_applied(session, command.callback_ids, command.at)


async def call_off(session: AsyncSession, order: OrderRow, reason: str, at: datetime) -> None:
    """Cancel a locked order in the books; its money and stock are seen to elsewhere.

    One of which a parcel has left cannot be cancelled any more: it is refunded.
    """
    unpaid = order.payment_status == PaymentStatus.PENDING
    left = order.status in _SENT and await fulfillment.shipments_of(session, order.id)
    orders.move(
        order,
        at,
        status=OrderStatus.REFUNDED if left else OrderStatus.CANCELLED,
        payment=PaymentStatus.FAILED if unpaid else None,
    )
    await restock.close_requests(session, order.id, restock.RestockState.CANCELLED, at)
    kind = "order_ended" if left else "order_cancelled"
    await orders.add_event(session, order.id, kind, at, reason=reason)


_SENT = {OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED}
