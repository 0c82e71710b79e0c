"""Promotions wait until it is day where the customer lives."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from domain.quiet_hours import _ZONES, QuietHours, quiet_until, zones_of

NIGHT = QuietHours()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("country", "moment", "until"),
    [
        ("CN", "2026-11-21T12:59:59", None),  # 20:59:59 in Shanghai
        ("CN", "2026-11-21T13:00:00", "2026-11-22T00:00:00"),
        ("CN", "2026-11-21T23:59:59", "2026-11-22T00:00:00"),
        ("CN", "2026-11-22T00:00:00", None),
        ("DE", "2026-11-21T13:00:00", None),
        ("DE", "2026-11-21T20:00:00", "2026-11-22T07:00:00"),
        ("DE", "2026-07-21T20:00:00", "2026-07-22T06:00:00"),  # summer time
        ("DE", "2026-03-28T22:00:00", "2026-03-29T06:00:00"),  # the clocks change that night
        # 08:00 in Honolulu is 13:00 in New York.
        ("US", "2026-11-21T14:00:00", "2026-11-21T18:00:00"),
        ("US", "2026-11-21T19:00:00", None),
        ("US", "2026-11-22T03:00:00", "2026-11-22T18:00:00"),
        ("NP", "2026-11-21T15:14:59", None),  # 20:59:59 in Kathmandu, at +05:45
        ("NP", "2026-11-21T15:15:00", "2026-11-22T02:15:00"),
        ("AR", "2026-11-22T01:00:00", "2026-11-22T11:00:00"),  # 22:00 in Buenos Aires
        ("AR", "2026-11-21T13:00:00", None),
        ("", "2026-11-21T13:00:00", "2026-11-22T00:00:00"),  # unknown: the shop's own zone
    ],
)
def test_when_it_is_day_again(country: str, moment: str, until: str | None) -> None:
    expected = None if until is None else utc(until)
    assert quiet_until(utc(moment), zones_of(country), NIGHT) == expected


def test_hours_within_one_day() -> None:
    lunch = QuietHours(start=time(12), end=time(14))
    assert quiet_until(utc("2026-11-21T05:00:00"), ("Asia/Shanghai",), lunch) == utc(
        "2026-11-21T06:00:00"
    )


def test_hours_of_no_length_are_never_quiet() -> None:
    never = QuietHours(start=time(8), end=time(8))
    assert quiet_until(utc("2026-11-21T18:00:00"), ("Asia/Shanghai",), never) is None


@pytest.mark.parametrize("country", sorted(_ZONES))
def test_every_country_has_an_hour_of_day_in_all_its_zones(country: str) -> None:
    zones = zones_of(country)
    end = quiet_until(utc("2026-11-21T13:00:00"), zones, NIGHT) or utc("2026-11-21T13:00:00")
    assert quiet_until(end, zones, NIGHT) is None


def test_where_it_is_never_day_everywhere_most_people_count() -> None:
    long = QuietHours(start=time(18), end=time(10))
    evening = utc("2026-11-21T16:00:00")  # 19:00 in Moscow
    morning = utc("2026-11-22T07:00:00")
    assert quiet_until(evening, zones_of("RU"), long) == morning
    assert quiet_until(morning, zones_of("RU"), long) is None
