"""Steps that something takes one after the other, and how short a page says when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from babel.dates import format_datetime

from api.pages.words import page_words
from domain.order import Locale
from gateways.messaging.wording import wording

StepState = Literal["done", "current", "to_come"]

# As in the mails: the day by which the warehouse and the carriers promise.
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Step:
    """One step of a progress list."""

    name: str
    state: StepState
    label: str
    at: str


def short_moment(at: datetime | None, locale: Locale) -> str:
    """Day and time in China, as short as can be: the year goes without saying."""
    if at is None:
        return ""
    pattern, language = page_words(locale).moment, wording(locale).formats.locale
    return str(format_datetime(at, pattern, tzinfo=_CHINA, locale=language))
