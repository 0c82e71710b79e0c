"""From the bins to the door, in one parcel or several: warehouses pick, carriers deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from temporalio import workflow

from workflows import policies
from workflows.background import uninterrupted
from workflows.context import OrderContext, OrderStopped
from workflows.lost_parts import LostParts
from workflows.messages import CancelOrder, ParcelDecided, ParcelNews, ShipmentNews
from workflows.notes import note
from workflows.parcels import Parcel, Wish
from workflows.picking import List, ListState, PickingLists
from workflows.warehouse_news import Clarity, WarehouseNews

with workflow.unsafe.imports_passed_through():
    from activities.shipments import RecordShipment, Shipments
    from domain.missing_goods import MissingGoods
    from domain.notification import NotificationKind
    from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus


class Delivery:
    """The goods side of one order."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self._lists = PickingLists(context)
        self._parcels: list[Parcel] = []
        self._ways: list[asyncio.Task[None]] = []
        self._parts = LostParts(context)
        self._news = WarehouseNews(self._lists.judge)
        # What a carrier tells before the warehouse does.
        self._early_news: list[ParcelNews] = []
        self._unwanted = Wish()

    @property
    def shipped(self) -> bool:
        """Whether goods have left the house: no cancellation can bring those back."""
        return bool(self._parcels)

    @property
    def arrived(self) -> bool:
        """Whether every parcel has been handed over, or brought back, and no other will follow."""
        return self._nothing_else_comes(parcel.arrived for parcel in self._parcels)

    @property
    def delivered_at(self) -> datetime | None:
        """When the carrier handed the last parcel over (UTC), as far as it has told."""
        times = [parcel.delivered_at for parcel in self._parcels if parcel.delivered_at]
        return max(times, default=None)

    @property
    def wanted_back(self) -> str:
        """Why the customer cancelled with a parcel on the way; empty if nobody did."""
        return self._unwanted.noted

    @property
    def gone_from(self) -> tuple[str, ...]:
        """The warehouses whose part of the order has left, or may have."""
        return tuple(one.warehouse_id for one in self._lists.out if one.warehouse_id)

    @property
    def missing(self) -> tuple[MissingGoods, ...]:
        """What warehouses refused for want of it: it is on no shelf."""
        return self._parts.missing

    def want_back(self, command: CancelOrder) -> None:
        """The order was cancelled with a parcel on the way: it is to come back.

        What has not left yet is called off.
        """
        self._unwanted.reason = command.reason or "cancelled by the customer"
        if self._lists.open:
            self._context.cancel = command

    def hear_warehouse(self, news: ShipmentNews) -> None:
        """A warehouse has shipped, or refused."""
        self._news.hear(news)

    def hear_carrier(self, news: ParcelNews) -> None:
        """The carrier has news of a parcel."""
        known = [parcel for parcel in self._parcels if self._is_about(news, parcel)]
        (known[0].news if known else self._early_news).append(news)

    def hear_operator(self, decided: ParcelDecided) -> None:
        """An operator has decided about a parcel; one that is not on its way is left alone."""
        for parcel in self._parcels:
            if parcel.tracking_number == decided.tracking_number:
                parcel.decide(decided.decision)

    async def pick(self) -> None:
        """Hand the order to the warehouses.

        Raises:
            OrderStopped: a warehouse refused, and nothing has left another one.
        """
        context = self._context
        context.stop_if_cancelled()
        context.undo.register("recall picking list", self._recall_for_good)
        while (one := self._lists.next_unsent) is not None:
            answer = await self._lists.send(one)
            if answer.result.outcome == "refused":
                self._parts.note_missing(one, answer.result.missing)
                reason = f"the warehouse cannot pick the order: {answer.result.message}"
                await self._go_on_without(one, reason)
        context.display.statuses(
            status=OrderStatus.PROCESSING,
            payment=PaymentStatus.PAID,
            shipping=ShippingStatus.PICKING,
        )
        context.tell(NotificationKind.ORDER_PROCESSING)

    async def ship(self) -> None:
        """Wait until every warehouse has handed its parcel over, and record each.

        Raises:
            OrderStopped: nothing will leave: it was refused, or cancelled and came back.
        """
        context = self._context
        while self._lists.open:
            context.display.waits(
                self._lists.awaited, then="the parcel is tracked and the customer told"
            )
            try:
                await workflow.wait_condition(
                    lambda: self._news.ready or context.cancel is not None
                )
            except asyncio.CancelledError:
                # The warehouse is asked first: goods that have left cannot be cancelled.
                context.cancel = CancelOrder(requested_by="operator")
            if self._news.ready:
                await self._take_shipment_news(self._news.take())
            else:
                await self._call_off()
        context.undo.forget("recall picking list")
        context.display.statuses(status=OrderStatus.SHIPPED, shipping=ShippingStatus.IN_TRANSIT)
        if not self._lists.several:
            context.tell(NotificationKind.ORDER_SHIPPED)

    async def track(self) -> None:
        """Follow every parcel to its end.

        Raises:
            OrderStopped: the carrier brought everything back, or lost it.
        """
        if self._ways:
            self._context.display.waits(
                "the carrier's news", then="the carrier is asked every few hours"
            )
            await workflow.wait(self._ways, return_when=asyncio.FIRST_EXCEPTION)
            for way in self._ways:
                await way
        else:
            await self._parcels[0].follow()
            await self._pay_back_lacking(self._parcels[0])
        if self._nothing_else_comes(parcel.came_to_nothing for parcel in self._parcels):
            given_up = next((one.given_up for one in self._parcels if one.given_up), "")
            raise OrderStopped(given_up or "the parcel came back to the warehouse", returned=True)
        self._context.display.statuses(
            status=OrderStatus.DELIVERED, shipping=ShippingStatus.DELIVERED
        )

    async def settle(self) -> None:
        """Let refunds of single parts come to their end, and leave the carriers alone."""
        if self._ways:
            for parcel in self._parcels:
                parcel.leave()
        await self._parts.drain()

    async def note_late_cancellation(self) -> None:
        """Somebody cancelled after the goods had left: say so on the timeline, and go on."""
        await note(
            self._context.order_id,
            "cancel_refused",
            "Cancellation came too late",
            reason="the parcel is on its way",
        )
        if self._context.sends_again:
            for parcel in self._parcels:
                await parcel.call_back()

    async def _take_shipment_news(self, message: ShipmentNews) -> None:
        news = message.news
        told_before = self._lists.shipped_as(news)
        if told_before is not None:
            await self._record_shipment(told_before, message)
            return
        one = self._lists.meant(news)
        if one is None:
            await self._show_to_people(message)
        elif news.event == "refused":
            one.state = ListState.REFUSED
            self._parts.note_missing(one, news.missing)
            reason = f"the warehouse cannot ship the order: {news.reason}"
            await self._go_on_without(one, reason, message.callback_id)
        else:
            await self._record_shipment(one, message)
            one.state, one.tracking_number = ListState.SHIPPED, news.tracking_number
            self._send_off(
                Parcel(
                    self._context,
                    news,
                    unwanted=self._unwanted,
                    warehouse_id=one.warehouse_id,
                    alone=not self._lists.several,
                )
            )
            if news.missing:
                await uninterrupted(self._parts.drop_units(one, news.missing))

    async def _record_shipment(self, one: List, message: ShipmentNews) -> None:
        news = message.news
        await workflow.execute_local_activity_method(
            Shipments.record_shipment,
            RecordShipment(
                order_id=self._context.order_id,
                news=news,
                picking_list_id=one.list_id,
                callback_ids=(message.callback_id,),
                at=workflow.now(),
            ),
            summary=f"Record the shipment with {news.carrier}",
            **policies.BOOKS,
        )

    async def _show_to_people(self, message: ShipmentNews) -> None:
        """News that nothing can be done with; an ambiguous one waits for more to be known."""
        news = message.news
        ambiguous = self._lists.judge(news) is Clarity.AMBIGUOUS
        if ambiguous:
            self._news.keep(message)
        why = (
            "several picking lists are open, and it names none"
            if ambiguous
            else f"no picking list waits for it ({news.picking_list_id or news.warehouse_id})"
        )
        await note(
            self._context.order_id,
            "shipping_news_unclear",
            "News of a picking list that is not known",
            dedupe_key=f"shipping_news_unclear:{message.callback_id}",
            callback_id=0 if ambiguous else message.callback_id,
            reason=f"{news.event} {news.tracking_number or news.reason}: {why}",
        )

    def _send_off(self, parcel: Parcel) -> None:
        self._parcels.append(parcel)
        parcel.news = [news for news in self._early_news if self._is_about(news, parcel)]
        self._early_news = [news for news in self._early_news if news not in parcel.news]
        if self._lists.several:
            self._context.tell(
                NotificationKind.ORDER_SHIPPED,
                occasion=parcel.tracking_number,
                tracking_number=parcel.tracking_number,
            )
            self._ways.append(asyncio.create_task(self._follow(parcel)))

    async def _follow(self, parcel: Parcel) -> None:
        """Follow one of several parcels; the money for one that comes back goes back alone."""
        await parcel.follow()
        everything = self._nothing_else_comes(each.came_to_nothing for each in self._parcels)
        if parcel.came_to_nothing and not everything:
            reason = parcel.given_up or "the parcel came back"
            await self._parts.pay_back((parcel.warehouse_id,), reason)
        await self._pay_back_lacking(parcel)

    async def _pay_back_lacking(self, parcel: Parcel) -> None:
        """What was sent again came in part only: the rest does not come any more."""
        if parcel.lacking:
            subject = (parcel.tracking_number, "lacking")
            reason = "not in the parcel that was sent again"
            lines, parcel.lacking = parcel.lacking, {}
            await uninterrupted(self._parts.pay_back_units(subject, lines, reason))

    async def _call_off(self) -> None:
        """The order was cancelled: take back what has not left; the rest is to come back.

        Raises:
            OrderStopped: nothing has left.
        """
        context = self._context
        back = await self._lists.recall(self._lists.open)
        if not self._lists.out:
            context.undo.forget("recall picking list")
            context.stop_if_cancelled()
        reason = (context.cancel.reason if context.cancel else "") or "cancelled by the customer"
        context.cancel = None
        if self._lists.open or not self.arrived:
            self._unwanted.reason = reason
        if back:
            await uninterrupted(self._parts.drop(back, reason))

    async def _go_on_without(self, one: List, reason: str, callback_id: int = 0) -> None:
        """A warehouse refused its part: the order goes on if goods have left another one.

        Raises:
            OrderStopped: nothing has left.
        """
        back = [] if self.shipped else await self._lists.recall(self._lists.open)
        if not self._lists.out:
            raise OrderStopped(reason)
        callback_ids = (callback_id,) if callback_id else ()
        await uninterrupted(self._parts.drop([one, *back], reason, callback_ids))

    async def _recall_for_good(self) -> None:
        """Undo: goods that have left all the same must not be counted as back in stock."""
        await self._lists.recall_all()
        if self._lists.out and not self._lists.several:
            self._context.undo.forget("release stock")

    def _is_about(self, news: ParcelNews, parcel: Parcel) -> bool:
        return not self._lists.several or news.snapshot.tracking_number == parcel.tracking_number

    def _nothing_else_comes(self, parcels: Iterable[bool]) -> bool:
        """Whether there are parcels, all of them so, and no warehouse has anything left to send."""
        so = list(parcels)
        return bool(so) and all(so) and not self._lists.open
