"""What a customer's page offers to take back, and the form that asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.pages.opening import Opened
from api.pages.return_form import NOTE_LIMIT, ReturnForm
from api.pages.return_problems import Trouble
from api.pages.steps import short_moment
from api.pages.words import PageWords, page_words
from domain.order import Locale
from domain.returns import LineStanding, ReturnKind, returnable

# A longer list of numbers is worse than typing one.
_LONGEST_LIST = 20


@dataclass(frozen=True)
class OfferedLine:
    """Units of one line that can be returned; `chosen` is what was filled in."""

    anchor: str
    name: str
    hint: str
    left: int
    listed: bool
    chosen: str
    problem: str


@dataclass(frozen=True)
class Choice:
    """One of several things to choose from."""

    value: str
    label: str
    hint: str
    chosen: bool


@dataclass(frozen=True)
class Offer:
    """The form: what it is about, until when, and what was filled in; texts are plain."""

    until: str
    lines: Sequence[OfferedLine]
    kinds: Sequence[Choice]
    causes: Sequence[Choice]
    note: str
    note_limit: int
    note_hint: str
    problems: Mapping[str, str]
    once: str


def offer_of(
    opened: Opened, form: ReturnForm, trouble: Trouble | None, locale: Locale
) -> Offer | None:
    """What can be returned at this moment; nothing if nothing can."""
    standing, words = opened.standing, page_words(locale)
    lines = returnable(standing.lines, closes=standing.closes, at=opened.at)
    if not lines:
        return None
    names = {line.line_no: line.name for line in opened.known.order.items}
    problems = trouble.by_anchor if trouble else {}
    labels = words.return_form
    until = "until" if standing.refundable else "until_exchange"
    return Offer(
        until=labels[until].format(moment=short_moment(standing.closes, locale)),
        lines=[_line(line, names[line.line_no], form, problems, words) for line in lines],
        kinds=_kinds(form, words, refundable=standing.refundable),
        causes=[
            Choice(cause, label, "", cause == form.cause)
            for cause, label in words.return_causes.items()
        ],
        note=form.note,
        note_limit=NOTE_LIMIT,
        note_hint=labels["note_hint"].format(limit=NOTE_LIMIT),
        problems=problems,
        once=form.once or form.drawn().once,
    )


def _line(
    line: LineStanding, name: str, form: ReturnForm, problems: Mapping[str, str], words: PageWords
) -> OfferedLine:
    anchor = f"line-{line.line_no}"
    listed = line.left <= _LONGEST_LIST
    typed = form.chosen.get(line.line_no, "0")
    return OfferedLine(
        anchor=anchor,
        name=name,
        hint=words.return_form["left"].format(left=line.left, ordered=line.ordered),
        left=line.left,
        listed=listed,
        # A list has no more than is left; what was typed stays as it was.
        chosen=str(min(int(typed), line.left)) if listed and typed.isdecimal() else typed,
        problem=problems.get(anchor, ""),
    )


def _kinds(form: ReturnForm, words: PageWords, *, refundable: bool) -> list[Choice]:
    kinds = [kind for kind in ReturnKind if refundable or kind is ReturnKind.EXCHANGE]
    wanted = form.kind if form.kind in kinds else kinds[0]
    labels = words.return_form
    return [Choice(kind, labels[kind], labels[f"{kind}_hint"], kind == wanted) for kind in kinds]
