"""What went wrong at a mail relay, in the words of `gateways.errors`."""

from __future__ import annotations

import re
import ssl

import aiosmtplib

from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.messaging.refusals import AddressRefused

PROVIDER = "smtp"

# 530 authentication or STARTTLS required, 534 and 538 mechanism too weak, 535 wrong credentials.
_CONFIGURATION = frozenset({530, 534, 535, 538})

# RFC 5321 and, for 521 and 556, RFC 7504; RFC 3463 for the enhanced codes: 5.1.x is the address.
_NO_MAILBOX = frozenset({521, 550, 551, 553, 556})
_ENHANCED = re.compile(r"5\.(\d{1,3})\.\d{1,3}")


def translate(error: Exception) -> Exception:
    """The exception to raise instead of `error`.

    A refused connection stays a `ConnectionError`. Silence or a lost line once we are connected is
    `OutcomeUnknown`: the relay may have taken the mail, and sending it again beats losing it.
    """
    if _untrusted_certificate(error):
        return GatewayAuthError(f"the relay's certificate is not trusted: {error}")
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return _of_recipient(_mildest(error))
        case aiosmtplib.SMTPResponseException():
            return _from_code(error)
        case aiosmtplib.SMTPConnectError():
            return error
        case aiosmtplib.SMTPServerDisconnected() | TimeoutError() | OSError():
            return OutcomeUnknown(f"the relay fell silent: {error}")
        case _:
            # What is left is STARTTLS or AUTH that the relay does not offer.
            return GatewayAuthError(str(error))


def _of_recipient(reply: aiosmtplib.SMTPResponseException) -> Exception:
    """A refused recipient; policy (5.7.x) and full mailboxes (5.2.x) say nothing of the address."""
    enhanced = _ENHANCED.match(reply.message)
    if reply.code in _NO_MAILBOX and (enhanced is None or enhanced[1] == "1"):
        return AddressRefused(PROVIDER, str(reply.code), reply.message)
    return _from_code(reply)


def _from_code(reply: aiosmtplib.SMTPResponseException) -> Exception:
    if reply.code in _CONFIGURATION:
        return GatewayAuthError(f"{reply.code}: {reply.message}")
    if reply.code >= 500:
        return GatewayRejected(str(reply.code), reply.message)
    return RateLimited(f"{reply.code}: {reply.message}")


def _mildest(error: aiosmtplib.SMTPRecipientsRefused) -> aiosmtplib.SMTPResponseException:
    """A refusal is for good only if every recipient was refused for good."""
    return min(error.recipients, key=lambda refused: refused.code)


def _untrusted_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__
    return False
