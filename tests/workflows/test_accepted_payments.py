"""An operator accepts money that was not what was asked for: it pays for the order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from temporalio.testing import ActivityEnvironment

import worker
from activities.inventory import AdjustStock, ReleaseStock
from tests.house import House, Json
from tests.workflows.deciding import MISMATCH, decide, decided, in_review, nobody_working, refused
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    kinds,
    mails,
    mishap,
    movements,
    refunds,
    until_ended,
    until_mailed,
)
from tests.workflows.paying import (
    another_attempt,
    assert_given_back,
    complete,
    end_unpaid,
    every_gateway,
    let_it_end,
    move,
    place_at,
    until_noted,
)
from tests.workflows.troubles import until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def task_of(house: House, order_id: str) -> Json:
    (task,) = (await house.order(order_id))["tasks"]
    found: Json = task
    return found


async def lose_the_hold(house: House, order_id: str) -> None:
    """The order's stock is released behind its back, as for an order whose hold has lapsed."""
    does = worker.build_activities(
        house.settings, house.sessions, house.http, house.email, house.client
    )
    release = ReleaseStock(order_id=order_id, expired=True, at=datetime.now(UTC))
    await ActivityEnvironment().run(does.stock.release_stock, release)


async def empty_the_shelf(house: House, product: str) -> None:
    does = worker.build_activities(
        house.settings, house.sessions, house.http, house.email, house.client
    )
    adjust = AdjustStock(
        adjustment_id=f"count-{product}",
        warehouse_id="WH-HZ",
        sku=product,
        change=-1,
        at=datetime.now(UTC),
    )
    adjusted = await ActivityEnvironment().run(does.stock.adjust_stock, adjust)
    assert adjusted.result.outcome == "adjusted"


@every_gateway
async def test_less_money_that_is_accepted_pays_for_the_order(
    house: House, product: str, gateway: str
) -> None:
    placed, task = await in_review(house, product, gateway, PRICE - 1)
    order_id = placed["orderId"]
    assert "captured 99.99 CNY, asked 100.00 CNY" in task["task"]
    assert (task["urgent"], task["paymentId"]) == (True, placed["payment"]["paymentId"])

    await decided(house, task, "accept")

    await house.until(order_id, status="processing")
    await complete(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE - 1,
        refunded=0,
    )
    assert kinds(order).count("order_confirmed") == 1
    (event,) = [one for one in order["timeline"] if one["kind"] == "task_done"]
    assert (event["decision"], event["by"], event["reason"]) == (
        "accept",
        "Chen",
        "the bank confirmed it",
    )


@every_gateway
async def test_of_more_money_that_is_accepted_the_difference_goes_back_once(
    house: House, product: str, gateway: str
) -> None:
    placed, task = await in_review(house, product, gateway, PRICE + 2_500)
    order_id = placed["orderId"]

    await decided(house, task, "accept")

    await until_mailed(house, order_id, "order_refunded")
    order = await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE + 2_500,
        refunded=2_500,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1
    (refund,) = order["refunds"]
    assert (refund["state"], refund["reason"]) == ("succeeded", "more was captured than asked")
    assert (await mails(house, order_id))["order_confirmed"] == 1
    await complete(house, order_id)
    await until_mailed(house, order_id, "review_invitation")


async def test_the_difference_goes_back_anew_when_its_refund_fails(
    house: House, product: str
) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE + 2_500)
    order_id = placed["orderId"]
    await mishap(house, "stripe", "refund", "reject", orderId=order_id)

    await decided(house, task, "accept")

    await until_noted(house, order_id, "refund_failed")
    await cancel(house, order_id)
    await let_it_end(house, order_id)
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE + 2_500,
        refunded=PRICE + 2_500,
    )


async def test_of_two_operators_who_decide_differently_one_is_refused(
    house: House, product: str
) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE - 1)
    order_id = placed["orderId"]

    answers = await asyncio.gather(decide(house, task, "accept"), decide(house, task, "refund"))

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    won = "accept" if answers[0].status_code == 200 else "refund"
    if won == "accept":
        await house.until(order_id, status="processing", paymentStatus="paid")
    else:
        await let_it_end(house, order_id)
        await assert_given_back(house, order_id, product, PRICE - 1)
    closed = await task_of(house, order_id)
    assert (closed["state"], closed["decision"]) == ("done", won)
    await house.assert_laws_hold()


