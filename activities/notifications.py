"""Tells the customer, on each channel at most once per event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import activity

from activities.channels import Channels
from activities.eligibility import find_silences
from activities.failures import not_yet
from activities.letter_writing import CustomerEvent, Written, overtaken, write_letter
from db import notifications, reachability
from db.engine import Sessions, single_statements
from db.notifications import Notification, NotificationState
from db.reachability import AddressState
from domain.errors import PermanentError
from domain.notification import Accepted, Channel, NotificationKind, ReceiptStatus
from domain.notification_rules import RULES, Purpose, Silence, steps_in
from domain.order import Value
from domain.quiet_hours import QuietHours, quiet_until, zones_of
from domain.unsubscribing import address_key
from gateways.errors import OutcomeUnknown
from gateways.messaging.refusals import AddressRefused, Unsubscribed

__all__ = [
    "DELAYS",
    "ChannelResult",
    "CustomerEvent",
    "NotificationResults",
    "Notifications",
    "SendNotifications",
    "TellInstead",
]


class SendNotifications(Value):
    """Tell an order's customer of these events, in this order.

    With `hand_over`, texts and pushes that have to wait, and promotions at night, are left to
    another activity, which goes on after as many `tries`. Mails wait here: they stay in order.
    """

    order_id: str
    events: tuple[CustomerEvent, ...]
    hand_over: bool = False
    tries: int = 0


class TellInstead(Value):
    """A message that had been accepted did not arrive: tell the customer on another channel."""

    notification_id: str


class ChannelResult(Value):
    """What became of one event's message on one channel; `error` never holds personal data."""

    kind: NotificationKind
    channel: Channel
    state: NotificationState
    error: str = ""


class NotificationResults(Value):
    """What became of the message on all its channels, after so many tries."""

    results: tuple[ChannelResult, ...]
    tries: int = 0

    @property
    def waiting(self) -> frozenset[NotificationKind]:
        """What is yet to be told on some channel."""
        return frozenset(one.kind for one in self.results if one.state in _WAITING)


_WAITING = {NotificationState.PENDING, NotificationState.SENDING}

# Attempts wait this long; after the last one a channel that still fails is given up.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 30, 300, 1800, 3600, 10800))

# What comes back sooner than this holds nobody up.
_SOON = timedelta(seconds=5)


class _Intended(NamedTuple):
    """An event's letter, its messages, and what keeps a channel silent, at an attempt."""

    written: Written
    rows: Mapping[Channel, Notification]
    silences: Mapping[Channel, Silence | None]
    attempt: int


