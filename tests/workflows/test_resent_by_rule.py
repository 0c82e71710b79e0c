"""A shop whose rule is to send lost parcels again: without anybody's word, and not always."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from api.app import create_app
from tests.api.conftest import calling
from tests.house import House, order_for
from tests.workflows.journey import PRICE, cancel, until_registered, until_replaced
from tests.workflows.splitting import move
from tests.workflows.troubles import refunded, until_task


async def shipped_by_such_a_shop(house: House, product: str) -> tuple[str, str]:
    """An order that is on its way; its id and the parcel's number."""
    settings = house.settings.model_copy(update={"lost_parcel_remedy": "reship"})
    app = create_app(settings, client=house.client)
    async with calling(app, house.api_key) as api:
        answer = await api.post("/orders", json=order_for(product))
    assert answer.status_code == 201, answer.text
    placed = answer.json()
    order_id = str(placed["orderId"])
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")
    await until_registered(house, order_id)
    return order_id, number


async def test_a_lost_parcel_is_sent_again_when_nobody_has_found_it(house: House) -> None:
    product = await house.add_product(stock=5)
    order_id, number = await shipped_by_such_a_shop(house, product)
    await move(house, number, "lost")
    await until_task(house, order_id, "parcel_lost")

    # An order's clock stands still as long as it waits for another one: this does not come back.
    passing = asyncio.create_task(house.pass_time(order_id, timedelta(hours=49)))
    again = await until_replaced(house, order_id)
    await house.until_waiting_for(again["orderId"], "the warehouse")
    passing.cancel()

    assert await refunded(house, order_id) == 0
    assert await house.stock(product) == (3, 3, 0)


async def test_nothing_is_sent_again_to_somebody_who_has_cancelled(house: House) -> None:
    product = await house.add_product(stock=5)
    order_id, number = await shipped_by_such_a_shop(house, product)
    await cancel(house, order_id)
    await house.until_event(order_id, "return_requested")
    await move(house, number, "lost")
    await until_task(house, order_id, "parcel_lost")

    await house.pass_time(order_id, timedelta(hours=49))

    await house.until(order_id, status="refunded", paymentStatus="refunded")
    assert await refunded(house, order_id) == PRICE
    assert not await house.rows("SELECT id FROM orders WHERE replacement_of = :id", id=order_id)
    await house.assert_laws_hold()
