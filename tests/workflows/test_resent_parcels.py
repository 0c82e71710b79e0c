"""Lost parcels whose goods are sent again: at no cost, once, and only if there are any."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.customer_page import Outline, open_page
from tests.house import House, Json
from tests.workflows.journey import PRICE, kinds, mails, ship, until_mailed, until_replaced
from tests.workflows.returning import ask
from tests.workflows.splitting import FAR, NEAR, move, picked, ship_from, until_parcel
from tests.workflows.troubles import assert_refunded, close, refunded, until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def lose(house: House, order_id: str, number: str) -> Json:
    """The carrier says that it lost the parcel; the operators' task."""
    await move(house, number, "lost")
    return await until_task(house, order_id, "parcel_lost")


async def deliver(house: House, order: Json) -> None:
    """Bring the second parcel to the door, and let its order come to its end."""
    order_id = order["orderId"]
    number = await house.ship(order_id)
    await house.deliver(order_id, number)
    await pass_a_day(house, order_id)


async def pass_a_day(house: House, order_id: str) -> None:
    """Let a delivered order come to its end."""
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))


async def test_an_operator_sends_a_lost_parcel_again(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    task = await lose(house, order_id, number)

    closed = await close(house, task, "reship")

    assert (closed["state"], closed["decision"]) == ("done", "reship")
    again = await until_replaced(house, order_id)
    assert again["replacementOf"] == order_id
    assert again["pricing"]["total"] == "0.00"
    assert await house.stock(product) == (3, 3, 0)
    waiting = await house.until_waiting_for(order_id, "the order that sends the goods again")
    assert waiting["shipment"]["resentAs"] == again["orderId"]
    page = Outline((await open_page(house, waiting["orderNumber"])).text).text
    assert f"已重新发货：{again['orderNumber']}" in page
    await deliver(house, again)

    await pass_a_day(house, order_id)
    order = await house.until(order_id, status="completed", paymentStatus="paid")
    assert order["kept"] == "100.00"
    assert order["shippingStatus"] == "delivered"
    assert {"parcel_resent", "parcel_made_good", "order_delivered"} <= set(kinds(order))
    await until_mailed(house, again["orderId"], "resent_shipped")
    told = await mails(house, again["orderId"])
    assert not told.keys() & {"order_shipped", "exchange_shipped", "out_of_stock"}
    assert await refunded(house, order_id) == 0
    await house.assert_laws_hold()


async def test_goods_that_came_in_the_second_parcel_are_returned_as_they_were_bought(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await close(house, await lose(house, order_id, number), "reship")
    again = await until_replaced(house, order_id)
    await deliver(house, again)
    await pass_a_day(house, order_id)
    order = await house.until(order_id, status="completed")

    refused = await ask(house, again, {1: 1}, kind="exchange")
    accepted = await ask(house, order, {1: 1})

    assert refused.status_code == 409
    assert order["orderNumber"] in refused.json()["errors"][0]["message"]
    assert accepted.status_code == 202
    await house.assert_laws_hold()


async def test_without_goods_a_lost_parcel_is_refunded_instead(house: House) -> None:
    product = await house.add_product(stock=1)
    order_id, number = await ship(house, product)
    task = await lose(house, order_id, number)

    await close(house, task, "reship")

    order = await house.until(order_id, status="refunded", paymentStatus="refunded")
    assert order["kept"] == "0.00"
    assert await refunded(house, order_id) == PRICE
    (row,) = await house.rows(
        "SELECT id, status FROM orders WHERE replacement_of = :id", id=order_id
    )
    assert row.status == "cancelled"
    assert not (await mails(house, row.id)).keys() & {"out_of_stock", "order_cancelled"}
    assert await house.stock(product) == (0, 0, 0)
    await house.assert_laws_hold()


async def test_a_second_parcel_that_comes_back_is_refunded(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await close(house, await lose(house, order_id, number), "reship")
    again = await until_replaced(house, order_id)
    second = await house.ship(again["orderId"])
    await house.until(again["orderId"], status="shipped")
    await move(house, second, "returned")

    order = await house.until(order_id, status="refunded", paymentStatus="refunded")

    assert order["kept"] == "0.00"
    assert await refunded(house, order_id) == PRICE
    await house.assert_laws_hold()


async def test_a_parcel_that_is_found_calls_off_the_second_one(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await close(house, await lose(house, order_id, number), "reship")
    again = await until_replaced(house, order_id)

    await move(house, number, "delivered")

    await house.until(order_id, status="delivered", paymentStatus="paid")
    await house.until(again["orderId"], status="cancelled")
    # What was put aside for the second parcel is on its shelf again.
    assert await house.stock(product) == (4, 4, 0)
    await house.assert_laws_hold()


async def test_only_the_lost_one_of_two_parcels_is_sent_again(house: House) -> None:
    order = await picked(house)
    near, far = await ship_from(house, order, NEAR), await ship_from(house, order, FAR)
    await move(house, near, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")
    await move(house, far, "lost")
    await close(house, await until_task(house, order.id, "parcel_lost"), "reship")

    again = await until_replaced(house, order.id)
    assert [line["quantity"] for line in again["items"]] == [1]
    shown = await house.order(order.id)
    assert shown["status"] == "shipped"
    await deliver(house, again)

    await pass_a_day(house, order.id)
    done = await house.until(order.id, status="completed", paymentStatus="paid")
    assert done["shippingStatus"] == "delivered"
    await house.assert_laws_hold()


async def test_money_that_went_back_meanwhile_is_not_made_good_a_second_time(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    task = await lose(house, order_id, number)
    answer = await house.call("POST", f"/orders/{order_id}/refunds", json={})
    assert answer.status_code == 202, answer.text
    await house.until(order_id, paymentStatus="refunded")

    await close(house, task, "reship")

    await house.until_event(order_id, "parcel_given_up")
    assert not await house.rows("SELECT id FROM orders WHERE replacement_of = :id", id=order_id)
    await assert_refunded(house, order_id, product)
