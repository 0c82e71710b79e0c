"""What Kuaidi100's states say in our words (`resultv2=4`, "高级物流状态").

A parcel's `state` is one or two digits, or with `resultv2` the finer code of its last checkpoint.
The finer codes are general knowledge and not confirmed by the provider: docs/unproved.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.tracking import TrackingStatus

_T = TrackingStatus

STATES: Mapping[str, TrackingStatus] = {
    "0": _T.IN_TRANSIT,
    "1001": _T.IN_TRANSIT,  # has reached the city of delivery
    "1002": _T.IN_TRANSIT,  # between hubs
    "1003": _T.IN_TRANSIT,  # handed on
    "1": _T.PICKED_UP,
    "101": _T.INFO_RECEIVED,  # ordered
    "102": _T.INFO_RECEIVED,  # waits to be picked up
    "103": _T.PICKED_UP,
    "2": _T.EXCEPTION,
    "201": _T.EXCEPTION,  # not signed for in time
    "202": _T.EXCEPTION,  # no news in time
    "203": _T.REFUSED,
    "204": _T.ATTEMPT_FAILED,
    "205": _T.EXCEPTION,  # not fetched from the locker in time
    "206": _T.ATTEMPT_FAILED,  # the recipient cannot be reached
    "207": _T.EXCEPTION,  # outside of the carrier's area
    "208": _T.EXCEPTION,  # held up
    "209": _T.EXCEPTION,  # damaged
    "210": _T.CANCELLED,
    "3": _T.DELIVERED,
    "301": _T.DELIVERED,  # by the recipient
    "302": _T.DELIVERED,  # after trouble
    "303": _T.DELIVERED,  # by somebody else
    "304": _T.DELIVERED,  # fetched from a locker
    "4": _T.RETURNED,
    "401": _T.CANCELLED,
    "5": _T.OUT_FOR_DELIVERY,
    "501": _T.AVAILABLE_FOR_PICKUP,
    "6": _T.RETURNING,
    "7": _T.IN_TRANSIT,  # handed to another carrier
    "8": _T.IN_TRANSIT,  # customs
    "10": _T.IN_TRANSIT,
    "11": _T.IN_TRANSIT,
    "12": _T.IN_TRANSIT,
    "13": _T.EXCEPTION,  # trouble at customs
    "14": _T.REFUSED,
}

# What `status` of a checkpoint says in words where the account gets no codes.
WORDS: Mapping[str, TrackingStatus] = {
    "在途": _T.IN_TRANSIT,
    "揽收": _T.PICKED_UP,
    "疑难": _T.EXCEPTION,
    "签收": _T.DELIVERED,
    "退签": _T.RETURNED,
    "派件": _T.OUT_FOR_DELIVERY,
    "退回": _T.RETURNING,
    "转投": _T.IN_TRANSIT,
    "拒签": _T.REFUSED,
}


def status_of(code: str | None, word: str | None = None) -> TrackingStatus:
    """The status that a state stands for; one that is not known is `UNKNOWN`, never an error."""
    known = STATES.get((code or "").strip())
    return known or WORDS.get((word or "").strip(), _T.UNKNOWN)
