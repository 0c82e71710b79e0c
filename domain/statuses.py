"""Order, payment and shipping statuses, and the transitions that are allowed between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from domain.errors import PermanentError

T = TypeVar("T", bound=StrEnum)


class OrderStatus(StrEnum):
    """Where an order is on its way from checkout to the door."""

    PENDING = "pending"
    PENDING_RESTOCK = "pending_restock"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class PaymentStatus(StrEnum):
    """Where the order's money is."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    REVIEW = "review"


class ShippingStatus(StrEnum):
    """Where the order's goods are."""

    PENDING = "pending"
    PICKING = "picking"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    RETURNED = "returned"


class IllegalTransition(PermanentError):
    """A status was asked to become one that it cannot become."""


O, P, S = OrderStatus, PaymentStatus, ShippingStatus

ORDER_TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    O.PENDING: frozenset({O.PENDING_RESTOCK, O.CONFIRMED, O.CANCELLED}),
    O.PENDING_RESTOCK: frozenset({O.PENDING, O.CANCELLED}),
    O.CONFIRMED: frozenset({O.PROCESSING, O.CANCELLED, O.REFUNDED}),
    O.PROCESSING: frozenset({O.SHIPPED, O.CANCELLED, O.REFUNDED}),
    O.SHIPPED: frozenset({O.DELIVERED, O.REFUNDED}),
    O.DELIVERED: frozenset({O.COMPLETED, O.REFUNDED}),
    O.COMPLETED: frozenset({O.REFUNDED}),
    O.CANCELLED: frozenset({O.REFUNDED}),
    O.REFUNDED: frozenset(),
}

# A failed payment may be followed by a paid one: the customer tries again while the hold lives.
# Money that comes late is there, too, until it has gone back: even after a refund. A refund that
# the bank returns makes the money ours again.
PAYMENT_TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    P.PENDING: frozenset({P.PAID, P.FAILED, P.REFUNDED, P.REVIEW}),
    P.FAILED: frozenset({P.PENDING, P.PAID, P.REFUNDED, P.REVIEW}),
    P.PAID: frozenset({P.PARTIALLY_REFUNDED, P.REFUNDED, P.REVIEW}),
    P.PARTIALLY_REFUNDED: frozenset({P.PAID, P.REFUNDED, P.REVIEW}),
    P.REFUNDED: frozenset({P.PAID, P.PARTIALLY_REFUNDED, P.REVIEW}),
    P.REVIEW: frozenset({P.PAID, P.PARTIALLY_REFUNDED, P.REFUNDED}),
}

# Carriers correct themselves: a parcel in exception may move on, one may come back from the door.
SHIPPING_TRANSITIONS: Mapping[ShippingStatus, frozenset[ShippingStatus]] = {
    S.PENDING: frozenset({S.PICKING}),
    S.PICKING: frozenset({S.IN_TRANSIT, S.PENDING}),
    S.IN_TRANSIT: frozenset({S.OUT_FOR_DELIVERY, S.DELIVERED, S.EXCEPTION, S.RETURNED}),
    S.OUT_FOR_DELIVERY: frozenset({S.IN_TRANSIT, S.DELIVERED, S.EXCEPTION, S.RETURNED}),
    S.EXCEPTION: frozenset({S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED, S.RETURNED}),
    S.DELIVERED: frozenset({S.RETURNED}),
    S.RETURNED: frozenset(),
}


def check_order(current: OrderStatus, new: OrderStatus) -> None:
    """Allow `current` to become `new`; the same status again is no transition.

    Raises:
        IllegalTransition: the order cannot go that way.
    """
    _check("order", current, new, ORDER_TRANSITIONS)


def check_payment(current: PaymentStatus, new: PaymentStatus) -> None:
    """Allow the money status `current` to become `new`.

    Raises:
        IllegalTransition: the money cannot go that way.
    """
    _check("payment", current, new, PAYMENT_TRANSITIONS)


def check_shipping(current: ShippingStatus, new: ShippingStatus) -> None:
    """Allow the goods status `current` to become `new`.

    Raises:
        IllegalTransition: the goods cannot go that way.
    """
    _check("shipping", current, new, SHIPPING_TRANSITIONS)


def _check(what: str, current: T, new: T, table: Mapping[T, frozenset[T]]) -> None:
    if new != current and new not in table[current]:
        allowed = ", ".join(sorted(table[current])) or "nothing"
        raise IllegalTransition(f"{what} status {current} cannot become {new} (only: {allowed})")
