"""What operators may decide about a task, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from db.operator_tasks import TaskState, open_task, tasks_of
from tests.api.conftest import codes
from tests.house import House, Json


async def task_of(house: House, order: Json, tracking_number: str = "") -> str:
    """A task of the order; its id."""
    async with house.sessions.begin() as session:
        await open_task(
            session,
            kind="parcel_lost",
            order_id=order["orderId"],
            task="Look for it",
            dedupe_key=uuid4().hex,
            at=datetime.now(UTC),
            tracking_number=tracking_number,
        )
        return (await tasks_of(session, order["orderId"]))[-1].id


async def done(house: House, task_id: str, **body: Any) -> httpx.Response:
    return await house.call("POST", f"/tasks/{task_id}/done", json=body)


async def test_a_task_is_listed_until_it_is_done(house: House, placed: Json) -> None:
    task_id = await task_of(house, placed)

    async def listed(state: str) -> list[str]:
        answer = await house.call("GET", f"/tasks?state={state}&limit=500")
        return [task["taskId"] for task in answer.json()["tasks"]]

    assert task_id in await listed("open")
    closed = (await done(house, task_id, note="found it")).json()
    assert (closed["state"], closed["note"]) == ("done", "found it")
    assert task_id not in await listed("open")
    assert task_id in await listed("done")
    shown = (await house.order(placed["orderId"]))["tasks"]
    assert [task["orderNumber"] for task in shown] == [placed["orderNumber"]]
    assert (await done(house, task_id)).json()["closedAt"] == closed["closedAt"]


async def test_another_decision_comes_too_late(house: House, placed: Json) -> None:
    task_id = await task_of(house, placed, "SF404")
    assert (await done(house, task_id, decision="wait")).status_code == 200
    refused = await done(house, task_id, decision="refund")
    assert refused.status_code == 409
    assert codes(refused) == ["task_closed"]


@pytest.mark.parametrize(
    ("number", "body", "status", "code"),
    [
        ("SF1", {"decision": "shout"}, 422, "unknown_decision"),
        ("", {"decision": "refund"}, 422, "nothing_to_decide"),
    ],
)
async def test_what_cannot_be_decided_is_refused(
    house: House, placed: Json, number: str, body: dict[str, str], status: int, code: str
) -> None:
    refused = await done(house, await task_of(house, placed, number), **body)
    assert (refused.status_code, codes(refused)) == (status, [code])


async def test_a_task_that_is_not_there_is_a_404(house: House) -> None:
    refused = await done(house, "T404")
    assert (refused.status_code, codes(refused)) == (404, ["task_not_found"])


async def test_an_order_that_has_ended_is_refunded_elsewhere(house: House, placed: Json) -> None:
    await house.call("POST", f"/orders/{placed['orderId']}/cancel", json={})
    await house.handle(placed["orderId"]).result()
    task_id = await task_of(house, placed, "SF404")
    refused = await done(house, task_id, decision="refund")
    assert (refused.status_code, codes(refused)) == (409, ["order_ended"])
    assert (await done(house, task_id)).json()["state"] == TaskState.DONE


async def review_of(house: House, order: Json) -> str:
    """A task about the order's payment, which nothing else is wrong with; its id."""
    async with house.sessions.begin() as session:
        await open_task(
            session,
            kind="payment_mismatch",
            order_id=order["orderId"],
            task="Decide",
            dedupe_key=uuid4().hex,
            at=datetime.now(UTC),
            payment_id=order["payment"]["paymentId"],
        )
        return (await tasks_of(session, order["orderId"]))[-1].id


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"decision": "won", "note": "why"}, ["unknown_decision"]),
        ({"decision": "reship", "note": "why"}, ["unknown_decision"]),
        ({"note": "why"}, ["unknown_decision"]),
        ({"decision": "accept"}, ["note_required"]),
        ({}, ["unknown_decision", "note_required"]),
        ({"decision": "accept", "note": "why", "by": "x" * 101}, ["too_long"]),
    ],
)
async def test_a_payment_is_not_decided_about_without_a_decision_and_a_reason(
    house: House, placed: Json, body: dict[str, str], wrong: list[str]
) -> None:
    task_id = await review_of(house, placed)
    refused = await done(house, task_id, **body)
    assert (refused.status_code, codes(refused)) == (422, wrong)


async def test_money_that_is_not_there_is_not_accepted(house: House, placed: Json) -> None:
    task_id = await review_of(house, placed)
    refused = await done(house, task_id, decision="accept", note="why")
    assert (refused.status_code, codes(refused)) == (409, ["decision_refused"])
    assert (await house.order(placed["orderId"]))["tasks"][0]["state"] == TaskState.OPEN
