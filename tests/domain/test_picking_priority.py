from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.order import ServiceLevel
from domain.picking_priority import (
    HIGH,
    PROMISES,
    Urgency,
    is_late,
    priority,
    promise,
    rank,
    score,
)

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def urgency(
    *,
    service: ServiceLevel = "standard",
    yuan: int = 0,
    age: timedelta = timedelta(),
    left: timedelta = timedelta(hours=48),
    currency: str = "CNY",
    number: int = 1,
) -> Urgency:
    return Urgency(
        picking_list_id=f"K{number:03}",
        service_level=service,
        value=Money(minor=yuan * 100, currency=currency),
        ordered_at=NOW - age,
        promised_at=NOW + left,
    )


urgencies = st.builds(
    urgency,
    service=st.sampled_from(get_args(ServiceLevel)),
    yuan=st.integers(0, 5_000),
    age=st.integers(0, 100).map(lambda hours: hours * HOUR),
    left=st.integers(-50, 100).map(lambda hours: hours * HOUR),
)


@pytest.mark.parametrize(
    ("what", "points"),
    [
        (urgency(), 0),
        (urgency(left=timedelta(hours=100)), 0),
        (urgency(left=26 * HOUR), 20),
        (urgency(left=4 * HOUR), 40),
        (urgency(left=-9 * HOUR), 40),
        (urgency(service="express"), 30),
        (urgency(yuan=1_000), 7),
        (urgency(yuan=2_000), 15),
        (urgency(yuan=90_000), 15),
        (urgency(yuan=90_000, currency="USD"), 0),
        (urgency(age=36 * HOUR), 7),
        (urgency(age=200 * HOUR), 15),
        (urgency(service="express", yuan=2_000, age=72 * HOUR, left=HOUR), 100),
    ],
)
def test_points_are_as_the_table_says(what: Urgency, points: int) -> None:
    assert score(what, NOW) == points


@given(st.lists(urgencies, max_size=12))
def test_every_two_lists_have_one_order_whatever_order_they_come_in(found: list[Urgency]) -> None:
    named = [one.model_copy(update={"picking_list_id": f"K{n}"}) for n, one in enumerate(found)]
    ranked = sorted(named, key=lambda one: rank(one, NOW))
    turned = named[::-1]
    assert ranked == sorted(turned, key=lambda one: rank(one, NOW))
    assert len({rank(one, NOW) for one in named}) == len(named)
    points = [score(one, NOW) for one in ranked]
    assert points == sorted(points, reverse=True)


@given(urgencies, st.integers(0, 100))
def test_points_stay_within_the_scale_and_never_fall_while_time_passes(
    one: Urgency, hours: int
) -> None:
    assert 0 <= score(one, NOW) <= score(one, NOW + hours * HOUR) <= 100


def test_equal_points_go_by_promise_then_age_then_id() -> None:
    sooner = urgency(left=60 * HOUR, number=9)
    later = urgency(left=61 * HOUR, number=1)
    younger = urgency(left=61 * HOUR, number=2).model_copy(update={"ordered_at": NOW + HOUR})
    twin = later.model_copy(update={"picking_list_id": "K0011"})
    assert sorted([younger, twin, later, sooner], key=lambda one: rank(one, NOW)) == [
        sooner,
        later,
        twin,
        younger,
    ]


def test_a_promise_runs_from_the_order() -> None:
    assert promise("express", NOW) - promise("standard", NOW) == -24 * HOUR
    assert set(PROMISES) == set(get_args(ServiceLevel))


def fresh(service: ServiceLevel, age: timedelta, yuan: int = 0) -> str:
    left = PROMISES[service] - age
    return priority(score(urgency(service=service, age=age, left=left, yuan=yuan), NOW))


def test_express_is_high_from_the_first_minute_and_standard_when_its_promise_is_due() -> None:
    assert fresh("express", timedelta()) == "high"
    assert fresh("standard", 40 * HOUR) == "normal"
    assert fresh("standard", 40 * HOUR, yuan=2_000) == "high"
    assert fresh("standard", 48 * HOUR) == "high"
    assert priority(HIGH - 1) == "normal"


def test_a_parcel_is_late_when_a_promise_or_the_warehouses_estimate_has_passed() -> None:
    assert is_late(NOW + HOUR, NOW - HOUR, now=NOW)
    assert is_late(NOW - HOUR, None, now=NOW)
    assert not is_late(NOW + HOUR, None, now=NOW)
    assert not is_late(None, None, now=NOW)
