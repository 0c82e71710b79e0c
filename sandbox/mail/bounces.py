"""What becomes of a mail after it was accepted: a delivery report, as Postfix writes them.

RFC 3464, in the envelope of RFC 6522; the reports go to Orderflow as its own mail server would pass
them on: as they are, and signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from secrets import token_hex

import httpx

from gateways.signatures import SIGNATURE_HEADER, sign
from sandbox.mail.store import MailStore

_HOST = "mail.orderflow.example"

# What the host on the other side says, unless another code is wanted.
USUAL: Mapping[str, str] = {
    "failed": "5.1.1",
    "delayed": "4.4.1",
    "delivered": "2.0.0",
    "relayed": "2.0.0",
    "expanded": "2.0.0",
}
_SAYINGS: Mapping[str, str] = {
    "5.1.1": "550 5.1.1 User unknown",
    "5.2.2": "552 5.2.2 Mailbox full",
    "4.4.1": "connect to the mail host: Connection timed out",
}
_SUBJECTS = {
    "failed": "Undelivered Mail Returned to Sender",
    "delayed": "Delayed Mail (still being retried)",
}


class Postmaster:
    """Writes reports about the mails of a store, and passes them on to the API."""

    def __init__(self, store: MailStore, api: str, secret: str) -> None:
        self._store = store
        self._url = f"{api.rstrip('/')}/callbacks/messages/email"
        self._secret = secret

    async def report(self, mail_id: str, action: str, status: str = "") -> httpx.Response | None:
        """Report on a mail that is there; the API's answer, or None if there was none."""
        content = self._store.raw(mail_id) or b""
        now = datetime.now(UTC)
        body = compose_report(content, action, status or USUAL[action], now)
        headers = {
            "Content-Type": "message/rfc822",
            SIGNATURE_HEADER: sign(body, self._secret, now),
        }
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            try:
                return await client.post(self._url, content=body, headers=headers)
            except httpx.TransportError:
                return None


def compose_report(content: bytes, action: str, status: str, now: datetime) -> bytes:
    """The report about a mail, whose headers say whom it was delivered to and who sent it."""
    headers = BytesHeaderParser().parsebytes(content)
    recipient = str(headers["Delivered-To"])
    sender = str(headers.get("Return-Path", "")).strip("<>")
    queue_id = token_hex(5).upper()
    boundary = f"{queue_id}.{int(now.timestamp())}/{_HOST}"
    says = _SAYINGS.get(status, f"{status[0]}50 {status} {action}")
    returned = content.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    text = f"""\
Return-Path: <>
Date: {format_datetime(now)}
From: MAILER-DAEMON@{_HOST} (Mail Delivery System)
Subject: {_SUBJECTS.get(action, "Successful Mail Delivery Report")}
To: {sender}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="{boundary}"
Message-Id: <{now:%Y%m%d%H%M%S}.{queue_id}@{_HOST}>

This is a MIME-encapsulated message.

--{boundary}
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host {_HOST}.

This is what became of your message.

                   The mail system

<{recipient}>: {says}

--{boundary}
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; {_HOST}
X-Postfix-Queue-ID: {queue_id}
X-Postfix-Sender: rfc822; {sender}
Arrival-Date: {format_datetime(now)}

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {says}

--{boundary}
Content-Description: Message Headers
Content-Type: text/rfc822-headers

"""
    end = f"\r\n\r\n--{boundary}--\r\n"
    return (text.replace("\n", "\r\n") + returned + end).encode()
