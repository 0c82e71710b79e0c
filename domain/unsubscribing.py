"""The signed link that ends promotions to one address, without saying whose address it is.

The token is `{channel}.{address key}.{signature}`; it never expires (RFC 8058 wants the link of an
old mail to work) and can do nothing but opt out.
"""

from __future__ import annotations

import hashlib
import hmac

from domain.errors import PermanentError
from domain.notification import Channel
from domain.order import Value


class InvalidToken(PermanentError):
    """The link was not made by us, or was damaged on its way."""


class OptOut(Value):
    """Whom a link is for: an address on a channel, known by its key alone."""

    channel: Channel
    address_key: str


def address_key(channel: Channel, address: str) -> str:
    """What stands for an address where nobody needs to read it: 32 hex digits."""
    text = f"{channel}\x1f{address.strip().lower()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def sign_opt_out(channel: Channel, address: str, secret: str) -> str:
    """The token of the link for this address."""
    subject = f"{channel}.{address_key(channel, address)}"
    return f"{subject}.{_signature(subject, secret)}"


def read_opt_out(token: str, secret: str) -> OptOut:
    """Whom a token is for.

    Raises:
        InvalidToken: we did not sign it, or there is no secret to check with.
    """
    subject, _, signature = token.rpartition(".")
    expected = _signature(subject, secret)
    if not secret or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise InvalidToken("the link is not valid")
    channel, _, key = subject.partition(".")
    return OptOut(channel=Channel(channel), address_key=key)


def _signature(subject: str, secret: str) -> str:
    message = f"unsubscribe\x1f{subject}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:40]