class Notifications:
    """Sends on all channels of a kind; a channel that fails does not keep the others waiting."""

    def __init__(self, sessions: Sessions, channels: Channels, quiet: QuietHours) -> None:
        self._sessions = sessions
        self._channels = channels
        self._quiet = quiet

    @activity.defn
    async def send_notifications(self, command: SendNotifications) -> NotificationResults:
        """Send what has not been accepted yet; retried while a channel fails for the moment.

        A relay may have accepted a mail whose answer was lost: it then goes out again with the
        same Message-ID. A text message does not, unless its provider says that it has none.
        """
        attempt = command.tries + activity.info().attempt
        results: list[ChannelResult] = []
        asleep: list[ChannelResult] = []
        nights: list[timedelta] = []
        for event in command.events:
            intended = await self._intend(command.order_id, event, attempt)
            night = self._night(intended, event.at)
            if night:
                nights.append(night)
                await self._leave(intended)
                asleep += [_result(row) for row in intended.rows.values()]
            else:
                results += await self._tell(intended, event)
        if not (command.hand_over and _may_be_overtaken(results, attempt)):
            _come_back(results, attempt)
        if nights and not command.hand_over:
            raise not_yet("it is night where the customer lives", min(nights))
        return NotificationResults(results=(*results, *asleep), tries=attempt)

    @activity.defn
    async def tell_instead(self, command: TellInstead) -> NotificationResults:
        """Send what steps in for a message that got lost, as its rule says; repeating is harmless.

        Nothing is sent for a message that has arrived after all, or that was stored without what it
        told.
        """
        async with self._sessions() as session:
            lost = await notifications.find_notification(session, command.notification_id)
            if lost is None or not lost.event:
                return NotificationResults(results=())
            told = CustomerEvent.model_validate(lost.event)
            event = told.model_copy(update={"at": _now(told.at)})
            written = await write_letter(session, lost.order_id, event)
            silences = await find_silences(session, self._channels, written)
        if overtaken(written):
            silences = dict.fromkeys(Channel, Silence.NO_LONGER_TRUE)
        attempt = activity.info().attempt
        intended = _Intended(written, {Channel(lost.channel): lost}, silences, attempt)
        results = [_result(row) for row in await self._tell_in_place(intended, event, [lost])]
        _come_back(results, attempt)
        return NotificationResults(results=tuple(results))

    async def _intend(self, order_id: str, event: CustomerEvent, attempt: int) -> _Intended:
        """Store what is about to be sent, and look at what the customer wants at this moment."""
        rule = RULES[event.kind]
        kept = {
            channel: event.model_dump(mode="json", exclude_defaults=True)
            for channel in rule.instead
        }
        async with self._sessions.begin() as session:
            written = await write_letter(session, order_id, event)
            rows = await notifications.intend_notifications(
                session,
                order_id,
                event.kind,
                event.occasion,
                rule.channels,
                event.at,
                holder=_holder(),
                events=kept,
            )
            silences = await find_silences(session, self._channels, written)
        return _Intended(written, {Channel(row.channel): row for row in rows}, silences, attempt)

    def _night(self, intended: _Intended, at: datetime) -> timedelta | None:
        """How long a promotion has to wait; nothing else does, nor one that goes out no more."""
        if RULES[intended.written.letter.kind].purpose is not Purpose.PROMOTION:
            return None
        if not any(
            row.state in _WAITING and intended.silences[channel] is None
            for channel, row in intended.rows.items()
        ):
            return None
        country = intended.written.order.customer_info.address.country
        now = _now(at)
        until = quiet_until(now, zones_of(country), self._quiet)
        return until - now if until else None

    async def _leave(self, intended: _Intended) -> None:
        """Whoever goes on in the morning is another step."""
        letter = intended.written.letter
        async with single_statements(self._sessions) as session:
            await notifications.release(session, letter.order_id, letter.kind, _holder())

    async def _tell(self, intended: _Intended, event: CustomerEvent) -> list[ChannelResult]:
        channels = RULES[event.kind].channels
        told = await asyncio.gather(
            *(self._deliver(intended.rows[channel], intended, event.at) for channel in channels)
        )
        more = await self._tell_in_place(intended, event, told)
        return [_result(row) for row in (*told, *more)]

    async def _tell_in_place(
        self, intended: _Intended, event: CustomerEvent, told: Sequence[Notification]
    ) -> list[Notification]:
        """Send on the channels that step in for those of `told` that did not reach the customer."""
        return [
            await self._deliver(row, intended, event.at)
            for row in await self._stand_ins(intended, event, told)
        ]

    async def _stand_ins(
        self, intended: _Intended, event: CustomerEvent, told: Sequence[Notification]
    ) -> list[Notification]:
        """The messages on channels that step in for those which did not reach the customer."""
        wanted = {
            other
            for row in told
            if _missed(row)
            and (other := steps_in(event.kind, Channel(row.channel), _why(row))) is not None
        }
        if not wanted:
            return []
        order_id = intended.written.letter.order_id
        async with self._sessions.begin() as session:
            rows = await notifications.intend_notifications(
                session,
                order_id,
                event.kind,
                event.occasion,
                sorted(wanted),
                event.at,
                holder=_holder(),
                events={},
            )
        return [row for row in rows if row.channel in wanted]

    async def _deliver(self, row: Notification, intended: _Intended, at: datetime) -> Notification:
        if row.state not in _WAITING or row.lease_holder != _holder():
            return row
        why = intended.silences[Channel(row.channel)]
        # What may have been taken already is followed up, whatever is wanted by now.
        if why is not None and row.state == NotificationState.PENDING:
            return await self._record(row, NotificationState.SUPPRESSED, at, error=why.value)
        last = intended.attempt > len(DELAYS)
        try:
            accepted = await self._channels.send(row, intended.written, last=last)
        except AddressRefused as error:
            return await self._give_up(row, intended.written, error, at)
        except PermanentError as error:
            return await self._record(row, NotificationState.FAILED, at, error=_says(error))
        except Exception as error:  # noqa: BLE001 - a channel must never fail the order
            state = _after(row, error, last=last)
            return await self._record(row, state, at, error=_says(error))
        return await self._record(row, NotificationState.SENT, _now(at), accepted=accepted)

    async def _give_up(
        self, row: Notification, written: Written, error: AddressRefused, at: datetime
    ) -> Notification:
        """The address is no good: nothing is sent there any more."""
        channel = Channel(row.channel)
        gone = isinstance(error, Unsubscribed)
        async with self._sessions.begin() as session:
            await reachability.refuse_address(
                session,
                channel,
                address_key(channel, written.address(channel)),
                AddressState.UNSUBSCRIBED if gone else AddressState.REFUSED,
                provider=error.provider,
                code=error.code,
                at=at,
            )
            return await notifications.record_attempt(
                session, row.id, NotificationState.FAILED, error=_says(error), at=at
            )

    async def _record(
        self,
        row: Notification,
        state: NotificationState,
        at: datetime,
        *,
        accepted: Accepted | None = None,
        error: str = "",
    ) -> Notification:
        async with single_statements(self._sessions) as session:
            return await notifications.record_attempt(
                session, row.id, state, error=error, accepted=accepted, at=at
            )


