"""AfterShip's tracking object as far as we read it (Tracking API 2026-07).

Carriers leave nearly everything out at times, so nearly everything may be missing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.tracking import TrackingEvent, TrackingSnapshot, TrackingStatus
from gateways.times import parse_utc
from gateways.tracking.aftership_statuses import status_of
from gateways.tracking.carriers import canonical_carrier


class _Object(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Meta(_Object):
    """What became of a call; `code` is finer than the HTTP status."""

    code: int = 0
    message: str = ""


class Checkpoint(_Object):
    """One scan of a parcel."""

    checkpoint_time: str | None = None
    created_at: str | None = None
    message: str | None = None
    location: str | None = None
    city: str | None = None
    state: str | None = None
    country_region: str | None = None
    tag: str | None = None
    subtag: str | None = None
    raw_tag: str | None = None

    def event(self, carrier: str, number: str) -> TrackingEvent | None:
        """The checkpoint in our words, or nothing when it has no time at all."""
        occurred_at = parse_utc(self.checkpoint_time) or parse_utc(self.created_at)
        if occurred_at is None:
            return None
        description = self.message or ""
        raw_status = self.raw_tag or self.subtag or self.tag or ""
        return TrackingEvent(
            dedupe_key=_digest(carrier, number, occurred_at.isoformat(), raw_status, description),
            occurred_at=occurred_at,
            status=status_of(self.tag, self.subtag),
            description=description,
            location=self.location or self._place(),
            raw_status=raw_status,
        )

    def _place(self) -> str:
        return ", ".join(filter(None, (self.city, self.state, self.country_region)))


class Estimate(_Object):
    """When the parcel may arrive, as the carrier or AfterShip reckons."""

    datetime: str | None = None


class CarrierEstimate(_Object):
    """When the parcel may arrive, as the carrier alone reckons."""

    estimated_delivery_date: str | None = None


class Tracking(_Object):
    """One parcel."""

    tracking_number: str = Field(min_length=1)
    slug: str | None = None
    tag: str | None = None
    subtag: str | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    return_to_sender: bool | None = None
    signed_by: str | None = None
    shipment_delivery_date: str | None = None
    latest_estimated_delivery: Estimate | None = None
    courier_estimated_delivery_date: CarrierEstimate | None = None

    def snapshot(self, carrier: str) -> TrackingSnapshot:
        """The parcel in our words, checkpoints oldest first and each one once."""
        name = canonical_carrier(carrier)
        found = (point.event(name, self.tracking_number) for point in self.checkpoints)
        unique = {event.dedupe_key: event for event in found if event is not None}
        events = tuple(sorted(unique.values(), key=lambda event: event.occurred_at))
        status = status_of(self.tag, self.subtag, return_to_sender=bool(self.return_to_sender))
        return TrackingSnapshot(
            tracking_number=self.tracking_number,
            carrier=carrier,
            status=status,
            events=events,
            estimated_delivery=self._estimated_delivery(),
            delivered_at=self._delivered_at(status, events),
            signed_by=self.signed_by or "",
            raw_status=self.subtag or self.tag or "",
        )

    def _estimated_delivery(self) -> datetime | None:
        latest, carriers = self.latest_estimated_delivery, self.courier_estimated_delivery_date
        best = parse_utc(latest.datetime) if latest else None
        return best or (parse_utc(carriers.estimated_delivery_date) if carriers else None)

    def _delivered_at(
        self, status: TrackingStatus, events: tuple[TrackingEvent, ...]
    ) -> datetime | None:
        if status is not TrackingStatus.DELIVERED:
            return None
        scans = [event.occurred_at for event in events if event.status is TrackingStatus.DELIVERED]
        return scans[0] if scans else parse_utc(self.shipment_delivery_date)


class TrackingList(_Object):
    """The parcels that a search found."""

    trackings: tuple[Tracking, ...]


class Found(_Object):
    """The answer to a search."""

    data: TrackingList


class Failed(_Object):
    """The answer to a call that failed."""

    meta: Meta = Meta()


class Message(_Object):
    """A webhook's body."""

    event_id: str = Field(min_length=1)
    msg: Tracking


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
