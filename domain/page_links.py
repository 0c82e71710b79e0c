"""The signed link to a customer's page of one order.

The token is `{key id}.{signature}`. It says nothing and holds for this order's page alone; how long
the page is there after the order's end is decided when it is opened.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from domain.order import Value
from domain.statuses import OrderStatus

_BYTES = 18
_ENDED = {OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}


class LinkKeys(Value):
    """The keys by their ids; the first one signs, all of them open. Without any there are no pages.

    A key that is replaced stays second for as long as its links are to work.
    """

    signing: str = ""
    keys: Mapping[str, bytes] = {}

    @classmethod
    def from_ring(cls, ring: Sequence[tuple[str, str]]) -> LinkKeys:
        """From pairs of id and base64."""
        keys = {key_id: base64.b64decode(encoded) for key_id, encoded in ring}
        return cls(signing=ring[0][0] if ring else "", keys=keys)

    def sign(self, order_number: str) -> str:
        """The token of an order's page; empty without keys."""
        if not self.signing:
            return ""
        return f"{self.signing}.{_signature(order_number, self.keys[self.signing])}"

    def opens(self, order_number: str, token: str) -> bool:
        """Whether we signed this token for this order; takes as long for every answer."""
        key_id, _, signature = token.partition(".")
        known = self.keys.get(key_id)
        expected = _signature(order_number, known or b"no such key")
        same = hmac.compare_digest(expected.encode(), signature.encode())
        return same and known is not None


def page_path(order_number: str, token: str) -> str:
    """The page's path and query."""
    return f"/t/{quote(order_number, safe='')}?k={quote(token, safe='')}"


def is_over(status: OrderStatus, changed_at: datetime, now: datetime, life: timedelta) -> bool:
    """Whether the page of an order that ended at `changed_at` is there no more."""
    return status in _ENDED and now - changed_at > life


def _signature(order_number: str, key: bytes) -> str:
    digest = hmac.new(key, f"page\x1f{order_number}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()
