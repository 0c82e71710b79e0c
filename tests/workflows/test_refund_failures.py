"""Refunds that fail, at once or long after they succeeded, and those that are made instead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    mails,
    mishap,
    refunds,
    until_ended,
    until_mailed,
)
from tests.workflows.paying import another_attempt, let_it_end, move
from tests.workflows.refunding import (
    begin_refund,
    being_picked,
    let_refund_end,
    retry,
    until_money,
    until_refund,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def made_again(house: House, order_id: str) -> Json:
    """The order, if it had two refunds and all its money has gone back."""
    order = await house.until(order_id, paymentStatus="refunded", kept="0.00")
    return order if len(order["refunds"]) == 2 else {}


async def test_a_refund_that_the_bank_returns_is_seen_and_made_again(
    house: House, product: str
) -> None:
    order_id, payment = await being_picked(house, product)
    await mishap(house, "stripe", "refund", "refund_pending", times=2, orderId=order_id)
    refund_id = await begin_refund(house, order_id, amount="60.00", reason="a cup was broken")
    await until_refund(house, order_id, refund_id, "pending")

    await move(house, payment, "refund-fail")
    failed = await until_refund(house, order_id, refund_id, "failed")
    await let_refund_end(house, refund_id)
    await until_money(house, order_id, "paid", "100.00")
    assert failed["failureCode"] == "expired_or_canceled_card"

    again = (await retry(house, order_id, refund_id)).json()["refundId"]
    await until_refund(house, order_id, again, "pending")
    await move(house, payment, "refund-settle")
    made = await until_refund(house, order_id, again, "succeeded")
    await let_refund_end(house, again)

    assert (made["retryOf"], made["reason"]) == (refund_id, "a cup was broken")
    await until_mailed(house, order_id, "order_refunded")
    order = await until_money(house, order_id, "partially_refunded", "40.00")
    assert [one["state"] for one in order["refunds"]] == ["failed", "succeeded"]
    assert (await mails(house, order_id))["order_refunded"] == 1


async def test_a_refund_that_fails_long_after_it_succeeded_gives_its_money_back_to_the_order(
    house: House, product: str
) -> None:
    order_id, payment = await being_picked(house, product)
    refund_id = await begin_refund(house, order_id, amount="60.00")
    await until_refund(house, order_id, refund_id, "succeeded")
    await let_refund_end(house, refund_id)
    await until_money(house, order_id, "partially_refunded", "40.00")

    await move(house, payment, "refund-fail")

    failed = await until_refund(house, order_id, refund_id, "failed")
    assert failed["failureCode"] == "expired_or_canceled_card"
    await until_money(house, order_id, "paid", "100.00")
    again = (await retry(house, order_id, refund_id)).json()["refundId"]
    await until_refund(house, order_id, again, "succeeded")
    await until_money(house, order_id, "partially_refunded", "40.00")
    await house.deliver(order_id, await house.ship(order_id))
    await assert_end(
        house,
        order_id,
        product,
        status="delivered",
        payment_status="partially_refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=6_000,
    )


async def test_the_refund_of_a_cancelled_order_that_fails_late_goes_out_again_by_itself(
    house: House, product: str
) -> None:
    order_id, payment = await being_picked(house, product)
    await cancel(house, order_id)
    await house.until(order_id, status="cancelled", paymentStatus="refunded")
    await until_ended(house, order_id)

    await move(house, payment, "refund-fail")

    order = await eventually_async(lambda: made_again(house, order_id))
    assert [one["state"] for one in order["refunds"]] == ["failed", "succeeded"]
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )


async def first_failed(house: House, order_id: str) -> Json:
    """The first refund of an order that has failed, if one has."""
    refunds = (await house.order(order_id))["refunds"]
    return next((one for one in refunds if one["state"] == "failed"), {})


async def test_a_retry_gives_the_payment_back_whose_refund_failed(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id, first = placed["orderId"], placed["payment"]
    second = await another_attempt(house, order_id, "stripe")
    await mishap(house, "stripe", "refund", "reject", paymentId=first["paymentId"])
    await move(house, second, "pay")
    await house.until_waiting_for(order_id, "the warehouse")
    await move(house, first, "pay", force=True)
    failed = await eventually_async(lambda: first_failed(house, order_id))

    again = (await retry(house, order_id, failed["refundId"])).json()["refundId"]
    await until_refund(house, order_id, again, "succeeded")

    await until_money(house, order_id, "paid", "100.00")
    held = {one["paymentId"]: one["refunded"] for one in await house.at_provider(order_id)}
    assert held == {first["paymentId"]: PRICE, second["paymentId"]: 0}
    await cancel(house, order_id)
    await let_it_end(house, order_id)
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=2 * PRICE,
        refunded=2 * PRICE,
    )
    assert len(refunds(await house.at_provider(order_id))) == 2


async def completed(house: House, product: str) -> tuple[str, Json]:
    """A new order whose workflow has ended well; its id and its payment."""
    order_id, payment = await being_picked(house, product)
    await house.deliver(order_id, await house.ship(order_id))
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))
    await house.until(order_id, status="completed")
    await until_ended(house, order_id)
    return order_id, payment


async def test_a_part_that_comes_back_from_the_bank_after_the_orders_end_is_left_to_the_shop(
    house: House, product: str
) -> None:
    order_id, payment = await completed(house, product)
    refund_id = await begin_refund(house, order_id, amount="60.00")
    await until_refund(house, order_id, refund_id, "succeeded")

    await move(house, payment, "refund-fail")

    await until_refund(house, order_id, refund_id, "failed")
    order = await until_money(house, order_id, "paid", "100.00")
    assert order["status"] == "completed"
    again = (await retry(house, order_id, refund_id)).json()["refundId"]
    await until_refund(house, order_id, again, "succeeded")
    await until_money(house, order_id, "partially_refunded", "40.00")


async def test_all_the_money_of_a_refunded_order_goes_out_again_by_itself(
    house: House, product: str
) -> None:
    order_id, payment = await completed(house, product)
    refund_id = await begin_refund(house, order_id)
    await house.until(order_id, status="refunded", paymentStatus="refunded")
    await let_refund_end(house, refund_id)

    await move(house, payment, "refund-fail")

    order = await eventually_async(lambda: made_again(house, order_id))
    assert [one["state"] for one in order["refunds"]] == ["failed", "succeeded"]
    await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )
