"""Points in time as parties outside the house write them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_utc(text: str | None) -> datetime | None:
    """An ISO 8601 date or time in UTC, or nothing when there is none.

    Carriers often leave the offset out; such a time is taken as UTC.
    """
    try:
        return as_utc(datetime.fromisoformat((text or "").strip()))
    except ValueError:
        return None


def as_utc(moment: datetime) -> datetime:
    """`moment` in UTC; without an offset it already is."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
