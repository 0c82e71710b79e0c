"""AfterShip's tracking object, and its tags for the statuses of our parcels.

https://www.aftership.com/docs/tracking/2026-07/enum/delivery-sub-statuses
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.tracking import TrackingStatus
from sandbox.simulator.carrier import Checkpoint, Parcel

_T = TrackingStatus


class Tag(NamedTuple):
    """A status in AfterShip's words."""

    tag: str
    subtag: str
    message: str
    scan: str


TAGS: Mapping[TrackingStatus, Tag] = {
    _T.CREATED: Tag("Pending", "Pending_001", "Pending", "No news yet"),
    _T.UNKNOWN: Tag("Pending", "Pending_001", "Pending", "No news"),
    _T.INFO_RECEIVED: Tag(
        "InfoReceived", "InfoReceived_001", "Info Received", "Order information received"
    ),
    _T.PICKED_UP: Tag("InTransit", "InTransit_002", "Acceptance scan", "Picked up by courier"),
    _T.IN_TRANSIT: Tag("InTransit", "InTransit_001", "In transit", "Departed from the hub"),
    _T.OUT_FOR_DELIVERY: Tag(
        "OutForDelivery", "OutForDelivery_001", "Out for Delivery", "With the courier"
    ),
    _T.AVAILABLE_FOR_PICKUP: Tag(
        "AvailableForPickup", "AvailableForPickup_001", "Available for pickup", "At a parcel locker"
    ),
    _T.ATTEMPT_FAILED: Tag("AttemptFail", "AttemptFail_001", "Failed Attempt", "Nobody at home"),
    _T.REFUSED: Tag(
        "Exception", "Exception_003", "Customer refused delivery", "Refused at the door"
    ),
    _T.LOST: Tag("Exception", "Exception_013", "Shipment lost", "The parcel cannot be found"),
    _T.DELIVERED: Tag(
        "Delivered", "Delivered_003", "Sign by customer", "Signed for by the recipient"
    ),
    _T.RETURNING: Tag("Exception", "Exception_010", "Returning to sender", "On its way back"),
    _T.RETURNED: Tag("Exception", "Exception_011", "Returned to sender", "Back at the sender's"),
    _T.EXCEPTION: Tag("Exception", "Exception_001", "Exception", "Delayed by an incident"),
    _T.CANCELLED: Tag(
        "Exception", "Exception_009", "Rejected by carrier", "The carrier cancelled the shipment"
    ),
    _T.EXPIRED: Tag("Expired", "Expired_001", "Expired", "No news for 30 days"),
}
_GOING_BACK = frozenset({_T.RETURNING, _T.RETURNED})


def tracking_object(parcel: Parcel) -> dict[str, object]:
    """The tracking as the API and the webhooks show it."""
    tag = TAGS[parcel.status]
    delivered = parcel.status is _T.DELIVERED
    last = parcel.checkpoints[-1].at if parcel.checkpoints else None
    failed = [c for c in parcel.checkpoints if c.status is _T.ATTEMPT_FAILED]
    link = f"https://www.sf-express.com/chn/sc/waybill/waybill-detail/{parcel.tracking_number}"
    return {
        "id": parcel.tracking_id,
        "legacy_id": parcel.tracking_id[:24],
        "created_at": parcel.registered_at,
        "updated_at": last or parcel.registered_at,
        "tracking_number": parcel.tracking_number,
        "slug": parcel.slug,
        "active": not delivered,
        "order_id": parcel.order_id or None,
        "order_number": parcel.order_number or None,
        "title": parcel.tracking_number,
        "tag": tag.tag,
        "subtag": tag.subtag,
        "subtag_message": tag.message,
        "checkpoints": [_checkpoint(parcel, checkpoint) for checkpoint in parcel.checkpoints],
        "courier_tracking_link": link,
        "courier_redirect_link": link,
        "courier_estimated_delivery_date": (
            {"estimated_delivery_date": parcel.estimated_delivery, "confidence_score": None}
            if parcel.estimated_delivery
            else None
        ),
        "expected_delivery": parcel.estimated_delivery or None,
        "shipment_delivery_date": last if delivered else None,
        "first_attempted_at": failed[0].at if failed else (last if delivered else None),
        "failed_delivery_attempts": len(failed),
        "return_to_sender": parcel.status in _GOING_BACK,
        "signed_by": "前台" if delivered else None,
        "source": "api",
    }


def _checkpoint(parcel: Parcel, checkpoint: Checkpoint) -> dict[str, object]:
    tag = TAGS[checkpoint.status]
    return {
        "created_at": checkpoint.at,
        "checkpoint_time": checkpoint.at,
        "slug": parcel.slug,
        "tag": tag.tag,
        "subtag": tag.subtag,
        "subtag_message": tag.message,
        "message": tag.scan,
        "city": "杭州",
        "state": "浙江",
        "country_region": "CHN",
        "country_region_name": "China",
        "postal_code": None,
        "location": "杭州, 浙江",
        "coordinate": None,
        "raw_tag": None,
        "hash": checkpoint.hash,
    }
