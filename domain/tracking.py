"""Where a parcel is, in one vocabulary for all carriers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.order import Value
from domain.statuses import ShippingStatus


class TrackingStatus(StrEnum):
    """A parcel's status; the names follow what carriers and aggregators agree on."""

    CREATED = "created"
    INFO_RECEIVED = "info_received"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    ATTEMPT_FAILED = "attempt_failed"
    REFUSED = "refused"
    LOST = "lost"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    EXCEPTION = "exception"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


TERMINAL = frozenset({TrackingStatus.DELIVERED, TrackingStatus.RETURNED, TrackingStatus.CANCELLED})

_T, _S = TrackingStatus, ShippingStatus

# What the order's shipping status becomes; a status that says nothing new is not listed.
SHIPPING_STATUS: dict[TrackingStatus, ShippingStatus] = {
    _T.PICKED_UP: _S.IN_TRANSIT,
    _T.IN_TRANSIT: _S.IN_TRANSIT,
    _T.OUT_FOR_DELIVERY: _S.OUT_FOR_DELIVERY,
    _T.AVAILABLE_FOR_PICKUP: _S.OUT_FOR_DELIVERY,
    _T.ATTEMPT_FAILED: _S.EXCEPTION,
    _T.REFUSED: _S.EXCEPTION,
    _T.LOST: _S.EXCEPTION,
    _T.DELIVERED: _S.DELIVERED,
    _T.RETURNING: _S.EXCEPTION,
    _T.RETURNED: _S.RETURNED,
    _T.EXCEPTION: _S.EXCEPTION,
    _T.CANCELLED: _S.EXCEPTION,
    _T.EXPIRED: _S.EXCEPTION,
}


class TrackingEvent(Value):
    """One checkpoint. `dedupe_key` is the same for the same checkpoint whoever reports it.

    `raw_status` is the provider's own word, kept because `status` may be UNKNOWN.
    """

    dedupe_key: str
    occurred_at: datetime
    status: TrackingStatus
    description: str = ""
    location: str = ""
    raw_status: str = ""


class TrackingSnapshot(Value):
    """A parcel as its carrier sees it now, with its checkpoints oldest first.

    Ours are `silent` (nobody has scanned it for as long as we are ready to wait) and `asked` (how
    often we had to ask for this, 0 if we did not). With `corrected`, the provider has found out
    that `carrier` is another one than we had named.
    """

    tracking_number: str
    carrier: str
    status: TrackingStatus
    events: tuple[TrackingEvent, ...] = ()
    estimated_delivery: datetime | None = None
    delivered_at: datetime | None = None
    signed_by: str = ""
    raw_status: str = ""
    silent: bool = False
    asked: int = 0
    corrected: bool = False


class TrackingCallback(Value):
    """A verified message from a tracking aggregator; `dedupe_key` is the aggregator's event id."""

    dedupe_key: str
    snapshot: TrackingSnapshot
