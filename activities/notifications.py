"""Tells the customer, on each channel at most once per event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.failures import not_yet
from db import fulfillment, notifications, orders
from db.engine import Sessions, single_statements
from db.notifications import Notification, NotificationState
from domain.errors import PermanentError
from domain.money import Money
from domain.notification import (
    CHANNELS,
    Accepted,
    Channel,
    NotificationKind,
    OrderLetter,
    ShortLine,
)
from domain.order import Value
from domain.statuses import OrderStatus, ShippingStatus
from gateways.messaging import letters
from gateways.messaging.protocol import EmailSender, PushSender, SmsSender
from gateways.tracking.links import tracking_link


class CustomerEvent(Value):
    """Something that the customer is told of; `occasion` tells repeated events of a kind apart."""

    kind: NotificationKind
    occasion: str = ""
    reason: str = ""
    shortages: tuple[ShortLine, ...] = ()
    refund_amount: Money | None = None
    payment_expires_at: datetime | None = None
    location: str = ""
    at: datetime


class SendNotifications(Value):
    """Tell an order's customer of these events, in this order."""

    order_id: str
    events: tuple[CustomerEvent, ...]


class ChannelResult(Value):
    """What became of one event's message on one channel."""

    kind: NotificationKind
    channel: Channel
    state: NotificationState
    error: str = ""


class NotificationResults(Value):
    """What became of the message on all its channels."""

    results: tuple[ChannelResult, ...]


_ENDED = {OrderStatus.CANCELLED, OrderStatus.REFUNDED}

# Attempts wait this long; after the last one a channel that still fails is given up.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 30, 300, 1800, 3600, 10800))


class Notifications:
    """Sends on all channels of a kind; a channel that fails does not keep the others waiting."""

    def __init__(
        self, sessions: Sessions, email: EmailSender, sms: SmsSender, push: PushSender
    ) -> None:
        self._sessions = sessions
        self._email = email
        self._sms = sms
        self._push = push

    @activity.defn
    async def send_notifications(self, command: SendNotifications) -> NotificationResults:
        """Send what has not been accepted yet; retried while a channel fails for the moment.

        A channel's provider may have accepted a message whose answer was lost: mail then goes
        out again with the same Message-ID.
        """
        results = [
            result
            for event in command.events
            for result in await self._tell(command.order_id, event)
        ]
        attempt = activity.info().attempt
        if attempt <= len(DELAYS) and any(
            result.state is NotificationState.PENDING for result in results
        ):
            raise not_yet("a channel does not work at the moment", DELAYS[attempt - 1])
        return NotificationResults(results=tuple(results))

    async def _tell(self, order_id: str, event: CustomerEvent) -> list[ChannelResult]:
        async with self._sessions.begin() as session:
            letter = await _write_letter(session, order_id, event)
            rows = await notifications.intend_notifications(
                session, order_id, event.kind, event.occasion, CHANNELS[event.kind], event.at
            )
            eligible = await _is_eligible(session, order_id, event)
        return [await self._deliver(row, letter, eligible=eligible, at=event.at) for row in rows]

    async def _deliver(
        self, row: Notification, letter: OrderLetter, *, eligible: bool, at: datetime
    ) -> ChannelResult:
        channel = Channel(row.channel)
        if row.state != NotificationState.PENDING:
            return _result(row)
        if not eligible or not _reachable(channel, letter):
            return await self._record(row.id, NotificationState.SUPPRESSED, at)
        try:
            accepted = await self._send(channel, letter, row.id)
        except PermanentError as error:
            return await self._record(row.id, NotificationState.FAILED, at, error=error)
        except Exception as error:  # noqa: BLE001 - a channel must never fail the order
            last = activity.info().attempt > len(DELAYS)
            state = NotificationState.FAILED if last else NotificationState.PENDING
            return await self._record(row.id, state, at, error=error)
        return await self._record(row.id, NotificationState.SENT, at, accepted=accepted)

    async def _send(self, channel: Channel, letter: OrderLetter, notification_id: str) -> Accepted:
        match channel:
            case Channel.EMAIL:
                return await self._email.send(
                    to=letter.email,
                    to_name=letter.name,
                    content=letters.render_email(letter),
                    notification_id=notification_id,
                )
            case Channel.SMS:
                return await self._sms.send(
                    to=letter.phone,
                    template=letter.kind,
                    params=letters.sms_params(letter),
                    text=letters.render_sms(letter).body,
                    notification_id=notification_id,
                )
            case Channel.PUSH:
                content = letters.render_push(letter)
                return await self._push.send(
                    customer_id=letter.customer_id,
                    title=content.title,
                    body=content.body,
                    extra=letters.push_extra(letter),
                    notification_id=notification_id,
                )
            case _:
                assert_never(channel)

    async def _record(
        self,
        notification_id: str,
        state: NotificationState,
        at: datetime,
        *,
        accepted: Accepted | None = None,
        error: Exception | None = None,
    ) -> ChannelResult:
        async with single_statements(self._sessions) as session:
            row = await notifications.record_attempt(
                session,
                notification_id,
                state,
                error="" if error is None else f"{type(error).__name__}: {error}"[:500],
                accepted=accepted,
                at=at,
            )
        return _result(row)


def _result(row: Notification) -> ChannelResult:
    return ChannelResult(
        kind=NotificationKind(row.kind),
        channel=Channel(row.channel),
        state=NotificationState(row.state),
        error=row.error,
    )


def _reachable(channel: Channel, letter: OrderLetter) -> bool:
    return bool(
        {Channel.EMAIL: letter.email, Channel.SMS: letter.phone, Channel.PUSH: letter.customer_id}[
            channel
        ]
    )


async def _is_eligible(session: AsyncSession, order_id: str, event: CustomerEvent) -> bool:
    """Whether the event still holds at the moment of sending."""
    if event.kind is not NotificationKind.REVIEW_INVITATION:
        return True
    order = await session.get_one(orders.OrderRow, order_id)
    return order.status not in _ENDED and order.shipping_status == ShippingStatus.DELIVERED


async def _write_letter(session: AsyncSession, order_id: str, event: CustomerEvent) -> OrderLetter:
    order = await orders.find_order(session, order_id)
    if order is None:
        raise orders.OrderUnknown(order_id)
    shipment = await fulfillment.find_shipment(session, order_id)
    customer = order.customer_info
    return OrderLetter(
        kind=event.kind,
        locale=order.locale,
        order_id=order.order_id,
        order_number=order.order_number,
        customer_id=order.customer_id,
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
        items=order.items,
        pricing=order.pricing,
        created_at=order.created_at,
        occasion=event.occasion,
        reason=event.reason,
        shortages=event.shortages,
        refund_amount=event.refund_amount,
        payment_expires_at=event.payment_expires_at,
        shipping_status=order.shipping_status,
        location=event.location,
        tracking_number=shipment.tracking_number if shipment else "",
        carrier=shipment.carrier if shipment else "",
        tracking_url=tracking_link(shipment.carrier, shipment.tracking_number) if shipment else "",
        estimated_delivery=shipment.estimated_delivery if shipment else None,
        delivered_at=shipment.delivered_at if shipment else None,
    )
