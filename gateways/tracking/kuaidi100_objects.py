"""Kuaidi100's answers and pushes as far as we read them; nearly everything may be missing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.tracking import TrackingEvent, TrackingSnapshot, TrackingStatus
from gateways.tracking.kuaidi100_statuses import status_of

# Times come without an offset, and are China's.
_CHINA = timezone(timedelta(hours=8))


# Codes come as numbers or as text, true and false as well.
def _as_text(value: object) -> object:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else value


Text = Annotated[str, BeforeValidator(_as_text)]


class _Object(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, populate_by_name=True)


class Scan(_Object):
    """One checkpoint; `ftime` is `time` in a fixed format."""

    time: Text = ""
    ftime: Text = ""
    context: Text = ""
    status: Text = ""
    status_code: Text = Field(default="", alias="statusCode")
    area_name: Text = Field(default="", alias="areaName")
    location: Text = ""

    def event(self, carrier: str, number: str) -> TrackingEvent | None:
        """The checkpoint in our words, or nothing when it has no time at all."""
        occurred_at = _moment(self.ftime) or _moment(self.time)
        if occurred_at is None:
            return None
        raw_status = self.status_code or self.status
        return TrackingEvent(
            dedupe_key=_digest(carrier, number, occurred_at.isoformat(), raw_status, self.context),
            occurred_at=occurred_at,
            status=status_of(self.status_code, self.status),
            description=self.context,
            location=self.location or self.area_name.replace(",", " "),
            raw_status=raw_status,
        )


class Result(_Object):
    """A parcel; in an answer with `returnCode`, there is none."""

    state: Text = ""
    com: Text = ""
    nu: Text = ""
    data: tuple[Scan, ...] = ()
    return_code: Text = Field(default="", alias="returnCode")
    message: Text = ""

    def snapshot(
        self, carrier: str, *, status: TrackingStatus | None = None, corrected: bool = False
    ) -> TrackingSnapshot:
        """The parcel in our words, checkpoints oldest first and each one once."""
        # They come newest first: of two in one second, that order is all that we know.
        found = (scan.event(carrier, self.nu) for scan in reversed(self.data))
        unique = {event.dedupe_key: event for event in found if event is not None}
        events = tuple(sorted(unique.values(), key=lambda event: event.occurred_at))
        arrived = [event for event in events if event.status is TrackingStatus.DELIVERED]
        now = status or self._status(events)
        delivered = now is TrackingStatus.DELIVERED
        return TrackingSnapshot(
            tracking_number=self.nu,
            carrier=carrier,
            status=now,
            events=events,
            delivered_at=arrived[0].occurred_at if delivered and arrived else None,
            raw_status=self.state,
            corrected=corrected,
        )

    def _status(self, events: tuple[TrackingEvent, ...]) -> TrackingStatus:
        """The parcel's state, or the finer one of its last checkpoint where that says the same."""
        coarse = status_of(self.state)
        last = events[-1] if events else None
        if last is None or last.status is TrackingStatus.UNKNOWN:
            return coarse
        # "302" is "3" in more words, and so is "1001" to "0": the last scan knows better.
        return last.status if last.raw_status.startswith(self.state) else coarse


class Push(_Object):
    """What is pushed: `status` is how the watching goes on, not where the parcel is."""

    status: Text = ""
    message: Text = ""
    com_old: Text = Field(default="", alias="comOld")
    com_new: Text = Field(default="", alias="comNew")
    last_result: Result = Field(alias="lastResult")


class Subscribed(_Object):
    """The answer to a subscription."""

    return_code: Text = Field(default="", alias="returnCode")
    message: Text = ""


def carrier_named(code: str, carriers: Mapping[str, str]) -> str:
    """Our name of the carrier that Kuaidi100 calls `code`."""
    return carriers.get(code, code)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=_CHINA)).astimezone(UTC)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
