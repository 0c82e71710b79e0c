"""An operator gives back money that was not what was asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from temporalio.testing import ActivityEnvironment

import worker
from activities.payments import SettlePayment
from tests.house import House
from tests.workflows.deciding import MISMATCH, decide, decided, in_review, nobody_working
from tests.workflows.journey import PRICE, kinds
from tests.workflows.paying import assert_given_back, every_gateway, let_it_end, move, place_at
from tests.workflows.troubles import until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@every_gateway
async def test_money_that_is_refused_goes_back_and_the_order_is_cancelled(
    house: House, product: str, gateway: str
) -> None:
    placed, task = await in_review(house, product, gateway, PRICE - 1)
    order_id = placed["orderId"]

    await decided(house, task, "refund")

    await let_it_end(house, order_id)
    order = await assert_given_back(house, order_id, product, PRICE - 1)
    assert kinds(order).count("order_cancelled") == 1
    (event,) = [one for one in order["timeline"] if one["kind"] == "order_cancelled"]
    assert event["reason"] == "the payment was not what was asked for"


async def test_money_is_refused_while_no_worker_is_there(house: House, product: str) -> None:
    placed, task = await in_review(house, product, "stripe", 2 * PRICE)
    order_id = placed["orderId"]
    async with nobody_working(house):
        await decided(house, task, "refund")
        assert (await house.order(order_id))["paymentStatus"] == "review"

    await let_it_end(house, order_id)

    await assert_given_back(house, order_id, product, 2 * PRICE)


async def test_an_order_that_never_saw_its_payment_in_review_is_cancelled_at_once(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "stripe")
    order_id, payment = placed["orderId"], placed["payment"]
    async with nobody_working(house):
        await move(house, payment, "pay", amount=PRICE - 1)
        # The step that saw it was the last thing that the worker did.
        does = worker.build_activities(
            house.settings, house.sessions, house.http, house.email, house.client
        )
        seen = SettlePayment(payment_id=payment["paymentId"], at=datetime.now(UTC))
        await ActivityEnvironment().run(does.payments.settle_payment, seen)
        await decided(house, await until_task(house, order_id, MISMATCH), "refund")

    await assert_given_back(house, order_id, product, PRICE - 1)


@pytest.mark.parametrize("decision", ["accept", "refund"])
async def test_a_decision_and_a_refund_in_the_dashboard_at_one_moment_agree(
    house: House, product: str, decision: str
) -> None:
    placed, task = await in_review(house, product, "stripe", PRICE - 1)
    order_id = placed["orderId"]

    answer, _ = await asyncio.gather(
        decide(house, task, decision), move(house, placed["payment"], "refund-outside")
    )

    assert answer.status_code in {200, 409}
    await let_it_end(house, order_id)
    order = await house.until(order_id, status="cancelled", paymentStatus="refunded")
    assert order["kept"] == "0.00"
    assert await house.stock(product) == (5, 5, 0)
    held = await house.at_provider(order_id)
    assert [(one["captured"], one["refunded"]) for one in held] == [(PRICE - 1, PRICE - 1)]
    await house.assert_laws_hold()
