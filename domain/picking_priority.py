"""Which picking list comes first: one score of 0 to 100 points, and an order without ties.

| what | points | rule |
| --- | --- | --- |
| promised date | 0 to 40 | 40 from 4 hours before the promise on, none 48 hours or more before it |
| service level | 0 or 30 | 30 for express |
| value | 0 to 15 | in proportion, all from 2,000 CNY on; in another currency none |
| age | 0 to 15 | in proportion to the time since the order, all from 72 hours on |

Points are whole, rounded down. From `HIGH` points on a list's priority is high. With the promises
below, express is high from the first minute; standard when its promise is due, and sooner the
more the order is worth.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from domain.money import Money
from domain.order import ServiceLevel, Value

# The longest that a parcel may take to leave, from the order on.
PROMISES: dict[ServiceLevel, timedelta] = {
    "standard": timedelta(hours=48),
    "express": timedelta(hours=24),
}
HIGH = 50

_PROMISE_POINTS, _EXPRESS_POINTS, _VALUE_POINTS, _AGE_POINTS = 40, 30, 15, 15
_PRESSING, _FAR = timedelta(hours=4), timedelta(hours=48)
_FULL_VALUE = Money(minor=200_000, currency="CNY")
_FULL_AGE = timedelta(hours=72)
_SECOND = timedelta(seconds=1)


class Urgency(Value):
    """What a list's priority depends on; `promised_at` is when the parcel is to leave."""

    picking_list_id: str
    service_level: ServiceLevel = "standard"
    value: Money
    ordered_at: datetime
    promised_at: datetime


def promise(service_level: ServiceLevel, ordered_at: datetime) -> datetime:
    """When an order's parcel is to leave at the latest."""
    return ordered_at + PROMISES[service_level]


def score(urgency: Urgency, now: datetime) -> int:
    """The list's points at `now`: the more, the sooner it is picked."""
    left = urgency.promised_at - now
    express = urgency.service_level == "express"
    worth = urgency.value.minor if urgency.value.currency == _FULL_VALUE.currency else 0
    return (
        _share(_PROMISE_POINTS, _seconds(_FAR - left), _seconds(_FAR - _PRESSING))
        + (_EXPRESS_POINTS if express else 0)
        + _share(_VALUE_POINTS, worth, _FULL_VALUE.minor)
        + _share(_AGE_POINTS, _seconds(now - urgency.ordered_at), _seconds(_FULL_AGE))
    )


def is_late(*due: datetime | None, now: datetime) -> bool:
    """Whether a parcel that has not left should have, by any of the times that are known."""
    return any(at is not None and at < now for at in due)


def priority(points: int) -> Literal["normal", "high"]:
    """The score in the warehouse contract's words."""
    return "high" if points >= HIGH else "normal"


def rank(urgency: Urgency, now: datetime) -> tuple[int, datetime, datetime, str]:
    """A key to sort lists by, the first to be picked first.

    Equal scores: the earlier promise, then the older order, then the list's id, which no two share.
    """
    return (
        -score(urgency, now),
        urgency.promised_at,
        urgency.ordered_at,
        urgency.picking_list_id,
    )


def _share(points: int, part: int, whole: int) -> int:
    return points * min(max(part, 0), whole) // whole


def _seconds(duration: timedelta) -> int:
    return duration // _SECOND
