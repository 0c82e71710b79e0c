"""Bounced mail: delivery reports that our mail server passes on, signed as the warehouse signs.

The signature proves that our server passed a report on, not who wrote it: whoever has seen a mail
of ours can make one up about it. So a report may do no more than say what became of that mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.notification import Channel, Receipt, ReceiptStatus
from gateways import signatures
from gateways.messaging.delivery_status import Fate, Report, read_report
from gateways.messaging.mime import notification_of
from gateways.messaging.smtp_errors import PROVIDER

_MEANINGS: Mapping[str, ReceiptStatus] = {
    "failed": ReceiptStatus.UNDELIVERED,
    "delayed": ReceiptStatus.SENT,
    "relayed": ReceiptStatus.SENT,
    "expanded": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
}
_LEAST_BAD = (ReceiptStatus.UNDELIVERED, ReceiptStatus.SENT, ReceiptStatus.DELIVERED)
# RFC 3463 and, for 5.1.10, RFC 7505: no such mailbox, domain or syntax, moved, takes no mail, or
# disabled. Of 5.1.x, .0 may be about the sender, .7 and .8 are; a full mailbox (5.2.2) is good.
_BAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1"})


class MailReceipts:
    """Meets `ReceiptReader`."""

    name = "email"

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def read(
        self,
        url: str,  # noqa: ARG002 - the body alone is signed
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
    ) -> tuple[Receipt, ...]:
        """What a report says of the one mail that it is about.

        Raises:
            InvalidCallback: it is not signed with our secret, or not of these minutes.
            NoReport: it says nothing of a mail.
        """
        signatures.verify(headers, body, self._secret, now)
        return (_receipt(read_report(body), now),)

    def acknowledgement(self) -> tuple[str, bytes]:
        """It is read by our own command line, which looks at the status alone."""
        return "application/json", b'{"status":"taken"}'


def _receipt(report: Report, now: datetime) -> Receipt:
    """Of several recipients (somebody forwards their mail) it is enough if one was reached."""
    own = [fate for fate in report.fates if report.to in fate.addresses]
    best = max(own or report.fates, key=lambda fate: _LEAST_BAD.index(_MEANINGS[fate.action]))
    status = _MEANINGS[best.action]
    undelivered = status is ReceiptStatus.UNDELIVERED
    return Receipt(
        channel=Channel.EMAIL,
        provider=PROVIDER,
        message_id=report.message_id,
        notification_id=notification_of(report.message_id),
        status=status,
        code=best.status,
        bad_address=undelivered and best.status in _BAD_ADDRESS and _is_ours(best, report),
        at=min(report.at or now, now),
    )


def _is_ours(fate: Fate, report: Report) -> bool:
    """Whether it is about the address that we wrote to, not one that mail is forwarded to."""
    return not report.to or report.to in fate.addresses
