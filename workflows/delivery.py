"""From the bin to the door: the warehouse picks and ships, the carrier delivers."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies
from workflows.context import OrderContext, OrderStopped
from workflows.messages import CancelOrder, ParcelNews, ShipmentNews

with workflow.unsafe.imports_passed_through():
    from activities.fulfillment import Fulfillment, RecallPickingList, SendPickingList
    from activities.records import NoteEvent, OrderRecords
    from activities.shipments import (
        PollParcel,
        RecordShipment,
        RecordTracking,
        RegisterParcel,
        Shipments,
        Tracking,
        TrackingRecorded,
    )
    from domain.fulfillment import ShippingNews
    from domain.ids import PICKING_LIST, derived_id
    from domain.notification import NotificationKind
    from domain.statuses import OrderStatus, ShippingStatus
    from domain.tracking import TrackingSnapshot, TrackingStatus


class Delivery:
    """The goods side of one order."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self._shipment_news: list[ShipmentNews] = []
        self._parcel_news: list[ParcelNews] = []
        self._picking_list_id = derived_id(PICKING_LIST, context.order_id)
        self._status = TrackingStatus.IN_TRANSIT
        self._parcel: ShippingNews | None = None
        self._polls = 0

    @property
    def shipped(self) -> bool:
        """Whether the goods have left the house: no cancellation can bring them back."""
        return self._parcel is not None

    def hear_warehouse(self, news: ShipmentNews) -> None:
        """The warehouse has shipped, or refused."""
        self._shipment_news.append(news)

    def hear_carrier(self, news: ParcelNews) -> None:
        """The carrier has news of the parcel."""
        self._parcel_news.append(news)

    async def pick(self) -> None:
        """Hand the order to the warehouse.

        Raises:
            OrderStopped: the warehouse refused it.
        """
        context = self._context
        context.stop_if_cancelled()
        context.undo.register("recall picking list", self._recall_for_good)
        picked = await workflow.execute_activity_method(
            Fulfillment.send_picking_list,
            SendPickingList(
                order_id=context.order_id,
                picking_list_id=self._picking_list_id,
                at=workflow.now(),
            ),
            summary="Send the picking list to the warehouse",
            **policies.WAREHOUSE,
        )
        if picked.result.outcome == "refused":
            raise OrderStopped(f"the warehouse cannot pick the order: {picked.result.message}")
        context.display.statuses(status=OrderStatus.PROCESSING, shipping=ShippingStatus.PICKING)
        context.tell(NotificationKind.ORDER_PROCESSING)

    async def ship(self) -> None:
        """Wait until the warehouse has handed the parcel over, and record it.

        Raises:
            OrderStopped: the warehouse refused, or the order was cancelled and came back.
        """
        context = self._context
        while self._parcel is None:
            context.display.waits(
                "the warehouse to ship", then="the parcel is tracked and the customer told"
            )
            try:
                await workflow.wait_condition(
                    lambda: bool(self._shipment_news) or context.cancel is not None
                )
            except asyncio.CancelledError:
                # The warehouse is asked first: goods that have left cannot be cancelled.
                context.cancel = CancelOrder(requested_by="operator")
            if self._shipment_news:
                await self._take_shipment_news(self._shipment_news.pop(0))
            elif await self._recall():
                context.undo.forget("recall picking list")
                context.stop_if_cancelled()
            else:
                context.cancel = None
        context.undo.forget("recall picking list")
        context.display.statuses(status=OrderStatus.SHIPPED, shipping=ShippingStatus.IN_TRANSIT)
        context.tell(NotificationKind.ORDER_SHIPPED)

    async def track(self) -> None:
        """Follow the parcel to the door: webhooks first, polling as the safety net.

        Raises:
            OrderStopped: the carrier brought the parcel back.
        """
        registration = asyncio.create_task(self._register())
        while self._status not in {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}:
            await self._take_parcel_news(await self._next_parcel_news())
        await registration
        if self._status is TrackingStatus.RETURNED:
            raise OrderStopped("the parcel came back to the warehouse", returned=True)

    async def note_late_cancellation(self) -> None:
        """Somebody cancelled after the goods had left: say so on the timeline, and go on."""
        await workflow.execute_local_activity_method(
            OrderRecords.note_event,
            NoteEvent(
                order_id=self._context.order_id,
                kind="cancel_refused",
                detail={"reason": "the parcel is on its way"},
                at=workflow.now(),
            ),
            summary="Cancellation came too late",
            **policies.BOOKS,
        )

    async def _take_shipment_news(self, message: ShipmentNews) -> None:
        news = message.news
        if news.event == "refused":
            raise OrderStopped(f"the warehouse cannot ship the order: {news.reason}")
        await workflow.execute_local_activity_method(
            Shipments.record_shipment,
            RecordShipment(
                order_id=self._context.order_id,
                news=news,
                callback_ids=(message.callback_id,),
                at=workflow.now(),
            ),
            summary=f"Record the shipment with {news.carrier}",
            **policies.BOOKS,
        )
        self._parcel = news

    async def _recall(self) -> bool:
        """Whether the warehouse put everything back."""
        recalled = await workflow.execute_activity_method(
            Fulfillment.recall_picking_list,
            RecallPickingList(
                order_id=self._context.order_id,
                picking_list_id=self._picking_list_id,
                at=workflow.now(),
            ),
            summary="Ask the warehouse to put everything back",
            **policies.WAREHOUSE,
        )
        return recalled.result.outcome == "cancelled"

    async def _recall_for_good(self) -> None:
        """Undo: goods that have left all the same must not be counted as back in stock."""
        if not await self._recall():
            self._context.undo.forget("release stock")

    async def _register(self) -> None:
        assert self._parcel is not None
        try:
            await workflow.execute_activity_method(
                Tracking.register_parcel,
                RegisterParcel(
                    order_id=self._context.order_id,
                    tracking_number=self._parcel.tracking_number,
                    carrier=self._parcel.carrier,
                ),
                summary="Subscribe to the carrier's news",
                **policies.REGISTER_PARCEL,
            )
        except ActivityError as error:
            # Polling finds the parcel all the same.
            workflow.logger.warning("parcel_not_registered", extra={"cause": str(error.cause)})

    async def _next_parcel_news(self) -> ParcelNews:
        """The next webhook, or what a poll finds; after the last poll, webhooks alone."""
        timings = self._context.timings
        polls_left = timings.tracking_poll_limit - self._polls
        next_poll = workflow.now() + timings.tracking_poll
        self._context.display.waits(
            "the carrier's news",
            until=next_poll if polls_left else None,
            then="the carrier is asked" if polls_left else "an operator looks for the parcel",
        )
        try:
            await workflow.wait_condition(
                lambda: bool(self._parcel_news),
                timeout=timings.tracking_poll if polls_left else None,
                timeout_summary="Ask the carrier",
            )
        except TimeoutError:
            polled = await self._poll(polls_left)
            if polled is not None:
                return ParcelNews(snapshot=polled)
            return await self._next_parcel_news()
        return self._parcel_news.pop(0)

    async def _poll(self, polls_left: int) -> TrackingSnapshot | None:
        """Ask every few hours until there is news from anywhere; no history grows meanwhile."""
        assert self._parcel is not None
        interval = self._context.timings.tracking_poll
        started = workflow.now()
        poll = workflow.start_activity_method(
            Tracking.poll_parcel,
            PollParcel(
                order_id=self._context.order_id,
                tracking_number=self._parcel.tracking_number,
                carrier=self._parcel.carrier,
                known=self._status,
                interval=interval,
            ),
            summary=f"Ask {self._parcel.carrier} every {interval}",
            **policies.poll_parcel(interval, polls_left),
        )
        try:
            await workflow.wait_condition(lambda: bool(self._parcel_news) or poll.done())
            self._polls += 1 + int((workflow.now() - started) / interval)
            if poll.done():
                return await poll
        except asyncio.CancelledError:
            poll.cancel()
            raise
        except ActivityError as error:
            self._polls = self._context.timings.tracking_poll_limit
            workflow.logger.warning("polling_ended", extra={"cause": str(error.cause)})
        else:
            poll.cancel()
        return None

    async def _take_parcel_news(self, news: ParcelNews) -> None:
        recorded = await workflow.execute_local_activity_method(
            Shipments.record_tracking,
            RecordTracking(
                order_id=self._context.order_id,
                snapshot=news.snapshot,
                callback_ids=(news.callback_id,),
                at=workflow.now(),
            ),
            summary=f"Record the parcel's status: {news.snapshot.status}",
            **policies.BOOKS,
        )
        if recorded.changed:
            self._status = recorded.status
            self._announce(recorded)

    def _announce(self, recorded: TrackingRecorded) -> None:
        context = self._context
        if recorded.status is TrackingStatus.DELIVERED:
            context.display.statuses(
                status=OrderStatus.DELIVERED, shipping=ShippingStatus.DELIVERED
            )
            context.tell(NotificationKind.ORDER_DELIVERED)
        else:
            context.display.statuses(shipping=recorded.shipping_status)
            context.tell(
                NotificationKind.DELIVERY_UPDATE,
                occasion=f"{recorded.status}:{workflow.now():%Y%m%d%H%M%S}",
                location=recorded.location,
            )