async def test_money_is_accepted_though_its_hold_is_gone_if_the_stock_is_there(
    house: House, product: str
) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE - 1)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)

    await decided(house, task, "accept")

    await house.until(order_id, status="processing", paymentStatus="paid")
    assert await house.stock(product) == (4, 4, 0)
    assert (await movements(house, order_id))["committed"] == 1
    await house.assert_laws_hold()


async def test_money_is_not_accepted_for_goods_that_are_sold_out(house: House) -> None:
    product = await house.add_product(stock=1)
    placed, task = await in_review(house, product, "stripe", PRICE - 1)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)
    other = await house.place(product)

    why = await refused(house, task, "accept")

    assert f"0 of 1 {product}" in why
    assert (await task_of(house, order_id))["state"] == "open"
    await decided(house, task, "refund")
    await let_it_end(house, order_id)
    order = await house.until(order_id, status="cancelled", paymentStatus="refunded")
    assert order["kept"] == "0.00"
    await cancel(house, other["orderId"])
    await until_ended(house, other["orderId"])
    await house.assert_laws_hold()


async def test_goods_that_are_sold_in_the_moment_of_the_decision_let_the_money_go_back(
    house: House,
) -> None:
    product = await house.add_product(stock=1)
    placed, task = await in_review(house, product, "stripe", PRICE + 100)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)
    # Between the decision and who acts on it, somebody counts the shelf: there is nothing on it.
    async with nobody_working(house):
        await decided(house, task, "accept")
        await empty_the_shelf(house, product)
    await let_it_end(house, order_id)
    order = await house.until(order_id, status="cancelled", paymentStatus="refunded")
    assert order["kept"] == "0.00"
    assert await house.stock(product) == (0, 0, 0)
    returned = sum(payment["refunded"] for payment in await house.at_provider(order_id))
    assert returned == PRICE + 100
    await house.assert_laws_hold()


async def test_an_order_that_is_cancelled_in_the_moment_of_the_decision_keeps_nothing(
    house: House, product: str
) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE + 100)
    order_id = placed["orderId"]

    accepted, cancelled = await asyncio.gather(
        decide(house, task, "accept"), cancel(house, order_id)
    )

    assert cancelled.status_code == 202
    assert accepted.status_code in {200, 409}
    await let_it_end(house, order_id)
    # What came too late for the order's own process is delivered again after its end.
    await house.rows_changed(
        "UPDATE callback_inbox SET received_at = received_at - interval '1 minute'"
        " WHERE order_id = :id",
        id=order_id,
    )
    await house.sweep()
    await house.until(order_id, status="cancelled", paymentStatus="refunded", kept="0.00")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE + 100,
        refunded=PRICE + 100,
    )


async def test_an_accepted_payment_survives_a_worker_that_is_gone(
    house: House, product: str
) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE + 100)
    order_id = placed["orderId"]
    async with nobody_working(house):
        await decided(house, task, "accept")
        order = await house.order(order_id)
        assert (order["status"], order["paymentStatus"]) == ("pending", "paid")

    await house.until(order_id, status="processing")
    await until_noted(house, order_id, "refund_succeeded")
    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE + 100,
        refunded=100,
    )


async def test_a_payment_cannot_be_accepted_twice_for_one_order_nor_after_its_end(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, "cancelled")
    await move(house, placed["payment"], "pay", force=True, amount=4_200)
    task = await until_task(house, order_id, MISMATCH)

    assert "the order is cancelled" in await refused(house, task, "accept")

    await decided(house, task, "refund")
    await assert_given_back(house, order_id, product, 4_200)


async def test_a_second_payment_of_another_amount_is_given_back_and_the_order_goes_on(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    second = await another_attempt(house, order_id, "stripe")
    await move(house, second, "pay")
    await house.until(order_id, status="processing", paymentStatus="paid")
    await move(house, placed["payment"], "pay", force=True, amount=4_200)
    task = await until_task(house, order_id, MISMATCH)
    assert (await house.order(order_id))["paymentStatus"] == "review"

    assert "another payment pays" in await refused(house, task, "accept")
    await decided(house, task, "refund")

    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE + 4_200,
        refunded=4_200,
    )


async def test_a_review_that_ended_by_itself_cannot_be_decided(house: House, product: str) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE - 1)
    order_id = placed["orderId"]
    await move(house, placed["payment"], "refund-outside")
    await let_it_end(house, order_id)

    assert (await task_of(house, order_id))["state"] == "obsolete"
    assert "ended by itself" in await refused(house, task, "accept")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE - 1,
        refunded=PRICE - 1,
    )
