"""One language: every phrase that a letter may use, and how it writes money and times."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from babel.core import Locale as BabelLocale
from babel.dates import format_datetime
from babel.numbers import format_currency
from pydantic import BaseModel, ConfigDict

from domain.money import Money
from domain.notification import NotificationKind
from domain.order import Locale

TEMPLATES = Path(__file__).parent / "templates"

# All customers read China's time: it is the day by which the warehouse and the carriers promise.
# China has one zone and no summer time, so no time zone database is needed.
_CHINA = timezone(timedelta(hours=8))

# Codes are ours or a provider's, sentences are a person's: only a sentence is shown as it is.
_CODE = re.compile(r"[A-Za-z0-9]*([_.:-][A-Za-z0-9]+)+|[a-z0-9]+|[A-Z0-9]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LONGEST_REASON = 200


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KindWording(_Strict):
    """What one kind of letter says; each string is a Jinja template, `next` lists next steps."""

    subject: str
    title: str
    text: tuple[str, ...]
    next_title: str = ""
    next: tuple[str, ...] = ()
    button: str = ""
    sms: str
    push_title: str
    push: str


# Given a name instead, Babel looks through all its languages at every call: 30 times the work.
babel_locale = cache(BabelLocale.parse)


class Formats(_Strict):
    """Babel's name of the language, and its date patterns."""

    babel: str
    day: str
    moment: str

    @property
    def locale(self) -> BabelLocale:
        """The language as Babel wants it."""
        return babel_locale(self.babel)


class Wording(_Strict):
    """Everything that letters say in one language, as `templates/{locale}.toml` holds it."""

    shop: str
    greeting: str
    footer: tuple[str, ...]
    formats: Formats
    labels: dict[str, str]
    stages: tuple[str, str, str, str]
    statuses: dict[str, str]
    status_notes: dict[str, str]
    carriers: dict[str, str]
    reasons: dict[str, str]
    kinds: dict[NotificationKind, KindWording]

    def money(self, amount: Money) -> str:
        """`amount` as this language writes it."""
        return format_currency(amount.amount, amount.currency, locale=self.formats.locale)

    def day(self, moment: datetime | None) -> str:
        """The day of `moment` in China, empty for none."""
        return self._format(moment, self.formats.day)

    def moment(self, moment: datetime | None) -> str:
        """Day and time of `moment` in China, empty for none."""
        return self._format(moment, self.formats.moment)

    def carrier(self, code: str) -> str:
        """A carrier's name; the code itself when we know no name."""
        return self.carriers.get(code, one_line(code))

    def reason(self, reason: str) -> str:
        """A reason that a customer can read: a known one in words, a sentence as it stands.

        An unknown code, or a sentence in another language, says nothing and is left out.
        """
        known = self.reasons.get(reason) or self.reasons.get(re.split("[:;]", reason)[0])
        if known:
            return known
        chinese = _HAN.search(reason) is not None
        if _CODE.fullmatch(reason.strip()) or chinese != (self.formats.babel == "zh_CN"):
            return ""
        return one_line(reason, _LONGEST_REASON).rstrip(".。!！ ")

    def _format(self, moment: datetime | None, pattern: str) -> str:
        if moment is None:
            return ""
        return format_datetime(moment, pattern, tzinfo=_CHINA, locale=self.formats.locale)


@cache
def wording(locale: Locale) -> Wording:
    """The wording of `locale`, read once."""
    return Wording.model_validate(
        tomllib.loads((TEMPLATES / f"{locale}.toml").read_text(encoding="utf-8"))
    )


def one_line(text: str, longest: int = 300) -> str:
    """Foreign text that stays on its line: printable, single-spaced, at most `longest` long."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
