"""Alibaba Cloud's request signature, version 3 (`ACS3-HMAC-SHA256`), for RPC-style calls.

https://help.aliyun.com/document_detail/2712200.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The query as it is signed and sent: RFC 3986 encoding, sorted by name."""
    return "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in sorted(parameters.items())
    )


def signed_headers(
    *,
    host: str,
    path: str,
    action: str,
    version: str,
    query: str,
    key_id: str,
    key_secret: str,
    nonce: str,
    at: datetime,
) -> dict[str, str]:
    """All headers of a POST with an empty body; `host` with its port as it is sent."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    signature = sign("POST", path, query, headers, names, key_secret)
    credential = f"Credential={key_id},SignedHeaders={names},Signature={signature}"
    return {**headers, "authorization": f"{ALGORITHM} {credential}"}


def sign(
    method: str, path: str, query: str, headers: Mapping[str, str], names: str, key_secret: str
) -> str:
    """The signature, hex, over a request whose body's hash is among its headers."""
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";"))
    body_hash = headers["x-acs-content-sha256"]
    request = f"{method}\n{path}\n{query}\n{block}\n{names}\n{body_hash}"
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.new(key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
