"""What a customer's page says, in each language; `words/{locale}.toml` holds it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from domain.order import Locale

_DIRECTORY = Path(__file__).parent / "words"
LOCALES: Mapping[str, Locale] = {"zh": "zh-CN", "en": "en"}


class Said(BaseModel):
    """A headline, and what happens next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    next: str


class PageWords(BaseModel):
    """All words of one language; those of parcels and carriers are the mails' own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moment: str
    labels: dict[str, str]
    steps: dict[str, str]
    situations: dict[str, Said]
    refunds: dict[str, str]
    returns: dict[str, str]
    return_kinds: dict[str, str]
    return_steps: dict[str, str]
    return_causes: dict[str, str]
    return_form: dict[str, str]
    return_problems: dict[str, str]
    notices: dict[str, Said]


@cache
def page_words(locale: Locale) -> PageWords:
    """The words of `locale`, read once."""
    text = (_DIRECTORY / f"{locale}.toml").read_text(encoding="utf-8")
    return PageWords.model_validate(tomllib.loads(text))


def asked_locale(lang: str, accept_language: str) -> Locale | None:
    """The language that the link or the browser asks for; nothing if neither names one of ours."""
    chosen = _known(lang)
    if chosen is not None:
        return chosen
    ranked = sorted(map(_weighed, accept_language.split(",")), key=lambda pair: -pair[1])
    wanted = (_known(tag) for tag, weight in ranked if weight > 0)
    return next((locale for locale in wanted if locale is not None), None)


def _weighed(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    weight = parameter.strip().removeprefix("q=")
    try:
        return tag, float(weight) if weight else 1.0
    except ValueError:
        return tag, 0.0


def _known(tag: str) -> Locale | None:
    return LOCALES.get(tag.strip().lower().replace("_", "-").partition("-")[0])
