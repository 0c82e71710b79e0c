"""`tasks` at the command line, and how `status` shows what people have to do."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.cli.terminal import Terminal
from tests.house import House, Json
from tests.workflows.deciding import in_review
from tests.workflows.journey import PRICE, ship
from tests.workflows.troubles import until_task


@pytest.fixture
async def lost(house: House) -> tuple[Json, Json]:
    """An order whose parcel is lost, and the task about it."""
    order_id, number = await ship(house, await house.add_product(stock=1))
    await house.simulate(f"parcels/{number}/lost")
    task = await until_task(house, order_id, "parcel_lost")
    return await house.order(order_id), task


async def test_a_task_is_listed_shown_and_closed_with_a_decision(
    beside: Terminal, house: House, lost: tuple[Json, Json]
) -> None:
    order, task = lost
    listed = await beside.run("tasks", "list", "--json")
    assert task["taskId"] in [found["taskId"] for found in listed.json]
    shown = await beside.run("tasks", "list", COLUMNS="160")
    assert order["orderNumber"] in shown.out
    assert "Claim it from the carrier" in " ".join(shown.out.split())
    status = await beside.run("status", order["orderNumber"], COLUMNS="160")
    assert "For an operator" in status.out
    assert task["taskId"] in status.out

    done = await beside.run("tasks", "done", task["taskId"], "--decision", "refund")

    assert done.code == 0, done.err
    assert done.out.strip() == f"Task {task['taskId']} is done, decision: refund."
    await house.until(order["orderId"], status="refunded", paymentStatus="refunded")
    status = await beside.run("status", order["orderNumber"], COLUMNS="160")
    assert "For an operator" not in status.out
    assert "an operator has decided" in status.out


async def test_a_task_that_is_not_there_is_a_refusal(beside: Terminal) -> None:
    refused = await beside.run("tasks", "done", "T404")
    assert refused.code == 1
    assert "there is no such task" in refused.err


async def test_no_tasks_are_said_in_words(beside: Terminal, house: House) -> None:
    async with house.sessions.begin() as session:
        await session.execute(text("UPDATE operator_tasks SET state = 'done' WHERE state = 'open'"))
    listed = await beside.run("tasks", "list")
    assert listed.out.strip() == "There are no open tasks."


async def test_a_payment_in_review_is_decided_about(beside: Terminal, house: House) -> None:
    product = await house.add_product(stock=1)
    placed, task = await in_review(house, product, "stripe", PRICE - 1)
    listed = await beside.run("tasks", "list", COLUMNS="160")
    assert "Decide accept" in " ".join(listed.out.split())
    without = await beside.run("tasks", "done", task["taskId"], "--decision", "accept")
    assert (without.code, "say why" in without.err) == (1, True)

    done = await beside.run(
        "tasks", "done", task["taskId"], "--decision", "accept", "--note", "a gift", "--by", "Chen"
    )

    assert done.code == 0, done.err
    assert done.out.strip() == f"Task {task['taskId']} is done, decision: accept."
    await house.until(placed["orderId"], status="processing", paymentStatus="paid")
    status = await beside.run("status", placed["orderNumber"], COLUMNS="160")
    assert "an operator has decided" in status.out
    assert "Chen" in status.out
