"""Orders whose workflow is gone: what they held is found and given back, or reported."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.leaks import CloseLost, Leaks, LostOrder
from activities.nudging import WorkflowNudge
from activities.order_watch import OrderWatch
from tests.house import House
from tests.serving import eventually_async
from tests.workflows.journey import kinds, mails, movements, until_mailed
from workflows.leak_detection import DetectLeaks, LeakDetectionWorkflow, LeakReport
from workflows.policies import ORDERS_QUEUE


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=3)


async def detect(house: House, *, repair: bool = True) -> LeakReport:
    return await house.client.execute_workflow(
        LeakDetectionWorkflow.run,
        DetectLeaks(repair=repair),
        id=f"leak-detection-{uuid4().hex}",
        task_queue=ORDERS_QUEUE,
    )


async def make_overdue(house: House, order_id: str) -> None:
    """The books' side of time that passes: workflows' clocks move one by one."""
    async with house.sessions.begin() as session:
        await session.execute(
            text("UPDATE holds SET expires_at = now() - interval '3 minutes' WHERE order_id = :id"),
            {"id": order_id},
        )


async def lose(house: House, order_id: str) -> None:
    """An operator terminates the order's workflow: nothing of it runs any more."""
    await house.handle(order_id).terminate("by mistake")


def closed(report: LeakReport, order_id: str) -> tuple[bool, bool] | None:
    """Whether its hold was released and it was cancelled; nothing if it was left alone."""
    for order in report.closed:
        if order.order_id == order_id:
            return order.released, order.cancelled
    return None


async def test_the_hold_of_a_terminated_order_is_released(house: House, product: str) -> None:
    order_id = (await house.place(product, quantity=2))["orderId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)
    assert await house.stock(product) == (3, 1, 2)

    report = await detect(house)

    assert closed(report, order_id) == (True, True)
    assert LostOrder(order_id=order_id, fate="terminated") in report.found.lost
    assert await house.stock(product) == (3, 3, 0)
    order = await house.order(order_id)
    assert (order["status"], order["paymentStatus"]) == ("cancelled", "failed")
    assert {"hold_expired", "workflow_lost", "order_cancelled"} <= set(kinds(order))
    await until_mailed(house, order_id, "order_cancelled")
    await house.assert_laws_hold()


async def test_its_payment_is_closed_at_the_provider(house: House, product: str) -> None:
    placed = await house.place(product)
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)

    report = await detect(house)

    assert payment_id in report.payments

    async def unpayable() -> bool:
        (payment,) = await house.at_provider(order_id)
        return not payment["open"]

    await eventually_async(unpayable)
    assert payment_id not in (await detect(house)).payments


async def test_money_that_comes_for_a_lost_order_goes_back(house: House, product: str) -> None:
    placed = await house.place(product, paymentMethod="alipay")
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)
    await detect(house)

    await house.simulate(f"alipay/{payment_id}/pay", params={"force": True})

    await house.until(order_id, status="cancelled", paymentStatus="refunded")
    assert await house.stock(product) == (3, 3, 0)
    await house.assert_laws_hold()


async def test_a_second_look_finds_nothing_more(house: House, product: str) -> None:
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)
    await detect(house)

    again = await detect(house)

    assert closed(again, order_id) is None
    assert (await movements(house, order_id))["expired"] == 1
    await until_mailed(house, order_id, "order_cancelled")
    assert (await mails(house, order_id))["order_cancelled"] == 1


async def test_an_overdue_hold_is_left_to_a_workflow_that_runs(house: House, product: str) -> None:
    order_id = (await house.place(product))["orderId"]
    await make_overdue(house, order_id)

    report = await detect(house)

    assert order_id in report.found.late
    assert closed(report, order_id) is None
    assert await house.stock(product) == (3, 2, 1)
    await house.call("POST", f"/orders/{order_id}/cancel")
    await house.until(order_id, status="cancelled")


async def test_a_hold_within_its_time_is_left_alone(house: House, product: str) -> None:
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)

    report = await detect(house)

    assert closed(report, order_id) is None
    assert await house.stock(product) == (3, 2, 1)
    await make_overdue(house, order_id)
    await detect(house)


async def test_a_lost_order_does_not_keep_those_behind_it_from_their_goods(house: House) -> None:
    """Its place in the queue goes to the next one, whose workflow is woken."""
    product = await house.add_product(stock=1)
    lost = (await house.place(product, quantity=2))["orderId"]
    next_one = (await house.place(product))["orderId"]
    await house.until_waiting_for(lost, "goods")
    await house.until_waiting_for(next_one, "goods")
    await lose(house, lost)

    report = await detect(house)

    assert closed(report, lost) == (False, True)
    await house.until(next_one, status="pending")
    assert await house.stock(product) == (1, 0, 1)
    await house.assert_laws_hold()


async def test_a_paid_order_without_a_workflow_is_reported_and_not_touched(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    await house.until_waiting_for(order_id, "the warehouse")
    await lose(house, order_id)

    async def reported() -> bool:
        # Temporal's list of workflows may be a moment behind.
        stranded = (await detect(house)).found.stranded
        return LostOrder(order_id=order_id, fate="terminated") in stranded

    await eventually_async(reported)
    assert (await house.order(order_id))["status"] == "processing"
    assert await house.stock(product) == (2, 2, 0)


async def test_a_counter_that_disagrees_with_the_ledger_is_reported_and_not_changed(
    house: House, product: str
) -> None:
    await set_available(house, product, 5)
    try:
        report = await detect(house)
        assert [line for line in report.found.drift if line.startswith(f"{product} in WH-HZ:")]
        assert await house.stock(product) == (5, 5, 0)
    finally:
        await set_available(house, product, 3)
    assert not [line for line in (await detect(house)).found.drift if product in line]


async def test_without_repair_a_run_only_tells(house: House, product: str) -> None:
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)

    report = await detect(house, repair=False)

    assert LostOrder(order_id=order_id, fate="terminated") in report.found.lost
    assert report.closed == ()
    assert await house.stock(product) == (3, 2, 1)
    await detect(house)
    assert await house.stock(product) == (3, 3, 0)


async def test_giving_back_may_be_repeated(house: House, product: str) -> None:
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)
    leaks = Leaks(
        house.sessions, OrderWatch(house.client), WorkflowNudge(house.client, ORDERS_QUEUE)
    )
    command = CloseLost(
        order_id=order_id, fate="terminated", reason="lost", at=await database_time(house)
    )

    first = await leaks.close_lost(command)
    second = await leaks.close_lost(command)

    assert (first.released, first.cancelled) == (True, True)
    # Whoever lost the first answer tells the customer by the second.
    assert second == first
    assert await house.stock(product) == (3, 3, 0)
    await detect(house)


async def database_time(house: House) -> datetime:
    (row,) = await house.rows("SELECT now() AS now")
    now: datetime = row.now
    return now


async def set_available(house: House, product: str, available: int) -> None:
    """What only a hand in the database can do, and only with the triggers switched off."""
    async with house.sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(
            text("UPDATE inventory SET available = :n, total = :n WHERE sku = :sku"),
            {"n": available, "sku": product},
        )
