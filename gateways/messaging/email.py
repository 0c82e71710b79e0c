"""Mail through an SMTP relay (RFC 5321)."""

from __future__ import annotations

import ssl
from datetime import timedelta
from typing import Literal

import aiosmtplib

from domain.notification import Accepted, EmailContent
from gateways.messaging.mime import build_message, parse_sender
from gateways.messaging.smtp_errors import PROVIDER, translate
from gateways.messaging.smtp_lines import SmtpLines

Tls = Literal["implicit", "starttls", "none"]


class SmtpSender:
    """An `EmailSender` that hands mails to one relay.

    Whether the line is encrypted is said, never negotiated: with `starttls`, a relay that does not
    offer it is an error. At most `max_connections` mails are on their way at once, on lines that
    stay open for the next ones until `aclose`. Signing (DKIM) is the relay's. SMTP has no
    idempotency key, so delivery is at least once.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: Tls,
        username: str,
        password: str,
        sender: str,
        timeout: timedelta,
        bounce_address: str = "",
        max_connections: int = 8,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Remember the relay; nothing is connected yet.

        Args:
            host: the relay's name, which its certificate must carry.
            port: usually 465 for `implicit`, 587 for `starttls`.
            tls: how the line is encrypted.
            username: empty for a relay that wants no login.
            password: belongs to `username`.
            sender: `Name <user@domain>`.
            timeout: for each command, not for the whole mail.
            bounce_address: where reports about mails come back to; if empty, to the sender.
            max_connections: mails on their way at once.
            tls_context: trust other roots than the system's.

        Raises:
            ValueError: `sender` or `bounce_address` is not an address.
        """
        self._sender = parse_sender(sender)
        self._return_path = parse_sender(bounce_address or sender).addr_spec
        self._lines = SmtpLines(
            lambda: aiosmtplib.SMTP(
                hostname=host,
                port=port,
                username=username or None,
                password=password if username else None,
                use_tls=tls == "implicit",
                # False, not None: None would go on in clear text if STARTTLS is missing.
                start_tls=tls == "starttls",
                tls_context=tls_context,
                timeout=timeout.total_seconds(),
                # The default asks DNS for our own name, which may hang in a container.
                local_hostname=self._sender.domain,
            ),
            max_connections,
        )

    async def send(
        self, *, to: str, to_name: str, content: EmailContent, notification_id: str
    ) -> Accepted:
        """Hand one mail to the relay.

        Raises:
            GatewayRejected: this mail can never be delivered (a 5xx reply, an impossible address).
            GatewayAuthError: login, encryption or certificate: the configuration is wrong.
            RateLimited: the relay says "not now" (a 4xx reply).
            OutcomeUnknown: the relay fell silent and may have taken the mail.
            ConnectionError: the relay cannot be reached.
        """
        message = build_message(
            sender=self._sender,
            to=to,
            to_name=to_name,
            content=content,
            notification_id=notification_id,
        )
        try:
            async with self._lines.borrow() as line:
                await line.send_message(message, sender=self._return_path)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise translate(error) from error
        return Accepted(provider=PROVIDER, message_id=str(message["Message-ID"]))

    async def aclose(self) -> None:
        """Take leave of the relay; mails that are under way are not disturbed."""
        await self._lines.aclose()
