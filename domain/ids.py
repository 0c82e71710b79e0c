"""Identifiers: one alphabet that all payment providers accept, `[0-9A-Z]`, 27 characters."""

from __future__ import annotations

import hashlib
from uuid import UUID

# Crockford's base 32: no I, L, O or U, so ids survive being read over the phone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

ORDER = "O"
PAYMENT = "P"
REFUND = "R"
HOLD = "H"
PICKING_LIST = "K"
SHIPMENT = "S"
SUPPLY = "U"
RETURN = "B"


def encode_id(prefix: str, source: UUID) -> str:
    """`prefix` and 26 base-32 characters of `source`: a valid id at every provider."""
    number = source.int
    digits = ""
    for _ in range(26):
        number, remainder = divmod(number, 32)
        digits = _ALPHABET[remainder] + digits
    return prefix + digits


def derived_id(prefix: str, *parts: str) -> str:
    """An id that is the same whenever `parts` are the same."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return encode_id(prefix, UUID(bytes=digest[:16]))


def idempotency_key(subject: str, operation: str, number: int = 1) -> str:
    """The key of one intended effect, `{id}:{operation}:{n}`; it never contains an attempt."""
    return f"{subject}:{operation}:{number}"


def order_workflow_id(order_id: str) -> str:
    """The id of the workflow that owns `order_id`."""
    return f"order-{order_id}"


def restock_workflow_id(warehouse_id: str, sku: str) -> str:
    """The id of the workflow that restocks one SKU in one warehouse."""
    return f"restock-{warehouse_id}-{sku}"


def after_sales_workflow_id(order_id: str) -> str:
    """The id of the workflow that looks after an order once it is delivered."""
    return f"after-sales-{order_id}"


def stand_in_workflow_id(notification_id: str) -> str:
    """The id of the workflow that tells a customer what a message did not bring them."""
    return f"stand-in-{notification_id}"


def refund_of_return(return_id: str) -> str:
    """The id of the first refund that is made for a return; retries have other ones."""
    return derived_id(REFUND, return_id)


def refund_of_lacking(return_id: str) -> str:
    """The id of the first refund for what an exchange has not brought."""
    return derived_id(REFUND, return_id, "lacking")
