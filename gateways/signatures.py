"""Signed callbacks: `t=<unix>,v1=<hex HMAC-SHA256 of "{t}.{raw body}">`, as the warehouse sends.

Several `v1` may stand in one header, so that a secret can be replaced without a gap.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from gateways.errors import InvalidCallback
from gateways.http import header_value

SIGNATURE_HEADER = "X-Orderflow-Signature"
WINDOW = timedelta(seconds=300)

_UNIX = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


class SignatureHeader(NamedTuple):
    """A signature header taken apart. `timestamp` is unix seconds, as text, as it was signed."""

    timestamp: str
    signatures: tuple[str, ...]


def sign(body: bytes, secret: str, now: datetime) -> str:
    """The signature header's value for `body`, signed at `now`."""
    timestamp = str(int(now.timestamp()))
    return f"t={timestamp},v1={_digest(timestamp, body, secret)}"


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Check that the holder of `secret` signed exactly these bytes, at most 300 s away from `now`.

    Raises:
        InvalidCallback: it did not, or there is no secret to check with.
    """
    if not secret.strip():
        raise InvalidCallback("callbacks are off: no secret is configured")
    header = parse_header(header_value(headers, SIGNATURE_HEADER))
    expected = _digest(header.timestamp, body, secret)
    # Every candidate is compared: the time taken must not tell which one was close.
    matches = [hmac.compare_digest(expected, signature) for signature in header.signatures]
    if not any(matches):
        raise InvalidCallback("the signature does not match")
    check_window(header.timestamp, now)


def parse_header(value: str) -> SignatureHeader:
    """Take a `t=…,v1=…` header apart; schemes other than v1 are ignored.

    Raises:
        InvalidCallback: it is missing, has not exactly one `t`, or no `v1` of 64 hex digits.
    """
    if not value:
        raise InvalidCallback("the signature is missing")
    parts = [part.strip().partition("=") for part in value.split(",")]
    timestamps = [text for name, _, text in parts if name == "t"]
    signatures = tuple(text for name, _, text in parts if name == "v1" and _HEX.fullmatch(text))
    if len(timestamps) != 1 or not _UNIX.fullmatch(timestamps[0]):
        raise InvalidCallback("the signature header needs one t=<unix seconds>")
    if not signatures:
        raise InvalidCallback("the signature header has no v1=<hex>")
    return SignatureHeader(timestamps[0], signatures)


def check_window(timestamp: str, now: datetime) -> None:
    """Refuse what was signed more than 300 s before or after `now`.

    Raises:
        InvalidCallback: it was.
    """
    if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise InvalidCallback("the signature is stale, or from the future")


def _digest(timestamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
