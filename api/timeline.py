"""An order's timeline: what happened to it, and what its customer was told of that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from db.notifications import Notification, NotificationState
from db.orders import OrderEvent
from domain.notification import Channel, NotificationKind
from domain.order import Value

TellingKind = Literal["customer_told", "customer_to_be_told", "customer_not_told"]

_OPEN = {NotificationState.PENDING, NotificationState.SENDING}


class TimelineEntry(Value):
    """One thing that happened, with what else is known about it."""

    model_config = ConfigDict(extra="allow")

    at: datetime
    kind: str


class ChannelOutcome(Value):
    """What became of a message on one channel.

    `reason` says why it did not go out, or not yet; `receipt` what the provider said later of one
    that did: sent, delivered or undelivered.
    """

    channel: Channel
    state: NotificationState
    reason: str = ""
    receipt: str = ""


class Telling(TimelineEntry):
    """One thing that the customer was told, on however many channels.

    It is to be told while no channel's provider has accepted it and one may still; `at` is when the
    first did, else when it was intended. `message` may be a kind that a newer worker knows.
    """

    kind: TellingKind
    message: NotificationKind | str
    occasion: str = ""
    channels: tuple[ChannelOutcome, ...]


def timeline(
    events: Iterable[OrderEvent], messages: Iterable[Notification]
) -> tuple[TimelineEntry, ...]:
    """Both in the order of time; of the same instant, what happened comes before who was told."""
    entries = [*map(_happened, events), *_tellings(messages)]
    return tuple(sorted(entries, key=lambda entry: entry.at))


def _happened(event: OrderEvent) -> TimelineEntry:
    detail = {to_camel(name): value for name, value in event.detail.items()}
    return TimelineEntry.model_validate({**detail, "at": event.at, "kind": event.kind})


def _tellings(messages: Iterable[Notification]) -> list[Telling]:
    """One for each thing told, in the order in which they were intended."""
    things: dict[tuple[str, str], list[Notification]] = {}
    for row in sorted(messages, key=lambda row: (row.created_at, row.kind, row.occasion)):
        things.setdefault((row.kind, row.occasion), []).append(row)
    return [_telling(rows) for rows in things.values()]


def _telling(rows: Sequence[Notification]) -> Telling:
    accepted = [row.sent_at for row in rows if row.sent_at is not None]
    return Telling(
        at=min(accepted, default=rows[0].created_at),
        kind=_kind(rows),
        message=rows[0].kind,
        occasion=rows[0].occasion,
        channels=tuple(
            ChannelOutcome(
                channel=channel,
                state=NotificationState(row.state),
                reason=row.error,
                receipt=row.receipt,
            )
            for channel in Channel
            for row in rows
            if row.channel == channel
        ),
    )


def _kind(rows: Sequence[Notification]) -> TellingKind:
    states = {row.state for row in rows}
    if NotificationState.SENT in states:
        return "customer_told"
    return "customer_to_be_told" if states & _OPEN else "customer_not_told"
