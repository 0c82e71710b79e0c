"""From the inbox to the workflow: deliver a stored callback, now or again later."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.inbox_alarm import oldest_age, report_backlog
from activities.parcel_troubles import open_parcel_task
from activities.restocker import Restocker
from db import callbacks, fulfillment, orders, payments, supply
from db.callbacks import Callback
from db.engine import Sessions, single_statements
from domain.fulfillment import ShippingNews
from domain.ids import order_workflow_id
from domain.order import Value
from domain.parcel_exceptions import TOO_LATE
from domain.payment import CallbackTopic
from domain.restocking import RestockPlace
from domain.supply import SupplyMessage, SupplyNews
from domain.tracking import SHIPPING_STATUS, TrackingSnapshot

WAREHOUSE = "warehouse"
SUPPLIER = "supplier"
TRACKING_PREFIX = "tracking:"
PAYMENT_PREFIX = "payment:"


# A sweep ends before its local activity's time is over, however slow its deliveries are.
_SWEEP_TIME = timedelta(seconds=5)
_DELIVERY_PATIENCE = timedelta(seconds=2)

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=15)

# Not the SDK's logger, which writes the activity's details into the event's name.
log = logging.getLogger("orderflow.inbox")


class RedeliverCallbacks(Value):
    """Sweep the inbox for callbacks that were not confirmed within `confirmation_time`."""

    confirmation_time: timedelta = timedelta(seconds=30)


class Redelivered(Value):
    """What a sweep tried, and what waits after it; the age is that of the oldest that waits."""

    found: int
    oldest_age: timedelta = timedelta()
    unapplied: int = 0


class Reception(StrEnum):
    """How a callback was taken."""

    WOKEN = "woken"
    LATE_MONEY = "late_money"
    NOTED = "noted"
    FILED = "filed"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Delivery:
    """What came of taking a callback to its order; the order is empty if nobody knows it."""

    reception: Reception
    order_id: str = ""

    @property
    def arrived(self) -> bool:
        """Whether there was somebody to take it."""
        return self.reception is not Reception.NOBODY


class Courier:
    """Takes stored callbacks to the workflows that they are meant for.

    Workflows and signals are named as text: this side must not import workflow code.
    """

    def __init__(self, sessions: Sessions, client: Client, orders_queue: str) -> None:
        self._sessions = sessions
        self._client = client
        self._queue = orders_queue
        self._restocker = Restocker(client, orders_queue)

    async def deliver(self, callback: Callback) -> Delivery:
        """Signal the order's workflow, if there is one to take it; safe to repeat at any time.

        News of a payment only makes it ask the provider. The other news is believed: what was
        applied is not told again, because an old checkpoint would turn the parcel back.
        """
        if callback.applied_at is not None and not callback.source.startswith(PAYMENT_PREFIX):
            return Delivery(Reception.FILED, callback.order_id)
        if callback.content.get("topic") == CallbackTopic.OTHER:
            await self._confirm(callback)
            return Delivery(Reception.FILED, callback.order_id)
        if callback.source == SUPPLIER:
            return await self._deliver_supply(callback)
        order_id = callback.order_id or await self._find_order(callback)
        if not order_id:
            return Delivery(Reception.NOBODY)
        if callback.source.startswith(TRACKING_PREFIX) and await self._file_away(callback):
            return Delivery(Reception.FILED, order_id)
        name, message = await self._message(callback)
        handle = self._client.get_workflow_handle(order_workflow_id(order_id))
        try:
            await handle.signal(name, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return Delivery(await self._deliver_late(callback, order_id, message), order_id)
        return Delivery(Reception.WOKEN, order_id)

    async def _deliver_supply(self, callback: Callback) -> Delivery:
        """Goods are for a shelf and not for an order; their workflow is started if need be."""
        news = SupplyNews.model_validate(callback.content)
        async with single_statements(self._sessions) as session:
            ordered = await supply.supply_order(session, news.supply_id)
        if ordered is None:
            return Delivery(Reception.NOBODY)
        place = RestockPlace(warehouse_id=ordered.warehouse_id, sku=ordered.sku)
        message = SupplyMessage(news=news, callback_id=callback.id or 0)
        await self._restocker.tell(place, message)
        return Delivery(Reception.WOKEN)

    async def _file_away(self, callback: Callback) -> bool:
        """Keep checkpoints that change nothing, without waking the workflow for them.

        What a carrier says of a parcel that we do not follow any more is on the timeline, and for
        people to look at if it has turned up somewhere.
        """
        snapshot = TrackingSnapshot.model_validate(callback.content)
        async with self._sessions.begin() as session:
            shipment = await fulfillment.find_shipment_by_number(session, snapshot.tracking_number)
            if shipment is None:
                return False
            news = snapshot.status != shipment.status and snapshot.status in SHIPPING_STATUS
            if news and not shipment.settled:
                return False
            await fulfillment.add_tracking_events(session, shipment.id, snapshot.events)
            await callbacks.mark_applied(session, [callback.id or 0], datetime.now(UTC))
            if news:
                await _note_late(session, shipment.order_id, callback)
            if news and snapshot.status in TOO_LATE:
                trouble = TOO_LATE[snapshot.status]
                await open_parcel_task(session, shipment, trouble, "", callback.received_at)
        return True

    async def _deliver_late(self, callback: Callback, order_id: str, message: object) -> Reception:
        """The order's workflow has ended: money still matters, other news is only noted."""
        if callback.source.startswith(PAYMENT_PREFIX):
            await self._client.start_workflow(
                "LatePaymentWorkflow",
                args=[order_id, message],
                id=late_workflow_id(callback),
                task_queue=self._queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary="Money for an order that has ended",
            )
            return Reception.LATE_MONEY
        async with self._sessions.begin() as session:
            await callbacks.mark_applied(session, [callback.id or 0], datetime.now(UTC))
            await _note_late(session, order_id, callback)
        return Reception.NOTED

    async def _confirm(self, callback: Callback) -> None:
        async with single_statements(self._sessions) as session:
            await callbacks.mark_applied(session, [callback.id or 0], datetime.now(UTC))

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


