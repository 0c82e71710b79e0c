"""Kuaidi100's signatures: MD5, upper-case hex, over the exact text that travels.

Queries: `MD5(param + key + customer)`; pushes: `MD5(param + salt)`, with the salt that was given
when the parcel was subscribed. https://api.kuaidi100.com/document
"""

from __future__ import annotations

import hashlib
import hmac


def sign_query(param: str, key: str, customer: str) -> str:
    """The `sign` of a query."""
    return _digest(param + key + customer)


def sign_push(param: str, salt: str) -> str:
    """The `sign` of a push."""
    return _digest(param + salt)


def is_signed(param: str, given: str, salt: str) -> bool:
    """Whether the holder of `salt` signed exactly this text; compared in constant time."""
    expected = sign_push(param, salt)
    # Documented in upper case, seen in lower case.
    return hmac.compare_digest(expected.encode(), given.strip().upper().encode())


def _digest(text: str) -> str:
    # The provider's choice; what it protects is asked for anew before money moves.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
