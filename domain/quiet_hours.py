"""When a customer must not be disturbed by what can wait, on the customer's own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from domain.order import Value

_HOME = ("Asia/Shanghai",)

# ISO 3166-1 alpha-2 to the zones that people live in, the one that most do first. With several, it
# must be day in all of them: the country is known, the zone is not.
_ZONES: Mapping[str, tuple[str, ...]] = {
    "AE": ("Asia/Dubai",),
    "AT": ("Europe/Vienna",),
    "AU": ("Australia/Sydney", "Australia/Perth"),
    "BE": ("Europe/Brussels",),
    "BR": ("America/Sao_Paulo", "America/Manaus"),
    "CA": ("America/Toronto", "America/Vancouver", "America/St_Johns"),
    "CH": ("Europe/Zurich",),
    "CN": _HOME,
    "CZ": ("Europe/Prague",),
    "DE": ("Europe/Berlin",),
    "DK": ("Europe/Copenhagen",),
    "ES": ("Europe/Madrid", "Atlantic/Canary"),
    "FI": ("Europe/Helsinki",),
    "FR": ("Europe/Paris",),
    "GB": ("Europe/London",),
    "GR": ("Europe/Athens",),
    "HK": ("Asia/Hong_Kong",),
    "ID": ("Asia/Jakarta", "Asia/Jayapura"),
    "IE": ("Europe/Dublin",),
    "IN": ("Asia/Kolkata",),
    "IT": ("Europe/Rome",),
    "JP": ("Asia/Tokyo",),
    "KR": ("Asia/Seoul",),
    "MO": ("Asia/Macau",),
    "MX": ("America/Mexico_City", "America/Tijuana"),
    "MY": ("Asia/Kuala_Lumpur",),
    "NL": ("Europe/Amsterdam",),
    "NO": ("Europe/Oslo",),
    "NZ": ("Pacific/Auckland",),
    "PH": ("Asia/Manila",),
    "PL": ("Europe/Warsaw",),
    "PT": ("Europe/Lisbon", "Atlantic/Azores"),
    "RU": ("Europe/Moscow", "Europe/Kaliningrad", "Asia/Kamchatka"),
    "SA": ("Asia/Riyadh",),
    "SE": ("Europe/Stockholm",),
    "SG": ("Asia/Singapore",),
    "TH": ("Asia/Bangkok",),
    "TR": ("Europe/Istanbul",),
    "TW": ("Asia/Taipei",),
    "US": ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu"),
    "VN": ("Asia/Ho_Chi_Minh",),
    "ZA": ("Africa/Johannesburg",),
}


class QuietHours(Value):
    """From `start` to `end` of each day, local time; none if they are the same."""

    start: time = time(21)
    end: time = time(8)

    def holds(self, moment: time) -> bool:
        """Whether `moment` of a day is quiet."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def zones_of(country: str) -> tuple[str, ...]:
    """The zones that a customer in `country` may live in; the shop's own if we do not know."""
    code = country.upper()
    return _ZONES.get(code) or _listed_zones().get(code, _HOME)


@cache
def _listed_zones() -> Mapping[str, tuple[str, ...]]:
    """Every country's zones, as the time zone database lists them."""
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    zones: dict[str, tuple[str, ...]] = {}
    for country, _, zone, *_ in rows:
        zones[country] = (*zones.get(country, ()), zone)
    return zones


def quiet_until(moment: datetime, zones: Sequence[str], hours: QuietHours) -> datetime | None:
    """When it is no longer quiet in any of `zones`; None if it is not quiet at `moment`.

    If it is always quiet in one of them, the first one decides. `moment` is aware; so is the
    answer, which is at most a few days later.
    """
    end = moment
    for _ in range(2 * len(zones) + 2):
        later = max((_quiet_end(end, ZoneInfo(zone), hours) for zone in zones), default=end)
        if later == end:
            break
        end = later
    else:
        return quiet_until(moment, zones[:1], hours)
    return end if end > moment else None


def _quiet_end(moment: datetime, zone: ZoneInfo, hours: QuietHours) -> datetime:
    local = moment.astimezone(zone)
    if not hours.holds(local.timetz().replace(tzinfo=None)):
        return moment
    end = local.replace(
        hour=hours.end.hour, minute=hours.end.minute, second=hours.end.second, microsecond=0
    )
    if end <= local:
        end = (local + timedelta(days=1)).replace(
            hour=hours.end.hour, minute=hours.end.minute, second=hours.end.second, microsecond=0
        )
    return end.astimezone(moment.tzinfo)
