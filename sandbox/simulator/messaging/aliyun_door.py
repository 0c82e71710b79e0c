"""Who may call Alibaba Cloud: signature version 3, as its gateway checks it.

https://help.aliyun.com/document_detail/2712200.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})"
)
_WINDOW = timedelta(minutes=15)
_MUST_BE_SIGNED = frozenset(
    {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version"}
)


class Turned(Exception):
    """The gateway turns a request away."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


def admit(request: Request, key_id: str, key_secret: str, nonces: set[str], now: datetime) -> None:
    """Check who signed a request.

    Raises:
        Turned: nobody whom we know, not this request, not now, or not for the first time.
    """
    headers = request.headers
    given = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if given is None:
        raise Turned("IncompleteSignature", "the Authorization header is malformed")
    credential, names, signature = given.groups()
    if credential != key_id:
        raise Turned("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
    signed = names.split(";")
    if signed != sorted(signed) or not set(signed) >= _MUST_BE_SIGNED:
        raise Turned("IncompleteSignature", "not all headers are signed")
    block = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed)
    query = "&".join(sorted(request.url.query.split("&")))
    parts = (
        request.method,
        request.url.path,
        query,
        block,
        names,
        headers.get("x-acs-content-sha256", ""),
    )
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    expected = hmac.digest(
        key_secret.encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), hashlib.sha256
    )
    if not hmac.compare_digest(expected.hex(), signature):
        raise Turned("SignatureDoesNotMatch", "Specified signature does not match.")
    _fresh(headers.get("x-acs-date", ""), headers.get("x-acs-signature-nonce", ""), nonces, now)


def _fresh(date: str, nonce: str, nonces: set[str], now: datetime) -> None:
    try:
        at = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Turned("InvalidTimeStamp.Format", "x-acs-date is malformed") from None
    if abs(now - at) > _WINDOW:
        raise Turned("InvalidTimeStamp.Expired", "x-acs-date is too far away")
    if not nonce or nonce in nonces:
        raise Turned("SignatureNonceUsed", "Specified signature nonce was used already.")
    nonces.add(nonce)
