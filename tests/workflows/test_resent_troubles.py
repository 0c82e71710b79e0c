"""Lost parcels that are sent again, while something else happens to the order or its goods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.house import House, Json
from tests.workflows.journey import (
    PRICE,
    cancel,
    mishap,
    ship,
    until_replaced,
)
from tests.workflows.refunding import begin_refund, until_refund
from tests.workflows.splitting import FAR, NEAR, move, picked, ship_from
from tests.workflows.troubles import close, refunded, until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def send_again(house: House, order_id: str, number: str) -> Json:
    """The parcel is lost, and an operator has its goods sent again; the order that does so."""
    await move(house, number, "lost")
    await close(house, await until_task(house, order_id, "parcel_lost"), "reship")
    again = await until_replaced(house, order_id)
    await house.until_waiting_for(again["orderId"], "the warehouse")
    return again


async def bring(house: House, again: Json, **ship: list[str]) -> None:
    """The second parcel comes to the door, and its order to its end."""
    order_id = again["orderId"]
    await house.simulate(f"shipments/{order_id}/ship", params=ship)
    shipped = await house.until(order_id, status="shipped")
    for parcel in shipped["parcels"]:
        await house.deliver(order_id, parcel["trackingNumber"])
    await pass_a_day(house, order_id)


async def pass_a_day(house: House, order_id: str) -> None:
    """Let a delivered order come to its end."""
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))


async def test_what_the_second_parcel_lacks_is_refunded(house: House, product: str) -> None:
    order_id, number = await ship(house, product, quantity=2)
    again = await send_again(house, order_id, number)

    await bring(house, again, missing=[f"{product}:1:not_found"])

    order = await house.until(order_id, status="delivered", paymentStatus="partially_refunded")
    assert [refund["lines"][0]["quantity"] for refund in order["refunds"]] == [1]
    assert await refunded(house, order_id) == PRICE
    await pass_a_day(house, order_id)
    await house.until(order_id, status="completed", shippingStatus="delivered")
    await house.assert_laws_hold()


async def test_what_one_of_two_second_parcels_does_not_bring_is_refunded(house: House) -> None:
    product = await house.add_product(3, PRICE, NEAR)
    await house.add_shelf(product, 1, FAR)
    order_id, number = await ship(house, product, quantity=2)
    again = await send_again(house, order_id, number)
    shipped = await house.simulate(f"shipments/{again['orderId']}/ship", params={"which": NEAR})
    await house.until_event(again["orderId"], "parcel_shipped")
    await house.simulate(f"shipments/{again['orderId']}/refuse", params={"which": FAR})
    await house.until_event(again["orderId"], "part_dropped")

    await house.deliver(again["orderId"], shipped["trackingNumber"])
    await pass_a_day(house, again["orderId"])

    order = await house.until(order_id, status="delivered", paymentStatus="partially_refunded")
    assert [refund["lines"][0]["quantity"] for refund in order["refunds"]] == [1]
    assert await refunded(house, order_id) == PRICE
    await house.assert_laws_hold()


async def test_the_first_parcel_may_come_back_while_the_second_is_on_its_way(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    again = await send_again(house, order_id, number)

    await move(house, number, "returned")
    await until_task(house, order_id, "parcel_returned")
    await house.restart_worker()
    await bring(house, again)

    await pass_a_day(house, order_id)
    order = await house.until(order_id, status="completed", shippingStatus="delivered")
    assert (order["paymentStatus"], order["kept"]) == ("paid", "100.00")
    assert await refunded(house, order_id) == 0
    await house.assert_laws_hold()


async def test_what_came_back_is_refunded_if_it_cannot_be_sent_again_either(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    again = await send_again(house, order_id, number)
    await move(house, number, "returned")
    await until_task(house, order_id, "parcel_returned")

    await house.simulate(f"shipments/{again['orderId']}/refuse")

    order = await house.until(order_id, status="refunded", shippingStatus="returned")
    assert order["kept"] == "0.00"
    assert await refunded(house, order_id) == PRICE
    await house.assert_laws_hold()


async def test_a_parcel_that_is_found_is_not_kept_waiting_for_the_second(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    again = await send_again(house, order_id, number)
    second = await house.ship(again["orderId"])
    await house.until(again["orderId"], status="shipped")

    await move(house, number, "delivered")

    await house.until_waiting_for(order_id, "enjoy")
    task = await until_task(house, again["orderId"], "parcel_not_wanted")
    assert task["trackingNumber"] == second
    await move(house, second, "returned")
    await house.until(again["orderId"], status="refunded")
    await pass_a_day(house, order_id)
    await house.until(order_id, status="completed", paymentStatus="paid")
    assert await refunded(house, order_id) == 0
    await house.assert_laws_hold()


async def test_goods_whose_money_is_on_its_way_back_are_not_sent_again(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "lost")
    task = await until_task(house, order_id, "parcel_lost")
    await mishap(house, "stripe", "refund", "refund_pending", orderId=order_id)
    refund_id = await begin_refund(house, order_id)
    await until_refund(house, order_id, refund_id, "pending")

    await close(house, task, "reship")

    await house.until_event(order_id, "parcel_given_up")
    assert not await house.rows("SELECT id FROM orders WHERE replacement_of = :id", id=order_id)
    (payment,) = await house.at_provider(order_id)
    await house.simulate(f"stripe/{payment['paymentId']}/refund-settle")
    await house.until(order_id, status="refunded", paymentStatus="refunded")
    assert await refunded(house, order_id) == PRICE


async def ask_for_the_money(house: House, order_id: str, task: Json) -> None:
    await begin_refund(house, order_id)


async def call_it_off(house: House, order_id: str, task: Json) -> None:
    assert (await cancel(house, order_id)).status_code == 202


async def decide_otherwise(house: House, order_id: str, task: Json) -> None:
    await close(house, task, "refund")


@pytest.mark.parametrize("change", [ask_for_the_money, call_it_off, decide_otherwise])
async def test_goods_that_have_not_left_again_stay_when_their_money_is_wanted(
    house: House, product: str, change: Callable[[House, str, Json], Awaitable[None]]
) -> None:
    order_id, number = await ship(house, product)
    again = await send_again(house, order_id, number)
    await move(house, number, "returning")
    task = await until_task(house, order_id, "parcel_returning")

    await change(house, order_id, task)

    await house.until(again["orderId"], status="cancelled")
    await house.until(order_id, status="refunded", paymentStatus="refunded")
    assert await refunded(house, order_id) == PRICE
    assert await house.stock(product) == (4, 4, 0)
    await house.assert_laws_hold()


async def test_nobody_refunds_by_itself_what_may_be_on_its_way(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    again = await send_again(house, order_id, number)
    await house.ship(again["orderId"])
    await house.until(again["orderId"], status="shipped")

    await house.handle(again["orderId"]).terminate("by mistake")

    task = await until_task(house, order_id, "parcel_not_resent")
    assert await refunded(house, order_id) == 0
    await close(house, task, "refund")
    await house.until(order_id, status="refunded", paymentStatus="refunded")
    assert await refunded(house, order_id) == PRICE


async def test_a_second_order_that_was_cut_short_is_taken_up_again(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    again = await send_again(house, order_id, number)
    await house.handle(again["orderId"]).terminate("by mistake")

    await close(house, await until_task(house, order_id, "parcel_not_resent"), "reship")

    await house.until_waiting_for(again["orderId"], "the warehouse")
    await bring(house, again)
    await pass_a_day(house, order_id)
    await house.until(order_id, status="completed", paymentStatus="paid")
    assert await house.stock(product) == (3, 3, 0)
    await house.assert_laws_hold()


async def test_news_of_a_parcel_that_was_given_up_does_not_wait_for_anybody(house: House) -> None:
    order = await picked(house)
    near, far = await ship_from(house, order, NEAR), await ship_from(house, order, FAR)
    await move(house, near, "lost")
    await close(house, await until_task(house, order.id, "parcel_lost"), "refund")
    await house.until(order.id, paymentStatus="partially_refunded")

    await move(house, near, "delivered")

    shown = await house.until_event(order.id, "news_after_the_end")
    assert "delivered" in str([row for row in shown["timeline"] if "after_the_end" in row["kind"]])
    assert not await house.rows(
        "SELECT 1 FROM callback_inbox WHERE order_id = :id AND applied_at IS NULL", id=order.id
    )
    task = await until_task(house, order.id, "parcel_turned_up")
    assert task["trackingNumber"] == near
    await move(house, far, "delivered")
    await house.until(order.id, status="delivered")


async def test_goods_that_come_back_after_all_are_looked_at(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await bring(house, await send_again(house, order_id, number))
    await house.until_waiting_for(order_id, "enjoy")

    await move(house, number, "returned")

    task = await until_task(house, order_id, "parcel_returned")
    assert task["trackingNumber"] == number
    assert (await house.order(order_id))["shippingStatus"] == "delivered"
    await house.assert_laws_hold()
