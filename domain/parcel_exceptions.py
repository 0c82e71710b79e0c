"""What goes wrong with a parcel, and what is done about it: one table.

The customer is told of each of these (`delivery_update`), and an operator gets a task. Two things
are made good without one: what the carrier has brought back is refunded; and what it has said to be
lost, if nobody has found or decided anything else in `LOST_PARCEL_PATIENCE`, is refunded or sent
again, as `LOST_PARCEL_REMEDY` says. Silence is never proof of a loss: there an operator decides,
once the carrier has answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.order import Value
from domain.tracking import TrackingStatus


class ParcelTrouble(StrEnum):
    """Something that a parcel does not get out of by itself; also the kind of its task."""

    NO_SCAN = "parcel_no_scan"
    ATTEMPT_FAILED = "parcel_attempt_failed"
    STUCK = "parcel_stuck"
    REFUSED = "parcel_refused"
    RETURNING = "parcel_returning"
    RETURNED = "parcel_returned"
    LOST = "parcel_lost"
    CANCELLED = "parcel_cancelled"
    NO_NEWS = "parcel_no_news"
    NOT_FOLLOWED = "parcel_not_followed"
    NOT_RESENT = "parcel_not_resent"
    NOT_WANTED = "parcel_not_wanted"
    TURNED_UP = "parcel_turned_up"


class Remedy(StrEnum):
    """What is made good by itself, if no operator decides otherwise."""

    NONE = "none"
    REFUND_WHEN_BACK = "refund_when_back"
    MAKE_GOOD_AFTER_PATIENCE = "make_good_after_patience"


class Decision(StrEnum):
    """What an operator decides about a parcel, or the shop once for all that are lost.

    To `wait` also stops what was about to come by itself. What cannot be sent again, because it is
    not in stock, is refunded. `arrived` is said of what was sent again, and is no shop's rule.
    """

    WAIT = "wait"
    REFUND = "refund"
    RESHIP = "reship"
    ARRIVED = "arrived"


class Response(Value):
    """What one trouble calls for; `task` is what an operator has to do."""

    task: str
    remedy: Remedy = Remedy.NONE
    urgent: bool = False


_T = ParcelTrouble

RESPONSES: Mapping[ParcelTrouble, Response] = {
    _T.NO_SCAN: Response(
        task="Ask the carrier where the parcel is; once it says lost, refund it or send it again"
    ),
    _T.ATTEMPT_FAILED: Response(
        task="Check the address and the phone number with the customer before the next attempt"
    ),
    _T.STUCK: Response(task="Ask the carrier what keeps the parcel"),
    _T.REFUSED: Response(
        task="Ask the customer why; the money goes back when the parcel has come back",
        remedy=Remedy.REFUND_WHEN_BACK,
    ),
    _T.RETURNING: Response(
        task="Find out why it comes back; the money goes back when the parcel has",
        remedy=Remedy.REFUND_WHEN_BACK,
    ),
    _T.RETURNED: Response(
        task="Look at the goods: book them in again (`stock receive`), or write them off",
        remedy=Remedy.REFUND_WHEN_BACK,
    ),
    _T.LOST: Response(
        task="Claim it from the carrier; it is made good by itself unless you decide to wait",
        remedy=Remedy.MAKE_GOOD_AFTER_PATIENCE,
        urgent=True,
    ),
    _T.CANCELLED: Response(
        task="The carrier does not deliver it: get it back, then refund it or send it again",
        urgent=True,
    ),
    _T.NO_NEWS: Response(task="Check number and carrier; nobody looks for news of it any more"),
    _T.NOT_FOLLOWED: Response(
        task="Look for the parcel at the carrier: we have stopped asking", urgent=True
    ),
    _T.NOT_RESENT: Response(
        task="Its second order goes no further: `reship` takes it up again if nothing"
        " has left, `arrived` books that it has come, `refund` gives the money back",
        urgent=True,
    ),
    _T.NOT_WANTED: Response(
        task="It was sent for a parcel that has arrived after all, or whose money goes back: have"
        " the carrier bring it back",
        urgent=True,
    ),
    _T.TURNED_UP: Response(
        task="It was given up, or its goods came in another one, and now it has been delivered: ask"
        " the customer to give it back, or to pay for it",
    ),
}

_BY_STATUS: Mapping[TrackingStatus, ParcelTrouble] = {
    TrackingStatus.ATTEMPT_FAILED: _T.ATTEMPT_FAILED,
    TrackingStatus.EXCEPTION: _T.STUCK,
    TrackingStatus.REFUSED: _T.REFUSED,
    TrackingStatus.RETURNING: _T.RETURNING,
    TrackingStatus.RETURNED: _T.RETURNED,
    TrackingStatus.LOST: _T.LOST,
    TrackingStatus.CANCELLED: _T.CANCELLED,
    TrackingStatus.EXPIRED: _T.NO_NEWS,
}

# What a parcel calls for that turns up when nobody waits for it any more.
TOO_LATE: Mapping[TrackingStatus, ParcelTrouble] = {
    TrackingStatus.DELIVERED: _T.TURNED_UP,
    TrackingStatus.RETURNED: _T.RETURNED,
}

# Solved as soon as the parcel is somewhere else; the others need somebody to say that they are.
_SOLVED_BY_MOVING = frozenset(
    {_T.NO_SCAN, _T.ATTEMPT_FAILED, _T.STUCK, _T.LOST, _T.NO_NEWS, _T.RETURNING, _T.REFUSED}
)


def trouble_of(status: TrackingStatus, *, silent: bool = False) -> ParcelTrouble | None:
    """What is wrong with a parcel; an arrived one is never missed."""
    known = _BY_STATUS.get(status)
    if known is None and silent and status is not TrackingStatus.DELIVERED:
        return _T.NO_SCAN
    return known


def solved_by(status: TrackingStatus, *, silent: bool = False) -> frozenset[ParcelTrouble]:
    """The troubles that are over, now that the parcel is there."""
    return _SOLVED_BY_MOVING - {trouble_of(status, silent=silent)}
