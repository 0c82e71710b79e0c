"""Money that a customer asks back through the bank."""

from __future__ import annotations

import pytest

from tests.house import House
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    kinds,
    until_ended,
)
from tests.workflows.paying import (
    assert_given_back,
    complete,
    move,
    place_at,
    reach_the_warehouse,
    until_noted,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_chargeback_puts_the_order_in_review_and_the_parcel_goes_on(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    await move(house, placed["payment"], "dispute")

    order = await until_noted(house, order_id, "chargeback_opened")
    assert (order["status"], order["paymentStatus"]) == ("processing", "review")
    await complete(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="review",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )
    assert kinds(order).count("chargeback_opened") == 1


@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_chargeback_that_comes_after_the_end_puts_the_order_in_review(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await complete(house, order_id)

    await move(house, placed["payment"], "dispute")

    order = await until_noted(house, order_id, "chargeback_opened")
    assert (order["status"], order["paymentStatus"]) == ("completed", "review")
    (event,) = [one for one in order["timeline"] if one["kind"] == "chargeback_opened"]
    assert event["amount"] == "100.00 CNY"
    await house.assert_laws_hold()


async def test_a_disputed_payment_is_given_back_when_its_order_is_cancelled(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await move(house, placed["payment"], "dispute")
    await until_noted(house, order_id, "chargeback_opened")

    assert (await cancel(house, order_id)).status_code == 202

    await until_ended(house, order_id)
    await assert_given_back(house, order_id, product)
