"""Why a return was not taken, in words for the customer who asked for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.pages.opening import Opened
from api.pages.return_form import NOTE_LIMIT, ReturnForm
from api.pages.steps import short_moment
from api.pages.words import PageWords, page_words
from api.problems import Refusal
from domain.order import Locale, Problem
from domain.returns import Refusal as Refused
from domain.returns import returnable

_ITEM = re.compile(r"items\[([0-9]+)\]\.quantity")


@dataclass(frozen=True)
class Trouble:
    """What is said in front of the form; an anchor is the field that a text is about, or empty."""

    title: str
    texts: Sequence[tuple[str, str]]

    @property
    def by_anchor(self) -> Mapping[str, str]:
        """The texts of the fields."""
        return {anchor: text for anchor, text in self.texts if anchor}


def trouble_of(opened: Opened, form: ReturnForm, refused: Refusal, locale: Locale) -> Trouble:
    """Why `form` was refused, for an order as it stands now."""
    writer = _Writer(opened, form, page_words(locale), locale)
    said = [told for problem in refused.problems.errors for told in writer.told(problem)]
    unsure = "title_unsure" if refused.status == 503 else "title"
    return Trouble(writer.words[unsure], list(dict.fromkeys(said)))


class _Writer:
    def __init__(self, opened: Opened, form: ReturnForm, words: PageWords, locale: Locale) -> None:
        standing = opened.standing
        lines = returnable(standing.lines, closes=standing.closes, at=opened.at)
        self._left = {line.line_no: line.left for line in lines}
        self._names = {line.line_no: line.name for line in opened.known.order.items}
        self._closes = short_moment(standing.closes, locale)
        self._form = form
        self.words = words.return_problems

    def told(self, problem: Problem) -> Iterator[tuple[str, str]]:
        """Each problem with the field that it is about."""
        chosen = list(self._form.chosen)
        item = _ITEM.fullmatch(problem.field)
        if problem.code == Refused.TOO_MANY:
            yield from self._too_many()
        elif item and chosen[int(item[1])] in self._left:
            yield self._of_line(chosen[int(item[1])], "quantity")
        elif problem.field == "items":
            yield "items", self.words["nothing_chosen"]
        elif problem.field == "reason":
            facts = {"length": len(self._form.remark), "limit": NOTE_LIMIT}
            yield "note", self.words["too_long"].format(**facts)
        elif problem.field == "kind":
            yield "kind", self.words["unknown_kind"]
        else:
            text = self.words.get(problem.code, self.words["refused"])
            yield "", text.format(moment=self._closes)

    def _too_many(self) -> Iterator[tuple[str, str]]:
        """The lines of which less is left than was asked for; the books know others as well."""
        wrong = []
        for number, typed in self._form.chosen.items():
            left = self._left.get(number, 0)
            if number in self._names and (not typed.isdecimal() or int(typed) > left):
                wrong.append(self._of_line(number, "too_many_units" if left else "none_left"))
        yield from wrong or [("", self.words["changed"])]

    def _of_line(self, number: int, code: str) -> tuple[str, str]:
        left = self._left.get(number, 0)
        text = self.words[code].format(name=self._names[number], left=left)
        return f"line-{number}" if left else "", text
