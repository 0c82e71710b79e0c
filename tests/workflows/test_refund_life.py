"""One refund's own life: requested, pending, succeeded, or waiting for a person."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.house import House
from tests.workflows.journey import (
    PRICE,
    assert_end,
    kinds,
    mails,
    mishap,
    pay_and_reach_the_warehouse,
    ship,
    until_mailed,
)
from tests.workflows.paying import every_gateway, move
from tests.workflows.refunding import (
    ask_back,
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


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_refunds_by_line_share_shipping_and_discount_out_exactly(house: House) -> None:
    first = await house.add_product(stock=3, price_minor=1_999)
    second = await house.add_product(stock=1, price_minor=1)
    lines = [{"productId": first, "quantity": 3}, {"productId": second, "quantity": 1}]
    placed = await house.place(first, items=lines, couponCode="WELCOME10")
    # 59.98 + 10.00 shipping - 6.00 discount
    assert placed["pricing"]["total"] == "63.98"
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    await house.deliver(order_id, await house.ship(order_id))

    amounts = []
    for item in ({"lineNo": 1, "quantity": 1}, {"sku": second, "quantity": 1}):
        answer = await ask_back(house, order_id, items=[item])
        amounts.append(answer.json()["amount"])
    rest = await ask_back(house, order_id, items=[{"sku": first, "quantity": 2}])
    beyond = await ask_back(house, order_id, items=[{"sku": first, "quantity": 1}])

    assert [*amounts, rest.json()["amount"]] == ["21.33", "0.01", "42.64"]
    assert beyond.status_code == 409
    await house.until(order_id, status="refunded")
    await until_money(house, order_id, "refunded", "0.00")
    (held,) = await house.at_provider(order_id)
    assert (held["captured"], held["refunded"]) == (6_398, 6_398)


async def test_refunds_of_all_kinds_at_once_never_exceed_the_capture(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product, quantity=3)
    await house.deliver(order_id, number)

    answers = await asyncio.gather(
        *(ask_back(house, order_id, items=[{"lineNo": 1, "quantity": 1}]) for _ in range(8)),
        *(ask_back(house, order_id, amount="70.00") for _ in range(8)),
        *(ask_back(house, order_id) for _ in range(2)),
    )

    begun = [answer.json() for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} == {202, 409}
    for refund in begun:
        await until_refund(house, order_id, refund["refundId"], "succeeded")
    back = sum(round(float(refund["amount"]) * 100) for refund in begun)
    (held,) = await house.at_provider(order_id)
    assert (held["captured"], held["refunded"]) == (30_000, back)
    assert back <= 30_000
    # What is left is too little for any of those that were refused.
    assert 30_000 - back < 10_000
    await until_money(
        house,
        order_id,
        "refunded" if back == 30_000 else "partially_refunded",
        f"{(30_000 - back) / 100:.2f}",
    )


@every_gateway
async def test_refunds_at_once_never_exceed_the_capture_at_any_provider(
    house: House, product: str, gateway: str
) -> None:
    order_id, _ = await being_picked(house, product, gateway)

    answers = await asyncio.gather(*(ask_back(house, order_id, amount="30.00") for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 3
    await until_money(house, order_id, "partially_refunded", "10.00")
    (held,) = await house.at_provider(order_id)
    assert (held["captured"], held["refunded"]) == (PRICE, 9_000)


async def test_a_pending_refund_claims_its_money_and_counts_once_it_has_succeeded(
    house: House, product: str
) -> None:
    order_id, payment = await being_picked(house, product)
    await mishap(house, "stripe", "refund", "refund_pending", orderId=order_id)
    refund_id = await begin_refund(house, order_id, amount="60.00")

    pending = await until_refund(house, order_id, refund_id, "pending")
    beyond = await ask_back(house, order_id, amount="60.00")

    assert (pending["settledAt"], beyond.status_code) == (None, 409)
    assert beyond.json()["errors"][0]["message"] == "60.00 CNY asked back, 40.00 CNY left"
    await until_money(house, order_id, "paid", "100.00")
    assert (await mails(house, order_id))["order_refunded"] == 0

    await move(house, payment, "refund-settle")
    settled = await until_refund(house, order_id, refund_id, "succeeded")
    await let_refund_end(house, refund_id)

    assert settled["createdAt"] < settled["settledAt"]
    await until_mailed(house, order_id, "order_refunded")
    order = await until_money(house, order_id, "partially_refunded", "40.00")
    stages = [kind for kind in kinds(order) if kind.startswith("refund_")]
    assert stages == ["refund_requested", "refund_pending", "refund_succeeded"]


async def test_a_refund_that_nobody_calls_back_about_is_asked_for_until_it_is_settled(
    house: House, product: str
) -> None:
    order_id, payment = await being_picked(house, product)
    await mishap(house, "stripe", "refund", "refund_pending", orderId=order_id)
    await mishap(house, "stripe", "*", "drop_callbacks", times=20, orderId=order_id)
    refund_id = await begin_refund(house, order_id, amount="60.00")
    await until_refund(house, order_id, refund_id, "pending")

    await move(house, payment, "refund-settle")
    await let_refund_end(house, refund_id)

    settled = await until_refund(house, order_id, refund_id, "succeeded")
    waited = moment(settled["settledAt"]) - moment(settled["createdAt"])
    assert waited > timedelta(seconds=4)
    await until_money(house, order_id, "partially_refunded", "40.00")


async def test_a_refund_that_wechat_pay_calls_abnormal_waits_for_a_person(
    house: House, product: str
) -> None:
    order_id, payment = await being_picked(house, product, "wechatpay")
    await mishap(house, "wechatpay", "refund", "refund_pending", orderId=order_id)
    refund_id = await begin_refund(house, order_id, amount="60.00")
    await until_refund(house, order_id, refund_id, "pending")

    await move(house, payment, "refund-fail")
    stuck = await until_refund(house, order_id, refund_id, "manual")

    assert stuck["failureCode"] == "ABNORMAL"
    assert (await retry(house, order_id, refund_id)).status_code == 409
    beyond = await ask_back(house, order_id, amount="60.00")
    assert beyond.status_code == 409
    await until_money(house, order_id, "paid", "100.00")

    await move(house, payment, "refund-settle")
    done = await until_refund(house, order_id, refund_id, "succeeded")
    await let_refund_end(house, refund_id)
    assert done["failureCode"] == ""
    await until_mailed(house, order_id, "order_refunded")
    await until_money(house, order_id, "partially_refunded", "40.00")


async def test_an_order_stops_when_all_of_its_goods_are_refunded_before_they_leave(
    house: House, product: str
) -> None:
    order_id, _ = await being_picked(house, product)

    await begin_refund(house, order_id, items=[{"lineNo": 1, "quantity": 1}])

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
