"""How a letter goes out on each channel, whatever happened to an earlier attempt."""

from __future__ import annotations

import asyncio
from typing import assert_never

from activities.letter_writing import Written
from db import devices, notifications
from db.engine import Sessions, single_statements
from db.notifications import Notification, NotificationState
from documents.order_pdf import order_file_name, render_order
from domain.notification import Accepted, Attachment, Channel, Device, NotificationKind, OrderLetter
from domain.notification_rules import RULES, Purpose
from domain.order import Order
from domain.page_links import LinkKeys, page_path
from domain.unsubscribing import sign_opt_out
from gateways.errors import GatewayRejected, OutcomeUnknown, PermanentError
from gateways.messaging import letters
from gateways.messaging.protocol import EmailSender, PushSender, SmsSender
from gateways.messaging.refusals import AddressRefused


class Channels:
    """The senders that are configured; a channel without one is off.

    `public_url` is our API as customers reach it. Without `unsubscribe_secret`, there are no links
    to end promotions, and so no promotions. With `page_keys`, letters link to the customer's page
    of the order, and the carrier's page is on that one.
    """

    def __init__(
        self,
        sessions: Sessions,
        email: EmailSender,
        sms: SmsSender | None,
        push: PushSender | None,
        *,
        public_url: str,
        unsubscribe_secret: str,
        page_keys: LinkKeys,
    ) -> None:
        self._sessions = sessions
        self._email = email
        self._sms = sms
        self._push = push
        self._public_url = public_url.rstrip("/")
        self._secret = unsubscribe_secret
        self._page_keys = page_keys

    @property
    def promotes(self) -> bool:
        """Whether a promotion can carry its way out."""
        return bool(self._secret)

    def is_on(self, channel: Channel) -> bool:
        """Whether anybody brings messages there."""
        match channel:
            case Channel.EMAIL:
                return True
            case Channel.SMS:
                return self._sms is not None
            case Channel.PUSH:
                return self._push is not None
            case _:
                assert_never(channel)

    async def send(self, row: Notification, written: Written, *, last: bool) -> Accepted:
        """Hand the letter over; `last` says that there will be no other attempt.

        Raises:
            PermanentError: it can never be delivered there.
            OutcomeUnknown: it may have been taken.
        """
        match Channel(row.channel):
            case Channel.EMAIL:
                return await self._mail(row.id, written)
            case Channel.SMS:
                return await self._text(row, written)
            case Channel.PUSH:
                return await self._notify_devices(row.id, written, last=last)

    async def _mail(self, notification_id: str, written: Written) -> Accepted:
        letter = written.letter
        content = letters.render_email(
            letter, page_url=self._page(letter), unsubscribe_url=self._way_out(written)
        )
        if letter.kind is NotificationKind.ORDER_CONFIRMED:
            content = content.model_copy(update={"attachments": (await _paper(written.order),)})
        return await self._email.send(
            to=letter.email, to_name=letter.name, content=content, notification_id=notification_id
        )

    def _page(self, letter: OrderLetter) -> str:
        """The customer's page; empty without keys."""
        token = self._page_keys.sign(letter.order_number)
        return f"{self._public_url}{page_path(letter.order_number, token)}" if token else ""

    def _way_out(self, written: Written) -> str:
        if RULES[written.letter.kind].purpose is not Purpose.PROMOTION:
            return ""
        token = sign_opt_out(Channel.EMAIL, written.letter.email, self._secret)
        return f"{self._public_url}/unsubscribe?k={token}&l={written.letter.locale}"

    async def _text(self, row: Notification, written: Written) -> Accepted:
        """Send once: no provider of text messages knows idempotency keys.

        The message is claimed before the call. Who finds it claimed asks the provider, and sends
        again only if it was not taken and the one who claimed it must be gone.
        """
        assert self._sms is not None
        letter = written.letter
        text = letters.render_sms(letter).body
        found = await self._taken(row, letter.phone, text)
        if found is not None:
            return found
        asked = row.state == NotificationState.SENDING
        async with single_statements(self._sessions) as session:
            claimed = await notifications.claim(session, row.id, again=asked)
        if not claimed:
            raise OutcomeUnknown("an earlier attempt may still be under way")
        return await self._sms.send(
            to=letter.phone,
            template=letter.kind,
            params=letters.sms_params(letter),
            text=text,
            notification_id=row.id,
        )

    async def _taken(self, row: Notification, to: str, text: str) -> Accepted | None:
        """What an attempt whose answer is not known to us achieved; None if nothing."""
        if row.state != NotificationState.SENDING or row.claimed_at is None:
            return None
        assert self._sms is not None
        try:
            return await self._sms.find(
                to=to, text=text, notification_id=row.id, since=row.claimed_at
            )
        except Exception as error:
            # Whatever keeps us from asking: we know as little as before.
            raise OutcomeUnknown(f"the provider cannot be asked: {type(error).__name__}") from error

    async def _notify_devices(
        self, notification_id: str, written: Written, *, last: bool
    ) -> Accepted:
        """Send to every device that has not got it; one that is gone is forgotten."""
        async with self._sessions() as session:
            known = await devices.devices_of(session, written.letter.customer_id)
            done = await devices.reached(session, notification_id)
        accepted = [Accepted(provider=one.provider, message_id=one.message_id) for one in done]
        reached = {one.device_id for one in done}
        trouble: Exception | None = None
        for device in known:
            if device.id in reached:
                continue
            try:
                accepted.append(await self._push_to(device, notification_id, written))
            except PermanentError as error:
                trouble = trouble or error
            except Exception as error:  # noqa: BLE001 - the other devices get theirs
                trouble = error
        waits = trouble is not None and not isinstance(trouble, PermanentError)
        if accepted and (last or not waits):
            return accepted[0]
        raise trouble or GatewayRejected("no_device", "no device is left")

    async def _push_to(self, device: Device, notification_id: str, written: Written) -> Accepted:
        assert self._push is not None
        content = letters.render_push(written.letter)
        try:
            accepted = await self._push.send(
                device=device,
                title=content.title,
                body=content.body,
                extra=letters.push_extra(written.letter),
                notification_id=notification_id,
            )
        except AddressRefused as error:
            async with single_statements(self._sessions) as session:
                await devices.forget_device(session, device.id)
            # The customer's other devices are not refused with this one.
            raise GatewayRejected(error.code, error.reason) from error
        async with single_statements(self._sessions) as session:
            await devices.note_delivery(
                session, notification_id, device.id, accepted.provider, accepted.message_id
            )
        return accepted


async def _paper(order: Order) -> Attachment:
    content = await asyncio.to_thread(render_order, order)
    return Attachment(
        filename=order_file_name(order), media_type="application/pdf", content=content
    )
