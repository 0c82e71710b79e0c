"""WeChat Pay's signatures: ours on requests, theirs on answers and callbacks.

https://pay.weixin.qq.com/doc/v3/merchant/4012365342 (API v3, `WECHATPAY2-SHA256-RSA2048`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from gateways.http import header_value

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW = timedelta(minutes=5)

# WeChat sends these now and then, to see that nobody lets a wrong signature pass.
_PROBE = "WECHATPAY/SIGNTEST/"
_UNIX = re.compile(r"[0-9]{1,12}", re.ASCII)
_NONCE = re.compile(r"[!-~]{1,128}", re.ASCII)


class BadSignature(Exception):
    """These bytes are not proven to come from WeChat, now."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who signs requests: `serial` names the merchant certificate that belongs to the key."""

    mchid: str
    serial: str
    private_key: RSAPrivateKey


@dataclass(frozen=True, slots=True)
class WeChatKey:
    """The one key that WeChat's messages are believed with, and the id that they name it by."""

    id: str
    public_key: RSAPublicKey


def authorization(
    merchant: Merchant, method: str, target: str, body: bytes, *, now: datetime, nonce: str
) -> str:
    """The `Authorization` header of a request; `target` is the path with its query, as sent."""
    timestamp = str(int(now.timestamp()))
    message = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    signature = base64.b64encode(merchant.private_key.sign(message, PKCS1v15(), SHA256()))
    parts = {
        "mchid": merchant.mchid,
        "nonce_str": nonce,
        "timestamp": timestamp,
        "serial_no": merchant.serial,
        "signature": signature.decode(),
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in parts.items())


def verify(headers: Mapping[str, str], body: bytes, key: WeChatKey, now: datetime) -> None:
    """Check that WeChat signed exactly these bytes, less than five minutes away from `now`.

    Raises:
        BadSignature: it did not, or with a key that is not `key`.
    """
    # Most messages do not name their scheme; then it is this one.
    if header_value(headers, "Wechatpay-Signature-Type") not in {"", SCHEME}:
        raise BadSignature("the signature is of another kind")
    # Nothing is fetched for a key that is not known: anybody could make us ask.
    if header_value(headers, "Wechatpay-Serial") != key.id:
        raise BadSignature("the signature is missing, or made with a key that is not known here")
    timestamp = header_value(headers, "Wechatpay-Timestamp")
    _check_window(timestamp, now)
    nonce = header_value(headers, "Wechatpay-Nonce")
    if not _NONCE.fullmatch(nonce):
        raise BadSignature("the nonce is missing or malformed")
    signature = _decoded(header_value(headers, "Wechatpay-Signature"))
    message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    try:
        key.public_key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise BadSignature("the signature does not match") from None


def _check_window(timestamp: str, now: datetime) -> None:
    if not _UNIX.fullmatch(timestamp):
        raise BadSignature("the timestamp is missing or malformed")
    if abs(now.timestamp() - int(timestamp)) >= WINDOW.total_seconds():
        raise BadSignature("the signature is stale, or from the future")


def _decoded(signature: str) -> bytes:
    if signature.startswith(_PROBE):
        raise BadSignature("it is a probe of WeChat's, which must fail")
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError as error:
        # binascii.Error is one; so is what a text that is not ASCII raises.
        kind = type(error).__name__
        raise BadSignature(f"the signature cannot be read ({kind})") from None
