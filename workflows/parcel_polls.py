"""The carrier is asked about one parcel: by one activity that is retried for days."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies
from workflows.background import dismiss
from workflows.context import OrderContext

with workflow.unsafe.imports_passed_through():
    from activities.tracking import PollParcel, Tracking
    from domain.fulfillment import ShippingNews
    from domain.tracking import TERMINAL, TrackingSnapshot, TrackingStatus


class ParcelPolls:
    """Asks until there is news, or the polls are used up; it adds nothing to the history."""

    def __init__(self, context: OrderContext, shipped: ShippingNews) -> None:
        self._context = context
        self._shipped = shipped
        self.carrier = shipped.carrier
        # What the carrier said last, news or not: polling waits for something else.
        self.reported = TrackingStatus.IN_TRANSIT
        self._begun_at = workflow.now()
        self._heard_at: datetime | None = None
        self._silent_since: datetime | None = None
        self._poll: workflow.ActivityHandle[TrackingSnapshot] | None = None
        self._poll_begun_at = self._begun_at
        self._failed = False
        self._asked = 0

    @property
    def running(self) -> bool:
        """Whether the carrier is being asked."""
        return self._poll is not None

    @property
    def answered(self) -> bool:
        """Whether a poll has come to its end."""
        return self._poll is not None and self._poll.done()

    def begin(self) -> None:
        """Subscribe and ask every few hours, unless that is being done or is over."""
        timings = self._context.timings
        polls_left = timings.tracking_poll_limit - self._asked
        if self._poll is not None or polls_left <= 0 or self._failed or self._is_over():
            return
        self._poll_begun_at = workflow.now()
        self._poll = workflow.start_activity_method(
            Tracking.poll_parcel,
            PollParcel(
                order_id=self._context.order_id,
                tracking_number=self._shipped.tracking_number,
                carrier=self.carrier,
                known=self.reported,
                interval=timings.tracking_poll,
                shipped_at=self._shipped.shipped_at or self._begun_at,
                silence=timings.parcel_silence,
                silent_since=self._silent_since,
                heard_at=self._heard_at,
            ),
            summary=f"Ask {self.carrier} every {timings.tracking_poll / timedelta(hours=1):g} h",
            **policies.poll_parcel(timings.tracking_poll, polls_left),
        )

    async def take(self) -> TrackingSnapshot | None:
        """What a poll that has come to its end has found."""
        if self._poll is None or not self._poll.done():
            return None
        poll, self._poll = self._poll, None
        try:
            found = await poll
        except ActivityError as error:
            self._failed = True
            workflow.logger.warning("polling_ended", extra={"cause": str(error.cause)})
            return None
        self._asked += found.asked or self._asked_since(self._poll_begun_at)
        return found

    def hear(self, snapshot: TrackingSnapshot, carrier: str, *, by_webhook: bool) -> None:
        """Ask for something else than this from now on."""
        self.reported = snapshot.status
        self.carrier = carrier or self.carrier
        if by_webhook:
            self._heard_at = workflow.now()
        if snapshot.silent:
            scans = [event.occurred_at for event in snapshot.events]
            self._silent_since = max([self._shipped.shipped_at or self._begun_at, *scans])

    def stop(self) -> None:
        """Ask no more."""
        if self._poll is not None:
            dismiss(self._poll)
            self._poll = None

    def _asked_since(self, begun_at: datetime) -> int:
        """How often a poll that does not say so has asked: at once, and once in each interval."""
        return 1 + int((workflow.now() - begun_at) / self._context.timings.tracking_poll)

    def _is_over(self) -> bool:
        """A carrier that has cancelled the shipment has no more news; older orders asked on."""
        return self.reported in TERMINAL and workflow.patched("no polls after a terminal state")