def _may_be_overtaken(results: Sequence[ChannelResult], attempt: int) -> bool:
    """Whether what waits would wait for long, and is no mail."""
    long = attempt <= len(DELAYS) and DELAYS[attempt - 1] > _SOON
    mail = any(one.state in _WAITING and one.channel is Channel.EMAIL for one in results)
    return long and not mail


def _come_back(results: Sequence[ChannelResult], attempt: int) -> None:
    """Be tried again later if a message waits, unless that has been done often enough."""
    if attempt <= len(DELAYS) and any(result.state in _WAITING for result in results):
        raise not_yet("a channel does not work at the moment", DELAYS[attempt - 1])


def _missed(row: Notification) -> bool:
    """Whether a message has not reached the customer, and will not."""
    failed = {NotificationState.FAILED, NotificationState.SUPPRESSED}
    return row.state in failed or row.receipt == ReceiptStatus.UNDELIVERED


def _after(row: Notification, error: Exception, *, last: bool) -> NotificationState:
    """What a message is after a failure that may pass."""
    if not isinstance(error, OutcomeUnknown):
        return NotificationState.FAILED if last else NotificationState.PENDING
    if last:
        return NotificationState.UNKNOWN
    sent_blindly = row.channel != Channel.SMS
    return NotificationState.PENDING if sent_blindly else NotificationState.SENDING


def _says(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _why(row: Notification) -> Silence | None:
    """What kept a message silent; None if it was tried."""
    if row.state != NotificationState.SUPPRESSED:
        return None
    return Silence(row.error) if row.error else Silence.NO_LONGER_TRUE


def _result(row: Notification) -> ChannelResult:
    # A relay's words may name the address; they stay in our database.
    return ChannelResult(
        kind=NotificationKind(row.kind),
        channel=Channel(row.channel),
        state=NotificationState(row.state),
        error=row.error.partition(":")[0],
    )


def _holder() -> str:
    """Who sends: a step of a workflow's run, whichever of its attempts."""
    info = activity.info()
    return f"{info.workflow_run_id}/{info.activity_id}"


def _now(at: datetime) -> datetime:
    """The order's own time, which may be ahead of the clock on our wall."""
    return max(at, activity.info().current_attempt_scheduled_time)
