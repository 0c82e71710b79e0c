"""Two payments for one order: one pays for it, the other goes back."""

from __future__ import annotations

import asyncio

import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    kinds,
    refunds,
    until_mailed,
)
from tests.workflows.paying import (
    A_MOMENT,
    another_attempt,
    assert_paid,
    begin_to_pay,
    complete,
    move,
    until_applied,
)

# The first of two attempts, which is closed, can be paid all the same: at Alipay because nobody
# had scanned its code yet, at the others because the customer's bank was slower than the close.
TWO_PROVIDERS = (
    ("alipay", "alipay"),
    ("wechatpay", "wechatpay"),
    ("alipay", "wechatpay"),
    ("wechatpay", "paypal"),
    ("stripe", "alipay"),
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def two_attempts(house: House, product: str, gateways: tuple[str, str]) -> list[Json]:
    """An order with two payments; the first one is closed, as far as it can be."""
    placed = await house.place(product, paymentMethod=gateways[0])
    second = await another_attempt(house, placed["orderId"], gateways[1])
    await begin_to_pay(house, second)
    return [placed, {"payment": second}]


@pytest.mark.parametrize("winner", [0, 1], ids=["the earlier wins", "the later wins"])
@pytest.mark.parametrize("gateways", TWO_PROVIDERS, ids="+".join)
async def test_of_two_payments_one_pays_and_the_other_goes_back(
    house: House, product: str, gateways: tuple[str, str], winner: int
) -> None:
    attempts = await two_attempts(house, product, gateways)
    order_id = attempts[0]["orderId"]
    first, second = attempts[winner]["payment"], attempts[1 - winner]["payment"]
    await move(house, first, "pay", force=True)
    await house.until(order_id, status="processing")
    await move(house, second, "pay", force=True)
    # What the buyer approves at PayPal once the order is paid is never captured.
    surplus = 0 if second["gateway"] == "paypal" else PRICE
    if surplus:
        await settle_surplus(house, order_id)
        await until_mailed(house, order_id, "order_refunded")
    else:
        await until_applied(house, order_id, "CHECKOUT.ORDER.APPROVED")

    await assert_paid(house, order_id, product, surplus=surplus)

    kept = {
        payment["paymentId"]: payment["captured"] - payment["refunded"]
        for payment in await house.at_provider(order_id)
    }
    assert kept == {first["paymentId"]: PRICE, second["paymentId"]: 0}


async def settle_surplus(house: House, order_id: str) -> None:
    """WeChat's refunds take their time; the order need not rest meanwhile."""

    async def settled() -> bool:
        await house.pass_time(order_id, A_MOMENT)
        return "refund_succeeded" in kinds(await house.order(order_id))

    await eventually_async(settled)


@pytest.mark.parametrize("gateways", [("alipay", "wechatpay"), ("wechatpay", "stripe")])
async def test_of_two_payments_at_the_same_moment_one_pays(
    house: House, product: str, gateways: tuple[str, str]
) -> None:
    attempts = await two_attempts(house, product, gateways)
    order_id = attempts[0]["orderId"]

    await asyncio.gather(
        *(move(house, attempt["payment"], "pay", force=True) for attempt in attempts)
    )

    await settle_surplus(house, order_id)
    order = await assert_paid(house, order_id, product, surplus=PRICE)
    assert [payment["state"] for payment in order["payments"]] == ["paid", "paid"]
    assert len(refunds(await house.at_provider(order_id))) == 1


async def test_a_second_payment_that_comes_after_the_delivery_goes_back(
    house: House, product: str
) -> None:
    attempts = await two_attempts(house, product, ("alipay", "stripe"))
    order_id = attempts[0]["orderId"]
    await move(house, attempts[1]["payment"], "pay")
    await complete(house, order_id)

    await move(house, attempts[0]["payment"], "pay", force=True)

    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=2 * PRICE,
        refunded=PRICE,
    )
