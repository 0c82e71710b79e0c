"""What a customer's page shows of a return: how far it has come, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.overview import Overview
from api.pages.steps import Step, StepState, short_moment
from api.pages.words import LOCALES, page_words
from domain.order import Locale
from domain.return_causes import cause_of
from domain.returns import ReturnCase, ReturnKind, ReturnState
from gateways.messaging.wording import one_line, wording

_S = ReturnState
_CARRIER = "carrier"
_ENDS = {ReturnKind.REFUND: _S.REFUNDED, ReturnKind.EXCHANGE: _S.EXCHANGED}


@dataclass(frozen=True)
class ReturnView:
    """One return; `anchor` is its place in the page, `facts` are labels and what they label."""

    anchor: str
    title: str
    state: str
    trouble: bool
    items: Sequence[tuple[str, int]]
    steps: Sequence[Step]
    next: str
    facts: Sequence[tuple[str, str]]


def return_views(
    known: Overview, warehouses: Mapping[str, str], locale: Locale
) -> list[ReturnView]:
    """The order's returns, the last one first; `warehouses` sent its goods, named by id."""
    writer = _Writer(known, warehouses, locale)
    return [writer.view(case) for case in reversed(known.returns)]


class _Writer:
    def __init__(self, known: Overview, warehouses: Mapping[str, str], locale: Locale) -> None:
        self._known = known
        self._warehouses = warehouses
        self._locale = locale
        self._page = page_words(locale)
        self._mail = wording(locale)
        self._said_at: dict[tuple[str, str], datetime] = {
            (event.kind, event.detail.get("return_id", "")): event.at for event in known.events
        }

    def view(self, case: ReturnCase) -> ReturnView:
        names = {line.line_no: line.name for line in self._known.order.items}
        standing = _standing(case)
        return ReturnView(
            anchor=case.return_id,
            title=self._page.return_kinds[case.kind],
            state=self._page.return_steps[standing],
            trouble=case.state in {_S.REJECTED, _S.EXPIRED},
            items=[(names[line.line_no], line.quantity) for line in case.lines],
            steps=self._steps(case),
            next=self._page.returns[standing],
            facts=[(label, text) for label, text in self._facts(case) if text],
        )

    def _steps(self, case: ReturnCase) -> list[Step]:
        past, to_come = _course(case, approved=self._at(case, _S.APPROVED) is not None)
        last: StepState = "done" if case.state in _ENDS.values() else "current"
        return [
            *(self._step(case, name, "done") for name in past[:-1]),
            self._step(case, past[-1], last),
            *(self._step(case, name, "to_come") for name in to_come),
        ]

    def _step(self, case: ReturnCase, name: str, state: StepState) -> Step:
        at = None if state == "to_come" else self._at(case, name)
        return Step(name, state, self._page.return_steps[name], short_moment(at, self._locale))

    def _at(self, case: ReturnCase, name: str) -> datetime | None:
        opened = name in {_S.REQUESTED, _CARRIER}
        return self._said_at.get(("return_opened" if opened else f"return_{name}", case.return_id))

    def _facts(self, case: ReturnCase) -> list[tuple[str, str]]:
        labels, cause = self._page.labels, cause_of(case.reason)
        facts = [(labels["return_cause"], self._page.return_causes[cause] if cause else "")]
        if case.state is _S.REJECTED:
            facts.append((labels["return_answer"], self._answer(case)))
        if _standing(case) == _S.APPROVED:
            facts.append((labels["return_by"], self._mail.day(case.expected_by)))
            facts.append((labels["return_to"], ", ".join(self._senders(case))))
        return facts

    def _answer(self, case: ReturnCase) -> str:
        """Why not, as the mail says it; a sentence in the other language is better than none."""
        languages = [self._locale, *(other for other in LOCALES.values() if other != self._locale)]
        said = (wording(language).reason(case.decision) for language in languages)
        return next(filter(None, said), "")

    def _senders(self, case: ReturnCase) -> list[str]:
        """The warehouses that sent these goods, and that take them back."""
        lines = {line.line_no for line in case.lines}
        sent = {one.warehouse_id for one in self._known.contents if one.line_no in lines}
        return [one_line(name, 60) for id_, name in self._warehouses.items() if id_ in sent]


def _standing(case: ReturnCase) -> str:
    """Its state; one that a carrier brings needs nothing of the customer until it is there."""
    open_still = case.state in {_S.REQUESTED, _S.APPROVED}
    return _CARRIER if open_still and case.requested_by == "carrier" else case.state


def _course(case: ReturnCase, *, approved: bool) -> tuple[list[str], list[str]]:
    """The steps up to where a return is, and those that follow if all goes well."""
    begin: list[str] = [_CARRIER] if case.requested_by == "carrier" else [_S.REQUESTED, _S.APPROVED]
    if case.state is _S.REJECTED and not approved:
        begin = [_S.REQUESTED]
    whole = [*begin, _S.RECEIVED, _ENDS[case.kind]]
    standing = _standing(case)
    if standing in whole:
        reached = whole.index(standing) + 1
        return whole[:reached], whole[reached:]
    # Declined, never come, or an exchange that was paid back instead.
    return [*(whole[:-1] if case.received_at else begin), standing], []
