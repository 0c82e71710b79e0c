"""Ask the tracking provider where a parcel is, again and again, without growing the history."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col
from temporalio import activity

from activities.failures import not_yet
from db import fulfillment, orders
from db.engine import Sessions, single_statements
from db.fulfillment import Shipment
from domain.order import Value
from domain.parcel_exceptions import ParcelTrouble, trouble_of
from domain.tracking import SHIPPING_STATUS, TrackingSnapshot, TrackingStatus
from gateways.errors import NotFound
from gateways.tracking.routing import RoutedTracking

log = logging.getLogger("orderflow.tracking")

# Kuaidi100 locks parcels that are asked about more often.
CLOSEST_QUESTIONS = timedelta(minutes=30)
_JITTER = 0.1


class PollParcel(Value):
    """Ask the carrier every `interval` until the parcel's status is another than `known`.

    A parcel that was `shipped_at` and that nobody has scanned for `silence` is news as well, unless
    that was told of the same last scan (`silent_since`) already. A webhook came at `heard_at`.
    """

    order_id: str
    tracking_number: str
    carrier: str
    known: TrackingStatus
    interval: timedelta
    shipped_at: datetime | None = None
    silence: timedelta | None = None
    silent_since: datetime | None = None
    heard_at: datetime | None = None


class Tracking:
    """Asks the tracking provider of a parcel's carrier."""

    def __init__(self, gateway: RoutedTracking, sessions: Sessions) -> None:
        self._gateway = gateway
        self._sessions = sessions

    @activity.defn
    async def poll_parcel(self, command: PollParcel) -> TrackingSnapshot:
        """Look again every `interval`, by being retried, until there is news.

        The parcel is first registered with the provider, which also subscribes to its webhooks;
        registering twice is fine. Pauses are up to a tenth longer, so that parcels which left
        together are not asked about together.
        """
        info = activity.info()
        now = info.current_attempt_scheduled_time
        pause = jittered(command.interval, command.tracking_number, info.attempt)
        if command.heard_at and info.attempt == 1 and now - command.heard_at < CLOSEST_QUESTIONS:
            raise not_yet("the carrier has just told us", pause)
        phone_tail = await self._watch(command)
        try:
            snapshot = await self._gateway.fetch(
                command.tracking_number, command.carrier, phone_tail
            )
        except NotFound:
            snapshot = TrackingSnapshot(
                tracking_number=command.tracking_number,
                carrier=command.carrier,
                status=command.known,
            )
        report_unknown(snapshot)
        if snapshot.status != command.known and snapshot.status in SHIPPING_STATUS:
            return snapshot.model_copy(update={"asked": info.attempt})
        if _is_silent(command, snapshot, now):
            silent = {"status": command.known, "silent": True, "asked": info.attempt}
            return snapshot.model_copy(update=silent)
        raise not_yet(f"the parcel is still {command.known}", pause)

    async def _watch(self, command: PollParcel) -> str:
        """Make sure that the provider knows the parcel; the end of the recipient's number."""
        async with single_statements(self._sessions) as session:
            order = await session.get_one(orders.OrderRow, command.order_id)
            watched = await session.scalar(
                select(col(Shipment.watched_at)).where(
                    col(Shipment.order_id) == command.order_id,
                    col(Shipment.tracking_number) == command.tracking_number,
                )
            )
        phone_tail = str(order.customer.get("phone", ""))[-4:]
        if watched is None:
            await self._gateway.register(
                command.tracking_number, command.carrier, order.order_number, phone_tail
            )
            async with single_statements(self._sessions) as session:
                await fulfillment.note_watched(
                    session,
                    command.order_id,
                    command.tracking_number,
                    activity.info().current_attempt_scheduled_time,
                )
        return phone_tail


def jittered(interval: timedelta, tracking_number: str, attempt: int) -> timedelta:
    """`interval`, up to a tenth longer; the same for the same question.

    Never shorter: the limit of polls is also a limit of days.
    """
    digest = hashlib.sha256(f"{tracking_number}:{attempt}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 0xFFFFFFFF
    return interval * (1 + _JITTER * share)


def report_unknown(snapshot: TrackingSnapshot) -> None:
    """Log the provider's words that our tables lack; what they are of is kept as it came."""
    unknown = {
        event.raw_status for event in snapshot.events if event.status is TrackingStatus.UNKNOWN
    }
    if snapshot.status is TrackingStatus.UNKNOWN:
        unknown.add(snapshot.raw_status)
    if unknown:
        log.warning(
            "tracking_status_unknown",
            extra={
                "carrier": snapshot.carrier,
                "tracking_number": snapshot.tracking_number,
                "statuses": sorted(unknown),
            },
        )


def _is_silent(command: PollParcel, snapshot: TrackingSnapshot, now: datetime) -> bool:
    if command.silence is None or command.shipped_at is None:
        return False
    last = max([command.shipped_at, *(event.occurred_at for event in snapshot.events)])
    told = command.silent_since is not None and last <= command.silent_since
    missed = trouble_of(command.known, silent=True) is ParcelTrouble.NO_SCAN
    return missed and not told and now - last >= command.silence
