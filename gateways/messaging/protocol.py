"""The contracts of the three channels that reach a customer.

Every sender raises `AddressRefused` when nothing can reach this address, `GatewayRejected` when
this message can never be delivered, `GatewayAuthError` for our own misconfiguration,
`OutcomeUnknown` when the message may have been taken, and anything else for what may pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.notification import Accepted, Device, EmailContent, Receipt


class EmailSender(Protocol):
    """Sends one mail to one recipient."""

    async def send(
        self, *, to: str, to_name: str, content: EmailContent, notification_id: str
    ) -> Accepted:
        """Hand the mail to a relay; the Message-ID derives from `notification_id`."""


class SmsSender(Protocol):
    """Sends one text message; operators in China need the template, others the text.

    No provider knows idempotency keys for text messages: after an unknown outcome, `find` asks
    whether the message was taken.
    """

    async def send(
        self, *, to: str, template: str, params: dict[str, str], text: str, notification_id: str
    ) -> Accepted:
        """Hand the message to the provider; `to` is E.164."""

    async def find(
        self, *, to: str, text: str, notification_id: str, since: datetime
    ) -> Accepted | None:
        """The message if the provider took it since `since`; None if it did not."""


class PushSender(Protocol):
    """Sends one push message to one device.

    A message that goes out twice replaces itself on the device: both carry `notification_id` as
    the tag to collapse on.
    """

    async def send(
        self,
        *,
        device: Device,
        title: str,
        body: str,
        extra: dict[str, str],
        notification_id: str,
    ) -> Accepted:
        """Hand the message to the device's provider."""


class ReceiptReader(Protocol):
    """Understands a provider's news of messages that it had accepted."""

    @property
    def name(self) -> str:
        """The provider, as in the callback's path."""

    def read(
        self, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[Receipt, ...]:
        """What a callback says; `url` is the public one that the provider called.

        Raises:
            InvalidCallback: it does not prove where it comes from, or cannot be read.
            NoReport: it is authentic, and says nothing of a message.
        """

    def acknowledgement(self) -> tuple[str, bytes]:
        """Media type and body of the answer that stops the provider from repeating itself."""
