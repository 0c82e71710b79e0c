"""Where an order stands, in the words that its customer cares about."""

from __future__ import annotations

from collections.abc import Sequence

from db.fulfillment import Shipment
from domain.order import Order
from domain.statuses import OrderStatus, PaymentStatus
from domain.tracking import TrackingStatus

_T = TrackingStatus

# Of several parcels, the one that its customer should hear of first.
_FIRST_TOLD = (
    _T.LOST,
    _T.RETURNING,
    _T.REFUSED,
    _T.CANCELLED,
    _T.EXCEPTION,
    _T.ATTEMPT_FAILED,
    _T.EXPIRED,
    _T.AVAILABLE_FOR_PICKUP,
    _T.OUT_FOR_DELIVERY,
)
_BY_STATUS = {
    OrderStatus.PENDING: "awaiting_payment",
    OrderStatus.PENDING_RESTOCK: "restocking",
    OrderStatus.CONFIRMED: "confirmed",
    OrderStatus.PROCESSING: "packing",
    OrderStatus.DELIVERED: "delivered",
    OrderStatus.COMPLETED: "delivered",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.REFUNDED: "refunded",
}
TROUBLES = frozenset(
    {"lost", "returning", "refused", "carrier_cancelled", "exception", "attempt_failed", "expired"}
)
SITUATIONS = frozenset({*_BY_STATUS.values(), *TROUBLES}) | {
    "payment_review",
    "in_transit",
    "out_for_delivery",
    "available_for_pickup",
    "resent",
}


def situation_of(order: Order, shipments: Sequence[Shipment]) -> str:
    """One of `SITUATIONS`: the headline of the page, and what happens next."""
    if order.payment_status is PaymentStatus.REVIEW:
        return "payment_review"
    if order.status is not OrderStatus.SHIPPED:
        return _BY_STATUS[order.status]
    coming = [parcel for parcel in shipments if parcel.given_up_at is None]
    statuses = {parcel.status for parcel in coming if parcel.resent_as is None}
    if not statuses and coming:
        return "resent"
    told = next((status for status in _FIRST_TOLD if status in statuses), _T.IN_TRANSIT)
    # The carrier's word for it is also ours for a whole order that was called off.
    return "carrier_cancelled" if told is _T.CANCELLED else told.value
