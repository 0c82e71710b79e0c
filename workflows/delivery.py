"""From the bin to the door: the warehouse picks and ships, the carrier delivers."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import policies
from workflows.background import dismiss
from workflows.context import OrderContext, OrderStopped
from workflows.messages import CancelOrder, ParcelNews, ShipmentNews

with workflow.unsafe.imports_passed_through():
    from activities.fulfillment import (
        Fulfillment,
        PickingResult,
        RecallPickingList,
        SendPickingList,
    )
    from activities.records import NoteEvent, OrderRecords
    from activities.shipments import (
        PollParcel,
        RecordShipment,
        RecordTracking,
        Shipments,
        Tracking,
        TrackingRecorded,
    )
    from domain.fulfillment import ShippingNews
    from domain.ids import PICKING_LIST, derived_id
    from domain.notification import NotificationKind
    from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus
    from domain.tracking import TrackingSnapshot, TrackingStatus


class Delivery:
    """The goods side of one order."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self._shipment_news: list[ShipmentNews] = []
        self._parcel_news: list[ParcelNews] = []
        self._picking_list_id = derived_id(PICKING_LIST, context.order_id)
        self._status = TrackingStatus.IN_TRANSIT
        # What the carrier said last, news or not: polling waits for something else.
        self._reported = TrackingStatus.IN_TRANSIT
        self._parcel: ShippingNews | None = None
        self._shipped_at = workflow.now()
        self._poll: workflow.ActivityHandle[TrackingSnapshot] | None = None
        self._polling_failed = False
        self._polls_begun = 0
        # Why the customer wants no parcel any more; empty once it is on the timeline.
        self._unwanted = ""

    @property
    def shipped(self) -> bool:
        """Whether the goods have left the house: no cancellation can bring them back."""
        return self._parcel is not None

    @property
    def arrived(self) -> bool:
        """Whether the carrier has handed the parcel over, or brought it back."""
        return self._status in {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}

    def want_back(self, reason: str) -> None:
        """The order was cancelled with its parcel on the way: it is to come back."""
        self._unwanted = reason or "cancelled by the customer"

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
        try:
            picked = await self._send_picking_list(policies.WAREHOUSE_AT_ONCE)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # Nobody must wait for the confirmation while the warehouse is away.
            context.notifier.send()
            context.display.statuses(status=OrderStatus.CONFIRMED, payment=PaymentStatus.PAID)
            picked = await self._send_picking_list(policies.WAREHOUSE)
        if picked.result.outcome == "refused":
            raise OrderStopped(f"the warehouse cannot pick the order: {picked.result.message}")
        context.display.statuses(
            status=OrderStatus.PROCESSING,
            payment=PaymentStatus.PAID,
            shipping=ShippingStatus.PICKING,
        )
        context.tell(NotificationKind.ORDER_PROCESSING)

    async def _send_picking_list(self, policy: policies.RemoteOptions) -> PickingResult:
        return await workflow.execute_activity_method(
            Fulfillment.send_picking_list,
            SendPickingList(
                order_id=self._context.order_id,
                picking_list_id=self._picking_list_id,
                at=workflow.now(),
            ),
            summary="Send the picking list to the warehouse",
            **policy,
        )

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
                self.want_back(context.cancel.reason if context.cancel else "")
                context.cancel = None
        context.undo.forget("recall picking list")
        context.display.statuses(status=OrderStatus.SHIPPED, shipping=ShippingStatus.IN_TRANSIT)
        context.tell(NotificationKind.ORDER_SHIPPED)

    async def track(self) -> None:
        """Follow the parcel to the door: webhooks first, polling as the safety net.

        Raises:
            OrderStopped: the carrier brought the parcel back.
        """
        while not self.arrived:
            news = await self._next_parcel_news()
            if news is None:
                await self._note_return()
            else:
                await self._take_parcel_news(news)
        self._stop_poll()
        if self._status is TrackingStatus.RETURNED:
            raise OrderStopped("the parcel came back to the warehouse", returned=True)

    async def _note_return(self) -> None:
        """A parcel that is refused at the door comes back, and its money with it."""
        reason, self._unwanted = self._unwanted, ""
        await workflow.execute_local_activity_method(
            OrderRecords.note_event,
            NoteEvent(
                order_id=self._context.order_id,
                kind="return_requested",
                detail={
                    "reason": reason,
                    "until": "the parcel comes back: the customer refuses it at the door",
                },
                at=workflow.now(),
            ),
            summary="The cancellation becomes a return",
            **policies.BOOKS,
        )

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
        self._shipped_at = workflow.now()

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

    async def _next_parcel_news(self) -> ParcelNews | None:
        """The next webhook, or what polling finds; after the last poll, webhooks alone.

        Nothing if the customer has just asked for the parcel to come back.
        """
        while not self._parcel_news:
            if self._unwanted:
                return None
            self._start_poll()
            self._context.display.waits(
                "the carrier's news",
                then="the carrier is asked every few hours"
                if self._poll
                else "an operator looks for the parcel",
            )
            await workflow.wait_condition(
                lambda: (
                    bool(self._parcel_news or self._unwanted)
                    or (self._poll is not None and self._poll.done())
                )
            )
            polled = await self._take_poll()
            if polled is not None:
                return ParcelNews(snapshot=polled)
        return self._parcel_news.pop(0)

    def _start_poll(self) -> None:
        """Subscribe and ask every few hours, by one activity that is retried for days."""
        assert self._parcel is not None
        timings = self._context.timings
        # Every poll that was begun has asked at once, and then once in each interval.
        asked = self._polls_begun + int((workflow.now() - self._shipped_at) / timings.tracking_poll)
        polls_left = timings.tracking_poll_limit - asked
        if self._poll is not None or polls_left <= 0 or self._polling_failed:
            return
        self._polls_begun += 1
        self._poll = workflow.start_activity_method(
            Tracking.poll_parcel,
            PollParcel(
                order_id=self._context.order_id,
                tracking_number=self._parcel.tracking_number,
                carrier=self._parcel.carrier,
                known=self._reported,
                interval=timings.tracking_poll,
            ),
            summary=f"Ask {self._parcel.carrier} every {timings.tracking_poll}",
            **policies.poll_parcel(timings.tracking_poll, polls_left),
        )

    async def _take_poll(self) -> TrackingSnapshot | None:
        if self._poll is None or not self._poll.done():
            return None
        poll, self._poll = self._poll, None
        try:
            return await poll
        except ActivityError as error:
            self._polling_failed = True
            workflow.logger.warning("polling_ended", extra={"cause": str(error.cause)})
            return None

    def _stop_poll(self) -> None:
        if self._poll is not None:
            dismiss(self._poll)
            self._poll = None

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
        self._reported = news.snapshot.status
        # Compared with what we know: the answer of a run that made the change may have been lost.
        if recorded.status is not self._status:
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
