"""Twilio's status callbacks: signed forms about messages on their way.

https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

from domain.notification import Channel, Receipt, ReceiptStatus
from gateways.errors import InvalidCallback
from gateways.http import header_value
from gateways.messaging.twilio import PROVIDER

SIGNATURE_HEADER = "X-Twilio-Signature"

_STATUSES: Mapping[str, ReceiptStatus | None] = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.DELIVERED,
    "partially_delivered": ReceiptStatus.UNDELIVERED,
    "undelivered": ReceiptStatus.UNDELIVERED,
    "failed": ReceiptStatus.UNDELIVERED,
    "canceled": ReceiptStatus.UNDELIVERED,
}
# 30004 blocked, 30005 no such number, 30006 a landline, 21610 said STOP.
_BAD_NUMBER = frozenset({"30004", "30005", "30006", "21610"})


class TwilioReceipts:
    """Meets `ReceiptReader`."""

    name = PROVIDER

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token

    def read(
        self, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[Receipt, ...]:
        """What a callback says; a status on the way to the operator says nothing yet.

        Raises:
            InvalidCallback: it is not signed with our token, or not of our account.
        """
        form = _form(body)
        signature = header_value(headers, SIGNATURE_HEADER)
        right = [
            hmac.compare_digest(sign(address, form, self._auth_token).encode(), signature.encode())
            for address in _addresses(url)
        ]
        if not any(right):
            raise InvalidCallback("the signature does not match")
        facts = dict(form)
        if facts.get("AccountSid") != self._account_sid:
            raise InvalidCallback("it is about another account")
        status = _status(facts.get("MessageStatus", ""))
        if status is None:
            return ()
        code = facts.get("ErrorCode", "")
        return (
            Receipt(
                channel=Channel.SMS,
                provider=PROVIDER,
                message_id=facts.get("MessageSid", ""),
                notification_id=parse_qs(urlsplit(url).query).get("n", [""])[0],
                status=status,
                code=code,
                bad_address=code in _BAD_NUMBER,
                at=now,
            ),
        )

    def acknowledgement(self) -> tuple[str, bytes]:
        """Twilio looks at the status alone; no body, no TwiML to act on."""
        return "text/plain", b""


def sign(url: str, form: list[tuple[str, str]], token: str) -> str:
    """Base64 of HMAC-SHA1 over the URL and each parameter, sorted, its name before its value."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise InvalidCallback("it is no form") from error


def _addresses(url: str) -> tuple[str, ...]:
    """Proxies and Twilio disagree on whether a standard port belongs to the URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = {"https": 443, "http": 80}.get(parts.scheme)
    if parts.port is None and port is not None:
        return url, parts._replace(netloc=f"{host}:{port}").geturl()
    if parts.port == port:
        return url, parts._replace(netloc=host).geturl()
    return (url,)


def _status(status: str) -> ReceiptStatus | None:
    try:
        return _STATUSES[status]
    except KeyError:
        raise InvalidCallback(f"an unknown status {status[:40]!r}") from None
