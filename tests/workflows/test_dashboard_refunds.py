"""Refunds that somebody makes in a provider's own dashboard."""

from __future__ import annotations

import pytest

from tests.house import House, Json
from tests.workflows.journey import PRICE, assert_end, cancel
from tests.workflows.paying import let_it_end, move
from tests.workflows.refunding import (
    ask_back,
    begin_refund,
    being_picked,
    until_money,
    until_refund,
)

# The other two call nobody back about what is done on their websites.
calling_back = pytest.mark.parametrize("gateway", ["stripe", "paypal"])


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


def made_at_the_provider(order: Json) -> list[str]:
    """The amounts of refunds that are not ours."""
    return [refund["amount"] for refund in order["refunds"] if refund["madeBy"] == "provider"]


@calling_back
async def test_an_order_whose_money_went_back_before_it_shipped_stops(
    house: House, product: str, gateway: str
) -> None:
    order_id, payment = await being_picked(house, product, gateway)

    await move(house, payment, "refund-outside")

    await house.until(order_id, status="cancelled")
    await let_it_end(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert made_at_the_provider(order) == ["100.00"]
    assert len(order["refunds"]) == 1


@calling_back
async def test_a_part_that_went_back_at_the_provider_is_not_given_back_again(
    house: House, product: str, gateway: str
) -> None:
    order_id, payment = await being_picked(house, product, gateway)

    await move(house, payment, "refund-outside", amount=3_000)

    order = await until_money(house, order_id, "partially_refunded", "70.00")
    assert (order["status"], made_at_the_provider(order)) == ("processing", ["30.00"])
    beyond = await ask_back(house, order_id, amount="80.00")
    assert beyond.status_code == 409
    await cancel(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert sorted(refund["amount"] for refund in order["refunds"]) == ["30.00", "70.00"]


@calling_back
async def test_an_order_whose_money_went_back_after_delivery_is_refunded(
    house: House, product: str, gateway: str
) -> None:
    order_id, payment = await being_picked(house, product, gateway)
    await house.deliver(order_id, await house.ship(order_id))
    await house.until_waiting_for(order_id, "enjoy")
    ours = await begin_refund(house, order_id, amount="25.00")
    await until_refund(house, order_id, ours, "succeeded")

    await move(house, payment, "refund-outside")

    order = await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert made_at_the_provider(order) == ["75.00"]


async def test_two_refunds_at_the_provider_are_two_in_the_books(house: House, product: str) -> None:
    order_id, payment = await being_picked(house, product)

    await move(house, payment, "refund-outside", amount=1_000)
    await move(house, payment, "refund-outside", amount=1_000)

    order = await until_money(house, order_id, "partially_refunded", "80.00")
    assert made_at_the_provider(order) == ["10.00", "10.00"]


async def test_a_refund_at_the_provider_that_fails_late_is_seen(house: House, product: str) -> None:
    order_id, payment = await being_picked(house, product)
    await move(house, payment, "refund-outside", amount=1_000)
    order = await until_money(house, order_id, "partially_refunded", "90.00")

    await move(house, payment, "refund-fail")

    failed = await until_refund(house, order_id, order["refunds"][0]["refundId"], "failed")
    assert failed["failureCode"]
    await until_money(house, order_id, "paid", "100.00")
