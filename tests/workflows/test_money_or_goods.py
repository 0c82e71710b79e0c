"""Goods that are sent again are not paid back as well, whichever is asked for first."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.api.conftest import codes
from tests.house import House, Json
from tests.workflows.journey import PRICE, cancel, mishap, ship, until_replaced
from tests.workflows.refunding import ask_back, begin_refund, retry, until_refund
from tests.workflows.returning import arrive, decide, delivered, returned, until_return
from tests.workflows.splitting import FAR, NEAR, move, picked, ship_from, until_parcel
from tests.workflows.test_resent_troubles import bring, pass_a_day, send_again
from tests.workflows.troubles import close, refunded, until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=6)


async def ask_for(house: House, order_id: str, units: int) -> httpx.Response:
    """Ask for the money of so many units of the order's only line."""
    items = [{"lineNo": 1, "quantity": units}]
    return await ask_back(house, order_id, key=uuid4().hex, items=items)


def assert_refused(answer: httpx.Response, why: str) -> None:
    assert (answer.status_code, codes(answer)) == (409, ["refund_refused"]), answer.text
    assert why in answer.json()["errors"][0]["message"]


async def test_what_is_sent_again_is_paid_back_only_if_that_is_cancelled(
    house: House, product: str
) -> None:
    first, number = await ship(house, product, quantity=2)
    again = await send_again(house, first, number)

    refused = await ask_for(house, first, 1)

    assert_refused(refused, f"sent again as order {again['orderNumber']}: cancel that one")
    assert await refunded(house, first) == 0
    assert (await cancel(house, again["orderId"])).status_code == 202
    await house.until(first, status="refunded", paymentStatus="refunded")
    await house.until(again["orderId"], status="cancelled")
    assert await refunded(house, first) == 2 * PRICE
    assert await house.stock(product) == (4, 4, 0)
    await house.assert_laws_hold()


async def test_what_is_on_its_way_again_is_not_paid_back_until_it_has_come(
    house: House, product: str
) -> None:
    first, number = await ship(house, product, quantity=2)
    again = await send_again(house, first, number)
    await house.ship(again["orderId"])
    await house.until(again["orderId"], status="shipped")

    assert_refused(await ask_for(house, first, 1), "sent again as order")

    shown = await house.order(again["orderId"])
    await house.deliver(again["orderId"], shown["shipment"]["trackingNumber"])
    await pass_a_day(house, again["orderId"])
    await house.until(first, status="delivered", paymentStatus="paid")
    # Goods that have come may be paid back, as those of any order.
    assert (await ask_for(house, first, 1)).status_code == 202
    await house.until(first, paymentStatus="partially_refunded", kept="100.00")
    await house.assert_laws_hold()


async def test_units_that_were_paid_back_before_are_not_sent_again(
    house: House, product: str
) -> None:
    first, number = await ship(house, product, quantity=2)
    await begin_refund(house, first, items=[{"lineNo": 1, "quantity": 1}])
    await house.until(first, paymentStatus="partially_refunded")
    again = await send_again(house, first, number)
    assert [line["quantity"] for line in again["items"]] == [1]

    assert_refused(await ask_for(house, first, 1), "0 other units can be refunded")

    await bring(house, again)
    await house.until(first, status="delivered", paymentStatus="partially_refunded")
    assert await refunded(house, first) == PRICE
    await house.assert_laws_hold()


async def test_a_refund_that_failed_is_not_made_anew_for_what_is_sent_again_since(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    await mishap(house, "stripe", "refund", "reject", orderId=first)
    refund_id = await begin_refund(house, first, items=[{"lineNo": 1, "quantity": 1}])
    await until_refund(house, first, refund_id, "failed")
    again = await send_again(house, first, number)

    assert_refused(await retry(house, first, refund_id), "sent again as order")

    await bring(house, again)
    await house.until(first, status="delivered", paymentStatus="paid")
    assert await refunded(house, first) == 0
    await house.assert_laws_hold()


async def test_what_is_sent_again_is_called_off_before_the_money_has_gone_back(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    again = await send_again(house, first, number)
    await mishap(house, "stripe", "refund", "fail_before_commit", times=3, orderId=first)

    await begin_refund(house, first)

    await house.until(again["orderId"], status="cancelled")
    assert await refunded(house, first) == 0
    await house.until(first, status="refunded", paymentStatus="refunded")
    assert await refunded(house, first) == PRICE
    await house.assert_laws_hold()


async def exchange(house: House, product: str) -> tuple[Json, Json]:
    """An order of two units at the door, of which one is to be exchanged."""
    order = await delivered(house, product, quantity=2)
    return order, await returned(house, order, {1: 1}, kind="exchange")


async def test_what_is_to_be_exchanged_is_not_paid_back(house: House, product: str) -> None:
    order, case = await exchange(house, product)
    order_id = order["orderId"]

    for refused in (await ask_for(house, order_id, 2), await ask_back(house, order_id)):
        assert_refused(refused, f"exchanged by return {case['returnId']}: reject that one")

    assert (await decide(house, case, "reject")).status_code == 202
    assert (await ask_for(house, order_id, 2)).status_code == 202
    await house.until(order_id, paymentStatus="refunded")
    await house.assert_laws_hold()


async def test_an_exchange_that_is_cancelled_gives_the_money_back_once(
    house: House, product: str
) -> None:
    order, case = await exchange(house, product)
    order_id = order["orderId"]
    await arrive(house, case, {1: (0, 1)})
    again = await until_replaced(house, order_id)
    await house.until_waiting_for(again["orderId"], "the warehouse")

    for refused in (await ask_for(house, order_id, 2), await ask_back(house, order_id)):
        assert_refused(refused, f"sent again as order {again['orderNumber']}: cancel that one")
    # The other unit is with the customer, and may be paid back.
    assert (await ask_for(house, order_id, 1)).status_code == 202

    assert (await cancel(house, again["orderId"])).status_code == 202
    await until_return(house, case, "refunded")
    await house.until(order_id, paymentStatus="refunded", kept="0.00")
    assert await refunded(house, order_id) == 2 * PRICE
    await house.assert_laws_hold()


async def test_a_parcel_that_came_back_is_no_return_while_its_goods_are_sent_again(
    house: House,
) -> None:
    order = await picked(house)
    near, far = await ship_from(house, order, NEAR), await ship_from(house, order, FAR)
    await move(house, near, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")
    await move(house, far, "lost")
    await close(house, await until_task(house, order.id, "parcel_lost"), "reship")
    again = await until_replaced(house, order.id)
    await house.until_waiting_for(again["orderId"], "the warehouse")
    await move(house, far, "returned")
    await until_task(house, order.id, "parcel_returned")
    lines = {line["sku"]: line["lineNo"] for line in (await house.order(order.id))["items"]}

    case = await returned(house, await house.order(order.id), {lines[order.near]: 1})

    assert [one["returnId"] for one in (await house.order(order.id))["returns"]] == [
        case["returnId"]
    ]
    await arrive(house, case, {lines[order.near]: (1, 0)})
    await until_return(house, case, "refunded")
    await bring(house, again)
    await house.until(order.id, status="delivered", paymentStatus="partially_refunded")
    assert await refunded(house, order.id) == PRICE
    await house.assert_laws_hold()