async def _note_late(session: AsyncSession, order_id: str, callback: Callback) -> None:
    """Nobody acts upon it any more: people can read it."""
    await orders.add_event(
        session,
        order_id,
        "news_after_the_end",
        callback.received_at,
        dedupe_key=f"callback:{callback.id}",
        source=callback.source,
        news=callback.kind,
    )


async def find_callback_payment(
    session: AsyncSession, source: str, content: dict[str, Any]
) -> payments.Payment | None:
    """The payment that a stored callback is about: by our id, else by the provider's."""
    return await payments.find_payment(
        session,
        gateway=source.removeprefix(PAYMENT_PREFIX),
        payment_id=content.get("payment_id", ""),
        provider_ref=content.get("provider_ref", ""),
        capture_ref=content.get("capture_ref", ""),
    )


class Inbox:
    """The safety net under the endpoints: what was stored but not confirmed goes out again."""

    def __init__(self, sessions: Sessions, courier: Courier) -> None:
        self._sessions = sessions
        self._courier = courier

    @activity.defn
    async def redeliver_callbacks(self, command: RedeliverCallbacks) -> Redelivered:
        """Deliver the callbacks whose turn has come, and tell how many wait after that."""
        now = datetime.now(UTC)
        async with single_statements(self._sessions) as session:
            waiting = await callbacks.due(
                session, now, received_before=now - command.confirmation_time
            )
        found = 0
        for callback in waiting:
            if datetime.now(UTC) - now > _SWEEP_TIME:
                break
            await self._try(callback)
            found += 1
        async with single_statements(self._sessions) as session:
            left = await callbacks.backlog(session)
        now = datetime.now(UTC)
        report_backlog(left, now)
        return Redelivered(found=found, oldest_age=oldest_age(left, now), unapplied=left.count)

    async def _try(self, callback: Callback) -> None:
        """Deliver one, without a chance for it to keep the others from being delivered.

        The try is noted beforehand: one that brings the worker down is not first again.
        """
        async with single_statements(self._sessions) as session:
            next_at = datetime.now(UTC) + pause_after(callback.delivery_attempts)
            await callbacks.note_attempt(session, callback.id or 0, next_at)
        try:
            async with asyncio.timeout(_DELIVERY_PATIENCE.total_seconds()):
                await self._courier.deliver(callback)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one is not the others' fault
            log.warning(
                "callback_not_delivered",
                extra={
                    "callback_id": callback.id,
                    "source": callback.source,
                    "attempts": callback.delivery_attempts + 1,
                    # Not its message: a validation error quotes what it has read.
                    "cause": type(error).__name__,
                },
            )


def pause_after(attempts: int) -> timedelta:
    """How long a callback rests that was tried `attempts` times before: 1, 2, 4, 8, 15 minutes."""
    return min(_FIRST_PAUSE * (1 << min(attempts, 10)), _LONGEST_PAUSE)


def late_workflow_id(callback: Callback) -> str:
    """The workflow that looks at the money of an order that has ended."""
    return f"late-{callback.id}"
