"""The second parcel did arrive, but its order is not there to say so: an operator's word."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from activities.lost_parcels import LostParcels, NoteTrouble
from domain.parcel_exceptions import ParcelTrouble
from tests.api.conftest import codes
from tests.house import House, Json
from tests.workflows.journey import PRICE, ship
from tests.workflows.splitting import move
from tests.workflows.test_resent_again import leave, third_order
from tests.workflows.test_resent_troubles import pass_a_day, send_again
from tests.workflows.troubles import close, refunded, until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=8)


async def cut_short(house: House, order_id: str, again: Json) -> Json:
    """Somebody terminates the second order's workflow; the operators' task about the first."""
    await house.handle(again["orderId"]).terminate("by mistake")
    return await until_task(house, order_id, "parcel_not_resent")


async def say_arrived(house: House, task: Json) -> httpx.Response:
    body = {"decision": "arrived", "note": "the customer says so"}
    return await house.call("POST", f"/tasks/{task['taskId']}/done", json=body)


def assert_refused(answer: httpx.Response, status: int, code: str, why: str) -> None:
    assert (answer.status_code, codes(answer)) == (status, [code]), answer.text
    assert why in answer.json()["errors"][0]["message"]


async def test_goods_that_arrived_by_an_operators_word_are_made_good(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    again = await send_again(house, first, number)
    await leave(house, again)
    task = await cut_short(house, first, again)

    closed = await close(house, task, "arrived")

    assert (closed["state"], closed["decision"]) == ("done", "arrived")
    order = await house.until(first, status="delivered", paymentStatus="paid")
    (made_good,) = [row for row in order["timeline"] if row["kind"] == "parcel_made_good"]
    assert made_good["by"] == "operator"
    await house.until(again["orderId"], status="delivered")
    assert await close(house, task, "arrived") == closed
    await pass_a_day(house, first)
    await house.until(first, status="completed", shippingStatus="delivered")
    assert await refunded(house, first) == 0
    await house.assert_laws_hold()


async def test_what_the_arrived_parcel_lacks_is_refunded(house: House, product: str) -> None:
    first, number = await ship(house, product, quantity=2)
    again = await send_again(house, first, number)
    await leave(house, again, missing=[f"{product}:1:not_found"])
    await house.until_event(again["orderId"], "lines_missing")

    await close(house, await cut_short(house, first, again), "arrived")

    order = await house.until(first, status="delivered", paymentStatus="partially_refunded")
    assert [refund["lines"][0]["quantity"] for refund in order["refunds"]] == [1]
    assert await refunded(house, first) == PRICE
    await house.assert_laws_hold()


async def test_what_has_not_left_cannot_have_arrived(house: House, product: str) -> None:
    first, number = await ship(house, product)
    again = await send_again(house, first, number)
    task = await cut_short(house, first, again)

    refused = await say_arrived(house, task)

    assert_refused(refused, 409, "not_arrived", f"order {again['orderNumber']} has not left")
    assert (await until_task(house, first, "parcel_not_resent"))["taskId"] == task["taskId"]
    await close(house, task, "reship")
    await house.until_waiting_for(again["orderId"], "the warehouse")


async def test_nothing_else_arrives_by_word(house: House, product: str) -> None:
    first, number = await ship(house, product)
    await move(house, number, "lost")

    refused = await say_arrived(house, await until_task(house, first, "parcel_lost"))

    assert_refused(refused, 422, "nothing_to_decide", "this task is parcel_lost")


async def test_a_first_parcel_that_was_found_needs_nobodys_word(house: House, product: str) -> None:
    first, number = await ship(house, product)
    again = await send_again(house, first, number)
    await leave(house, again)
    task = await cut_short(house, first, again)
    await move(house, number, "delivered")
    await house.until(first, status="delivered")

    refused = await say_arrived(house, task)

    assert_refused(refused, 409, "not_arrived", f"parcel {number} has been delivered itself")


async def test_an_order_that_goes_on_tells_by_itself(house: House, product: str) -> None:
    first, number = await ship(house, product)
    again = await send_again(house, first, number)
    await leave(house, again)
    await LostParcels(house.sessions).note_trouble(
        NoteTrouble(
            order_id=first,
            tracking_number=number,
            trouble=ParcelTrouble.NOT_RESENT,
            at=datetime.now(UTC),
        )
    )

    refused = await say_arrived(house, await until_task(house, first, "parcel_not_resent"))

    assert_refused(refused, 409, "not_arrived", "its second order's process runs")


async def test_a_third_parcel_tells_by_itself_whether_it_has_arrived(
    house: House, product: str
) -> None:
    first, number = await ship(house, product)
    second, third = await third_order(house, first, number)
    task = await cut_short(house, first, second)
    sent = await leave(house, third)

    refused = await say_arrived(house, task)

    assert_refused(refused, 409, "not_arrived", f"{third['orderNumber']} sends that again, and is")
    await house.deliver(third["orderId"], sent)
    await close(house, task, "arrived")
    await house.until(first, status="delivered", paymentStatus="paid")
    await house.until(second["orderId"], status="delivered")
    await pass_a_day(house, third["orderId"])
    await house.assert_laws_hold()
