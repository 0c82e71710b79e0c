"""How the tests of this folder build a sender and send one mail with it."""

from __future__ import annotations

import ssl
from contextlib import aclosing
from datetime import timedelta

from domain.notification import Accepted, EmailContent
from gateways.messaging.email import SmtpSender, Tls

CONTENT = EmailContent(
    subject="订单确认 - EC-20261121-8F3K2M",
    text="您的订单已确认。\n",
    html="<p>您的订单<b>已确认</b>。</p>\n",
)


def sender(
    port: int,
    *,
    tls: Tls = "none",
    username: str = "",
    password: str = "",
    timeout: float = 5,
    bounce_address: str = "",
    max_connections: int = 8,
    tls_context: ssl.SSLContext | None = None,
) -> SmtpSender:
    return SmtpSender(
        "127.0.0.1",
        port,
        tls=tls,
        username=username,
        password=password,
        sender="示例商城 <noreply@shop.example.com>",
        timeout=timedelta(seconds=timeout),
        bounce_address=bounce_address,
        max_connections=max_connections,
        tls_context=tls_context,
    )


async def send(
    through: SmtpSender,
    *,
    to: str = "anna@example.com",
    to_name: str = "Anna",
    content: EmailContent = CONTENT,
    notification_id: str = "N0001",
) -> Accepted:
    """Send one mail and take leave, as a worker does when it stops."""
    async with aclosing(through):
        return await through.send(
            to=to, to_name=to_name, content=content, notification_id=notification_id
        )
