"""Goods that are sent again, and lost again: a third parcel, and what becomes of their money."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.house import House, Json
from tests.workflows.journey import PRICE, ship, until_registered, until_replaced
from tests.workflows.refunding import begin_refund
from tests.workflows.splitting import move
from tests.workflows.test_resent_by_rule import shipped_by_such_a_shop
from tests.workflows.test_resent_troubles import bring, pass_a_day, send_again
from tests.workflows.troubles import close, refunded, until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=10)


async def leave(house: House, again: Json, **ship: list[str]) -> str:
    """A parcel of goods that are sent again leaves, and its carrier watches it; its number."""
    order_id = again["orderId"]
    sent = await house.simulate(f"shipments/{order_id}/ship", params=ship)
    await house.until(order_id, status="shipped")
    await until_registered(house, order_id)
    return str(sent["trackingNumber"])


async def lose(house: House, order_id: str, number: str) -> Json:
    """The carrier says that it lost the parcel; the operators' task."""
    await move(house, number, "lost")
    return await until_task(house, order_id, "parcel_lost")


async def third_order(house: House, first: str, number: str) -> tuple[Json, Json]:
    """The second parcel is lost as well, and an operator has the goods sent once more.

    The second order, and the third, which is at the warehouse.
    """
    second = await send_again(house, first, number)
    third = await send_again(house, second["orderId"], await leave(house, second))
    return second, third


async def units_refunded(house: House, order_id: str) -> list[int]:
    """The units of the order's only line that each refund is for."""
    shown = await house.order(order_id)
    return [line["quantity"] for refund in shown["refunds"] for line in refund["lines"]]


async def test_what_a_second_and_a_third_parcel_lack_is_refunded(
    house: House, product: str
) -> None:
    first, number = await ship(house, product, quantity=3)
    second = await send_again(house, first, number)
    lost = await leave(house, second, missing=[f"{product}:1:not_found"])
    third = await send_again(house, second["orderId"], lost)
    assert [line["quantity"] for line in third["items"]] == [2]

    await bring(house, third, missing=[f"{product}:1:not_found"])
    await pass_a_day(house, second["orderId"])

    await house.until(first, status="delivered", paymentStatus="partially_refunded")
    assert await units_refunded(house, first) == [2]
    assert await refunded(house, first) == 2 * PRICE
    await pass_a_day(house, first)
    await house.until(first, status="completed", shippingStatus="delivered")
    await house.assert_laws_hold()


async def test_what_came_in_a_third_parcel_is_paid_for(house: House, product: str) -> None:
    first, number = await ship(house, product)
    second, third = await third_order(house, first, number)

    await bring(house, third)
    await pass_a_day(house, second["orderId"])
    await pass_a_day(house, first)

    order = await house.until(first, status="completed", paymentStatus="paid")
    assert order["kept"] == "100.00"
    assert await refunded(house, first) == 0
    assert await house.stock(product) == (7, 7, 0)
    await house.assert_laws_hold()


async def test_the_rule_sends_goods_again_once_and_then_gives_their_money_back(
    house: House, product: str
) -> None:
    first, number = await shipped_by_such_a_shop(house, product)
    await lose(house, first, number)
    passing = asyncio.create_task(house.pass_time(first, timedelta(hours=49)))
    second = await until_replaced(house, first)
    await house.until_waiting_for(second["orderId"], "the warehouse")
    passing.cancel()
    await lose(house, second["orderId"], await leave(house, second))

    await house.pass_time(second["orderId"], timedelta(hours=49))

    await house.until(second["orderId"], status="refunded")
    order = await house.until(first, status="refunded", paymentStatus="refunded")
    assert order["kept"] == "0.00"
    assert await refunded(house, first) == PRICE
    assert not await house.rows(
        "SELECT id FROM orders WHERE replacement_of = :id", id=second["orderId"]
    )
    await house.assert_laws_hold()


async def test_a_third_parcel_that_is_lost_is_refunded(house: House, product: str) -> None:
    first, number = await ship(house, product)
    second, third = await third_order(house, first, number)
    await lose(house, third["orderId"], await leave(house, third))

    await house.pass_time(third["orderId"], timedelta(hours=49))

    await house.until(third["orderId"], status="refunded")
    await house.until(second["orderId"], status="refunded")
    await house.until(first, status="refunded", paymentStatus="refunded")
    assert await refunded(house, first) == PRICE
    assert await house.stock(product) == (7, 7, 0)
    await house.assert_laws_hold()


async def test_a_third_parcel_that_has_not_left_stays_if_the_first_one_is_found(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    second, third = await third_order(house, first, number)

    await move(house, number, "delivered")

    await house.until(first, status="delivered", paymentStatus="paid")
    await house.until(third["orderId"], status="cancelled")
    await house.until(second["orderId"], status="refunded")
    # What was put aside for the third parcel is on its shelf again.
    assert await house.stock(product) == (8, 8, 0)
    assert await refunded(house, first) == 0
    await house.assert_laws_hold()


async def test_a_third_parcel_that_has_not_left_stays_if_the_money_goes_back(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    _, third = await third_order(house, first, number)

    await begin_refund(house, first)

    await house.until(third["orderId"], status="cancelled")
    await house.until(first, status="refunded", paymentStatus="refunded")
    assert await refunded(house, first) == PRICE
    assert await house.stock(product) == (8, 8, 0)
    await house.assert_laws_hold()


async def test_nothing_is_sent_a_third_time_once_the_money_has_gone_back(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    second = await send_again(house, first, number)
    lost = await leave(house, second)
    await begin_refund(house, first)
    await house.until(first, paymentStatus="refunded")
    task = await lose(house, second["orderId"], lost)

    await close(house, task, "reship")

    await house.until(second["orderId"], status="refunded")
    assert not await house.rows(
        "SELECT id FROM orders WHERE replacement_of = :id", id=second["orderId"]
    )
    await house.until(first, status="refunded")
    assert await refunded(house, first) == PRICE
    await house.assert_laws_hold()
