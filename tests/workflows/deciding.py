"""Words for payments in review: how they get there, and what operators decide about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.house import House, Json
from tests.workflows.paying import move, place_at
from tests.workflows.troubles import until_task

MISMATCH, DISPUTE = "payment_mismatch", "payment_disputed"


async def in_review(house: House, product: str, gateway: str, captured: int) -> tuple[Json, Json]:
    """A new order of which something else was paid than was asked for; and its task."""
    placed = await place_at(house, product, gateway)
    await move(house, placed["payment"], "pay", amount=captured)
    await house.until_waiting_for(placed["orderId"], "a person")
    return placed, await until_task(house, placed["orderId"], MISMATCH)


async def decide(
    house: House, task: Json, decision: str, note: str = "the bank confirmed it"
) -> httpx.Response:
    body = {"decision": decision, "note": note, "by": "Chen"}
    return await house.call("POST", f"/tasks/{task['taskId']}/done", json=body)


async def decided(house: House, task: Json, decision: str) -> Json:
    """Decide, twice: the second time changes nothing; the task then."""
    first = await decide(house, task, decision)
    assert first.status_code == 200, first.text
    again = await decide(house, task, decision)
    assert (again.status_code, again.json()) == (200, first.json())
    closed: Json = first.json()
    assert (closed["state"], closed["decision"], closed["decidedBy"]) == ("done", decision, "Chen")
    return closed


@asynccontextmanager
async def nobody_working(house: House) -> AsyncIterator[None]:
    """Meanwhile no workflow moves; then another worker comes that remembers nothing."""
    await house.worker.stop()
    try:
        yield
    finally:
        await house.worker.start()


async def refused(house: House, task: Json, decision: str) -> str:
    """A decision that is refused; why."""
    answer = await decide(house, task, decision)
    assert answer.status_code == 409, answer.text
    (error,) = answer.json()["errors"]
    assert error["code"] == "decision_refused"
    return str(error["message"])
