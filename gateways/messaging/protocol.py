"""The contracts of the three channels that reach a customer.

Every sender raises `GatewayRejected` when this message can never be delivered (no such mailbox),
`GatewayAuthError` for our own misconfiguration, and anything else for what may pass.
"""

from __future__ import annotations

from typing import Protocol

from domain.notification import Accepted, EmailContent


class EmailSender(Protocol):
    """Sends one mail to one recipient."""

    async def send(
        self, *, to: str, to_name: str, content: EmailContent, notification_id: str
    ) -> Accepted:
        """Hand the mail to a relay; the Message-ID derives from `notification_id`."""


class SmsSender(Protocol):
    """Sends one text message; operators in China need the template, others the text."""

    async def send(
        self, *, to: str, template: str, params: dict[str, str], text: str, notification_id: str
    ) -> Accepted:
        """Hand the message to the provider; `to` is E.164."""


class PushSender(Protocol):
    """Sends one push message to all of a customer's devices."""

    async def send(
        self,
        *,
        customer_id: str,
        title: str,
        body: str,
        extra: dict[str, str],
        notification_id: str,
    ) -> Accepted:
        """Hand the message to the provider."""
