"""One parcel on its way: the carrier's news first, polling as the safety net."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from temporalio import workflow

from workflows.context import OrderContext
from workflows.messages import ParcelNews
from workflows.notes import note
from workflows.parcel_books import ParcelBooks
from workflows.parcel_polls import ParcelPolls
from workflows.resending import Resending

with workflow.unsafe.imports_passed_through():
    from activities.lost_parcels import ParcelMadeGood
    from activities.shipments import TrackingRecorded
    from domain.fulfillment import ShippingNews
    from domain.notification import NotificationKind
    from domain.parcel_exceptions import RESPONSES, Decision, ParcelTrouble, Remedy
    from domain.statuses import OrderStatus, ShippingStatus
    from domain.tracking import TrackingStatus


@dataclass
class Wish:
    """Why the customer wants no parcel any more; `noted` once it is on the timeline."""

    reason: str = ""
    noted: str = ""


_MADE_GOOD = {
    Decision.REFUND: "the lost parcel's money goes back",
    Decision.RESHIP: "the lost parcel's goods are sent again",
    Decision.WAIT: "an operator decides about the lost parcel",
}


class Parcel:
    """One parcel, from the warehouse's door to its end; `alone` if the order has no other."""

    def __init__(
        self,
        context: OrderContext,
        shipped: ShippingNews,
        *,
        unwanted: Wish,
        warehouse_id: str,
        alone: bool,
    ) -> None:
        self._context = context
        self._unwanted = unwanted
        self._alone = alone
        self.tracking_number = shipped.tracking_number
        self.warehouse_id = warehouse_id
        self.news: list[ParcelNews] = []
        self._status = TrackingStatus.IN_TRANSIT
        self._polls = ParcelPolls(context, shipped)
        self._books = ParcelBooks(context.order_id, shipped.tracking_number)
        self._decision: Decision | None = None
        self._patience_ends: datetime | None = None
        self._left_to_people = False
        self._resending: Resending | None = None
        self.delivered_at: datetime | None = None
        # Why it does not reach the customer any more; empty as long as it may.
        self.given_up = ""
        self._made_good = False
        # Units, by line number, that did not come though the rest of it has been made good.
        self.lacking: dict[int, int] = {}

    @property
    def arrived(self) -> bool:
        """Whether it is at its end: handed over, brought back, or given up."""
        there = self._made_good or self._status is TrackingStatus.DELIVERED
        return self.came_to_nothing or there

    @property
    def came_to_nothing(self) -> bool:
        """Whether the carrier has brought the parcel back, or it was given up."""
        back = self._status is TrackingStatus.RETURNED
        return bool(self.given_up) or (back and not self._comes_otherwise)

    @property
    def _comes_otherwise(self) -> bool:
        """Whether its goods have come to the door in another parcel, or still may."""
        return self._made_good or self._resending is not None

    def decide(self, decision: Decision) -> None:
        """An operator says what becomes of it."""
        self._decision = decision

    async def call_back(self) -> None:
        """Its goods are not wanted any more: somebody has to get them back.

        If it was lost, and what is sent instead has not left, that stays.
        """
        if self._resending is not None and workflow.patched("what is not wanted stays"):
            self._resending.call_off()
        if not self.came_to_nothing:
            await self._books.call_for_people(ParcelTrouble.NOT_WANTED)

    async def follow(self) -> None:
        """Go with the parcel until it has arrived; after an interruption, go on."""
        while not self.arrived:
            news = await self._next_news()
            if news is not None:
                await self._take(news)
            elif self._unwanted.reason:
                await self._note_return()
            elif self._resending is not None and self._resending.over:
                await self._take_what_was_resent(self._resending)
            elif self._resending is not None and self._paid_back:
                self._resending.call_off()
            else:
                await self._act_without_news()
        self.leave()
        if self._resending is not None:
            self._resending.call_off()

    def leave(self) -> None:
        """Ask the carrier no more."""
        self._polls.stop()

    async def _next_news(self) -> ParcelNews | None:
        """The next webhook, or what polling finds; after the last poll, webhooks alone.

        Nothing if something else is to be done: the customer has just asked for the parcel to come
        back, an operator has decided, a lost parcel was not found in time, or what was sent instead
        has come to its end.
        """
        while not self.news:
            if self._unwanted.reason or self._decision is not None or self._resent:
                return None
            if self._paid_back:
                return None
            self._polls.begin()
            if not self._polls.running and self._resending is None:
                await self._leave_to_people()
            if self._alone:
                self._show()
            if not await self._wait():
                return None
            polled = await self._polls.take()
            if polled is not None:
                return ParcelNews(snapshot=polled)
        return self.news.pop(0)

    @property
    def _resent(self) -> bool:
        """Whether the order that sends its goods again has come to its end."""
        return self._resending is not None and self._resending.over

    @property
    def _paid_back(self) -> bool:
        """Whether all money has gone back, and what is sent again has not been called off yet."""
        again = self._resending
        return again is not None and again.wanted and self._context.cancel is not None

    def _show(self) -> None:
        what, then = "the carrier's news", "an operator looks for the parcel"
        if self._resending is not None:
            what, then = "the order that sends the goods again", "this order ends with it"
        elif self._patience_ends is not None:
            then = _MADE_GOOD[self._context.lost_parcels]
        elif self._polls.running:
            then = "the carrier is asked every few hours"
        self._context.display.waits(what, until=self._patience_ends, then=then)

    async def _wait(self) -> bool:
        """Wait for anything; false if a lost parcel was not found in time."""
        left = self._patience_ends - workflow.now() if self._patience_ends else None
        try:
            await workflow.wait_condition(
                lambda: (
                    bool(self.news or self._unwanted.reason or self._decision)
                    or self._polls.answered
                    or self._resent
                    or self._paid_back
                ),
                timeout=left,
                timeout_summary="The lost parcel is made good" if left else None,
            )
        except TimeoutError:
            return False
        return True

    async def _note_return(self) -> None:
        """A parcel that is refused at the door comes back, and its money with it."""
        reason, self._unwanted.reason = self._unwanted.reason, ""
        self._unwanted.noted = reason
        await note(
            self._context.order_id,
            "return_requested",
            "The cancellation becomes a return",
            reason=reason,
            until="the parcel comes back: the customer refuses it at the door",
        )
        if self._resending is not None:
            self._resending.call_off()
        if self._context.sends_again:
            await self.call_back()

    async def _act_without_news(self) -> None:
        """An operator has decided, or patience with a lost parcel is over: wait on, or act."""
        decided, self._decision, self._patience_ends = self._decision, None, None
        if self._resending is not None:
            if decided is Decision.REFUND:
                self._resending.call_off()
            return
        if decided is Decision.ARRIVED:
            await self._take_word()
            return
        decision = decided or self._by_rule()
        if decision is Decision.WAIT:
            return
        if decision is Decision.RESHIP:
            self._resending = Resending(self._context, self.tracking_number)
        else:
            await self._give_up()

    def _by_rule(self) -> Decision:
        """What the shop does with a lost parcel; nothing is sent to somebody who has cancelled."""
        return Decision.REFUND if self._unwanted.noted else self._context.lost_parcels

    async def _take_what_was_resent(self, resending: Resending) -> None:
        """It has come to the door, or could not be sent either: then the money goes back."""
        arrived = await resending.arrived()
        self._resending = None
        if not arrived:
            await self._give_up(unless_resent=True)
            return
        self._be_made_good(await self._books.make_good())

    async def _take_word(self) -> None:
        """An operator says that what was sent again has come; its own order is not there to."""
        good = await self._books.make_good(on_word=True)
        if good.refused:
            workflow.logger.warning("arrival_refused", extra={"cause": good.refused})
            await self._call_about_second()
        else:
            self._be_made_good(good)

    def _be_made_good(self, good: ParcelMadeGood) -> None:
        self._made_good, self.delivered_at = True, good.delivered_at
        self.lacking = good.lacking

    async def _call_about_second(self) -> None:
        """Nobody can tell here what has become of what was sent again."""
        await self._books.call_for_people(
            ParcelTrouble.NOT_RESENT, f"{workflow.now():%Y%m%d%H%M%S}"
        )

    async def _give_up(self, *, unless_resent: bool = False) -> None:
        """Go on without it; its money goes back."""
        lost = self._status is TrackingStatus.LOST
        reason = "the carrier lost the parcel" if lost else "the parcel is given up"
        answer = await self._books.give_up(reason, unless_resent=unless_resent)
        if answer.may_come:
            await self._call_about_second()
            return
        if answer.given_up:
            self.given_up = reason
        if self.came_to_nothing and answer.status is OrderStatus.DELIVERED:
            self._context.tell(NotificationKind.ORDER_DELIVERED)

    async def _leave_to_people(self) -> None:
        """Nobody is asked any more: somebody has to look for the parcel."""
        if self._left_to_people or not workflow.patched("operators look for parcels"):
            return
        self._left_to_people = True
        await self._books.call_for_people(ParcelTrouble.NOT_FOLLOWED)

    async def _take(self, news: ParcelNews) -> None:
        recorded = await self._books.record(news)
        self._polls.hear(news.snapshot, recorded.carrier, by_webhook=bool(news.callback_id))
        # Compared with what we know: the answer of a run that made the change may have been lost.
        if recorded.status is not self._status:
            self._status = recorded.status
            self.delivered_at = recorded.delivered_at
            self._set_patience(recorded.trouble)
            self._announce(recorded)
        elif recorded.trouble is ParcelTrouble.NO_SCAN:
            self._tell_update(recorded, TrackingStatus.EXPIRED)

    def _set_patience(self, trouble: ParcelTrouble | None) -> None:
        """How long a parcel that the carrier calls lost may still be found."""
        lost = trouble is not None and RESPONSES[trouble].remedy is Remedy.MAKE_GOOD_AFTER_PATIENCE
        patience = self._context.timings.lost_parcel_patience
        self._patience_ends = workflow.now() + patience if lost else None

    def _announce(self, recorded: TrackingRecorded) -> None:
        context = self._context
        if recorded.shipping_status is ShippingStatus.DELIVERED:
            context.display.statuses(
                status=OrderStatus.DELIVERED, shipping=ShippingStatus.DELIVERED
            )
            context.tell(NotificationKind.ORDER_DELIVERED)
        else:
            context.display.statuses(shipping=recorded.shipping_status)
            self._tell_update(recorded, recorded.status)

    def _tell_update(self, recorded: TrackingRecorded, status: TrackingStatus) -> None:
        occasion = f"{status}:{workflow.now():%Y%m%d%H%M%S}"
        self._context.tell(
            NotificationKind.DELIVERY_UPDATE,
            occasion=occasion if self._alone else f"{occasion}:{self.tracking_number}",
            location=recorded.location,
            parcel_status=status,
            tracking_number="" if self._alone else self.tracking_number,
        )
