"""What AfterShip's tags say in our words (Tracking API 2026-07, "Delivery Statuses")."""

from __future__ import annotations

from collections.abc import Mapping

from domain.tracking import TrackingStatus

_T = TrackingStatus

TAGS: Mapping[str, TrackingStatus] = {
    "Pending": _T.CREATED,
    "InfoReceived": _T.INFO_RECEIVED,
    "InTransit": _T.IN_TRANSIT,
    "OutForDelivery": _T.OUT_FOR_DELIVERY,
    "AvailableForPickup": _T.AVAILABLE_FOR_PICKUP,
    "AttemptFail": _T.ATTEMPT_FAILED,
    "Delivered": _T.DELIVERED,
    "Exception": _T.EXCEPTION,
    "Expired": _T.EXPIRED,
}

# The few subtags that say more than their tag.
SUBTAGS: Mapping[str, TrackingStatus] = {
    "InTransit_002": _T.PICKED_UP,
    "Exception_003": _T.REFUSED,
    "Exception_009": _T.CANCELLED,
    "Exception_010": _T.RETURNING,
    "Exception_011": _T.RETURNED,
    "Exception_013": _T.LOST,
}

# With `return_to_sender`, the parcel moves towards us: what arrives, arrives back.
ON_THE_WAY_BACK: Mapping[TrackingStatus, TrackingStatus] = {
    _T.PICKED_UP: _T.RETURNING,
    _T.IN_TRANSIT: _T.RETURNING,
    _T.OUT_FOR_DELIVERY: _T.RETURNING,
    _T.AVAILABLE_FOR_PICKUP: _T.RETURNING,
    _T.ATTEMPT_FAILED: _T.RETURNING,
    _T.REFUSED: _T.RETURNING,
    _T.EXCEPTION: _T.RETURNING,
    _T.DELIVERED: _T.RETURNED,
}


def status_of(
    tag: str | None, subtag: str | None = None, *, return_to_sender: bool = False
) -> TrackingStatus:
    """The status that a tag stands for; one that is not known is `UNKNOWN`, never an error."""
    status = SUBTAGS.get(subtag or "") or TAGS.get(tag or "", _T.UNKNOWN)
    return ON_THE_WAY_BACK.get(status, status) if return_to_sender else status
