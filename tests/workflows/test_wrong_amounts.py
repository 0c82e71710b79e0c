"""Another amount than was asked for: a person decides."""

from __future__ import annotations

import pytest

from tests.house import House
from tests.workflows.journey import (
    PRICE,
    cancel,
    refunds,
)
from tests.workflows.paying import (
    assert_given_back,
    end_unpaid,
    every_gateway,
    let_it_end,
    move,
    place_at,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.mark.parametrize("captured", [PRICE - 1, 2 * PRICE], ids=["less", "more"])
@every_gateway
async def test_another_amount_stops_in_review_with_a_reason_until_a_person_decides(
    house: House, product: str, gateway: str, captured: int
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await move(house, placed["payment"], "pay", amount=captured)
    await house.until(order_id, status="pending", paymentStatus="review")
    order = await house.until_waiting_for(order_id, "a person")
    assert f"{captured / 100:.2f} CNY was captured for 100.00 CNY" in order["waitingFor"]["what"]
    assert await house.stock(product) == (5, 4, 1)
    assert not refunds(await house.at_provider(order_id))
    await house.assert_laws_hold()

    assert (await cancel(house, order_id)).status_code == 202

    await let_it_end(house, order_id)
    await assert_given_back(house, order_id, product, captured)


async def test_another_amount_after_the_end_waits_for_a_person_who_gives_it_back(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, "cancelled")
    await move(house, placed["payment"], "pay", force=True, amount=4_200)
    order = await house.until(order_id, status="cancelled", paymentStatus="review")
    (event,) = [one for one in order["timeline"] if one["kind"] == "payment_paid"]
    assert event["settlement"] == "mismatch"
    assert event["reason"] == "captured 42.00 CNY, asked 100.00 CNY"
    await house.assert_laws_hold()

    answer = await house.call("POST", f"/orders/{order_id}/refunds", json={"amount": "42.00"})

    assert answer.status_code == 202, answer.text
    await assert_given_back(house, order_id, product, 4_200)
