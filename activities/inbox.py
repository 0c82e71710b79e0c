"""From the inbox to the workflow: deliver a stored callback, now or again later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from db import callbacks, fulfillment, orders, payments
from db.callbacks import Callback
from db.engine import Sessions
from domain.fulfillment import ShippingNews
from domain.ids import order_workflow_id
from domain.order import Value
from domain.tracking import SHIPPING_STATUS, TrackingSnapshot

WAREHOUSE = "warehouse"
TRACKING_PREFIX = "tracking:"
PAYMENT_PREFIX = "payment:"


class RedeliverCallbacks(Value):
    """Sweep the inbox for callbacks that were not confirmed within `confirmation_time`."""

    confirmation_time: timedelta = timedelta(seconds=30)


class Redelivered(Value):
    """What a sweep found; the age is that of the oldest callback that nobody has confirmed."""

    found: int
    oldest_age: timedelta = timedelta()


class Courier:
    """Takes stored callbacks to the workflows that they are meant for.

    Workflows and signals are named as text: this side must not import workflow code.
    """

    def __init__(self, sessions: Sessions, client: Client, orders_queue: str) -> None:
        self._sessions = sessions
        self._client = client
        self._queue = orders_queue

    async def deliver(self, callback: Callback) -> bool:
        """Signal the order's workflow; false if there is nobody to take it yet."""
        order_id = callback.order_id or await self._find_order(callback)
        if not order_id:
            return False
        if callback.source.startswith(TRACKING_PREFIX) and await self._file_away(callback):
            return True
        name, message = await self._message(callback)
        handle = self._client.get_workflow_handle(order_workflow_id(order_id))
        try:
            await handle.signal(name, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return await self._deliver_late(callback, order_id, message)
        return True

    async def _file_away(self, callback: Callback) -> bool:
        """Keep checkpoints that change nothing, without waking the workflow for them."""
        snapshot = TrackingSnapshot.model_validate(callback.content)
        async with self._sessions.begin() as session:
            shipment = await fulfillment.find_shipment_by_number(session, snapshot.tracking_number)
            if shipment is None:
                return False
            if snapshot.status != shipment.status and snapshot.status in SHIPPING_STATUS:
                return False
            await fulfillment.add_tracking_events(session, shipment.id, snapshot.events)
            await callbacks.mark_applied(session, [callback.id or 0], callback.received_at)
        return True

    async def _deliver_late(self, callback: Callback, order_id: str, message: object) -> bool:
        """The order's workflow has ended: money still matters, other news is only noted."""
        if not callback.source.startswith(PAYMENT_PREFIX):
            async with self._sessions.begin() as session:
                await callbacks.mark_applied(session, [callback.id or 0], callback.received_at)
                await orders.add_event(
                    session,
                    order_id,
                    "news_after_the_end",
                    callback.received_at,
                    dedupe_key=f"callback:{callback.id}",
                    source=callback.source,
                    news=callback.kind,
                )
            return True
        await self._client.start_workflow(
            "LatePaymentWorkflow",
            args=[order_id, message],
            id=f"late-{callback.id}",
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="Money for an order that has ended",
        )
        return True

    async def _find_order(self, callback: Callback) -> str:
        """The order of an early callback, if it is known by now."""
        async with self._sessions.begin() as session:
            order_id = ""
            if callback.source.startswith(PAYMENT_PREFIX):
                payment = await find_callback_payment(session, callback.source, callback.content)
                order_id = payment.order_id if payment else ""
            elif callback.source.startswith(TRACKING_PREFIX):
                shipment = await fulfillment.find_shipment_by_number(session, callback.subject)
                order_id = shipment.order_id if shipment else ""
            else:
                order = await session.get(orders.OrderRow, callback.content.get("order_id", ""))
                order_id = order.id if order else ""
            if order_id:
                row = await session.get_one(Callback, callback.id)
                row.order_id = order_id
            return order_id

    async def _message(self, callback: Callback) -> tuple[str, object]:
        """The signal's name and content for a stored callback."""
        if callback.source.startswith(PAYMENT_PREFIX):
            async with self._sessions() as session:
                payment = await find_callback_payment(session, callback.source, callback.content)
            payment_id = payment.id if payment else callback.subject
            return "payment_news", {"paymentId": payment_id, "callbackId": callback.id}
        if callback.source == WAREHOUSE:
            news = ShippingNews.model_validate(callback.content)
            return "shipment_news", {"news": news, "callbackId": callback.id}
        snapshot = TrackingSnapshot.model_validate(callback.content)
        return "parcel_news", {"snapshot": snapshot, "callbackId": callback.id}


async def find_callback_payment(
    session: AsyncSession, source: str, content: dict[str, Any]
) -> payments.Payment | None:
    """The payment that a stored callback is about: by our id, else by the provider's."""
    return await payments.find_payment(
        session,
        gateway=source.removeprefix(PAYMENT_PREFIX),
        payment_id=content.get("payment_id", ""),
        provider_ref=content.get("provider_ref", ""),
    )


class Inbox:
    """The safety net under the endpoints: what was stored but not confirmed goes out again."""

    def __init__(self, sessions: Sessions, courier: Courier) -> None:
        self._sessions = sessions
        self._courier = courier

    @activity.defn
    async def redeliver_callbacks(self, command: RedeliverCallbacks) -> Redelivered:
        """Deliver every callback that has waited long enough for its confirmation."""
        now = datetime.now(UTC)
        async with self._sessions() as session:
            waiting = await callbacks.unapplied(session, now - command.confirmation_time)
        for callback in waiting:
            try:
                await self._courier.deliver(callback)
            except RPCError as error:
                activity.logger.warning(
                    "callback_not_delivered",
                    extra={"callback_id": callback.id, "error": str(error)},
                )
        oldest = min((callback.received_at for callback in waiting), default=now)
        return Redelivered(found=len(waiting), oldest_age=now - oldest)
