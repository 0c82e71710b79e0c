"""How a return looks on the customer's page, in each of its states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.overview import Overview, find_overview
from api.pages.return_view import ReturnView, return_views
from domain.returns import ReturnCase, ReturnKind, ReturnLine, ReturnState
from tests.house import House, Json

AT = datetime(2026, 11, 21, 4, tzinfo=UTC)
S = ReturnState


@pytest.fixture
async def known(house: House, placed: Json) -> Overview:
    async with house.sessions() as session:
        found = await find_overview(session, placed["orderId"])
    assert found is not None
    return found


def view(known: Overview, state: ReturnState, **changes: object) -> ReturnView:
    case = ReturnCase.model_validate(
        {
            "return_id": "B1",
            "order_id": known.order.order_id,
            "kind": ReturnKind.REFUND,
            "state": state,
            "lines": [ReturnLine(line_no=1, sku="TEA", quantity=1)],
            "expected_by": AT,
            "requested_at": AT,
            **changes,
        }
    )
    (shown,) = return_views(replace(known, returns=[case]), {"WH-HZ": "杭州仓"}, "en")
    return shown


@pytest.mark.parametrize(
    ("state", "changes", "steps"),
    [
        (S.REQUESTED, {}, "Asked for! Approved? Received? Refunded?"),
        (S.APPROVED, {}, "Asked for. Approved! Received? Refunded?"),
        (S.REJECTED, {}, "Asked for. Declined!"),
        (S.EXPIRED, {}, "Asked for. Approved. Closed!"),
        (S.RECEIVED, {"received_at": AT}, "Asked for. Approved. Received! Refunded?"),
        (S.REFUNDED, {"received_at": AT}, "Asked for. Approved. Received. Refunded."),
        (S.APPROVED, {"kind": "exchange"}, "Asked for. Approved! Received? Replacement sent?"),
        (
            S.EXCHANGED,
            {"kind": "exchange", "received_at": AT},
            "Asked for. Approved. Received. Replacement sent.",
        ),
        # What is to be sent cannot be had: the money goes back instead.
        (
            S.REFUNDED,
            {"kind": "exchange", "received_at": AT},
            "Asked for. Approved. Received. Refunded.",
        ),
        (S.APPROVED, {"requested_by": "carrier"}, "On its way back! Received? Refunded?"),
        (
            S.RECEIVED,
            {"requested_by": "carrier", "received_at": AT},
            "On its way back. Received! Refunded?",
        ),
    ],
)
def test_a_return_shows_the_steps_behind_it_and_those_to_come(
    known: Overview, state: ReturnState, changes: dict[str, object], steps: str
) -> None:
    marks = {"done": ".", "current": "!", "to_come": "?"}
    shown = view(known, state, **changes)
    told = " ".join(step.label + marks[step.state] for step in shown.steps)
    assert told.replace("Received by our warehouse", "Received") == steps
    assert shown.next


def test_only_what_the_customer_has_to_send_has_a_day_and_a_place(known: Overview) -> None:
    assert dict(view(known, S.APPROVED).facts)["Should reach us by"] == "Sat, Nov 21"
    assert view(known, S.APPROVED, requested_by="carrier").facts == []
    assert view(known, S.RECEIVED, received_at=AT).facts == []


@pytest.mark.parametrize(
    ("decision", "answer"),
    [
        ("the seal is broken.", "the seal is broken"),
        ("封条已损坏", "封条已损坏"),
        ("return_refused:x", ""),
        ("", ""),
    ],
)
def test_why_it_was_declined_is_said_unless_it_is_a_code(
    known: Overview, decision: str, answer: str
) -> None:
    facts = dict(view(known, S.REJECTED, decision=decision).facts)
    assert facts.get("Our answer", "") == answer
