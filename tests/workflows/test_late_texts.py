"""A text message that cannot be sent holds up nothing but itself."""

from __future__ import annotations

from datetime import timedelta

from domain.ids import order_workflow_id
from tests.house import House
from tests.serving import eventually_async
from tests.workflows.bouncing import message, somebody, texts, until_message
from tests.workflows.journey import mishap, pay_and_reach_the_warehouse


async def test_mails_are_not_late_for_a_provider_of_texts_that_is_down(house: House) -> None:
    body = somebody(await house.add_product(stock=1))
    number = body["customerInfo"]["phone"].removeprefix("+86")
    # Each of the two is tried four times, and then waits for five minutes.
    await mishap(house, "aliyun", "send", "rate_limit", times=8, ref=number)
    placed = (await house.call("POST", "/orders", json=body)).json()
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)

    await house.ship(order_id)

    await until_message(house, order_id, "order_shipped")
    assert (await message(house, order_id, "order_confirmed", "sms")).state == "pending"
    for kind in ("order_confirmed", "order_shipped"):
        await until_tried(house, order_id, kind, 4)
    handle = house.client.get_workflow_handle(order_workflow_id(order_id))
    await house.environment.fast_forward(handle, timedelta(minutes=6))
    for kind in ("order_confirmed", "order_shipped"):
        row = await until_message(house, order_id, kind, "sms")
        assert (row.attempts, len(await texts(house, row))) == (5, 1)


async def until_tried(house: House, order_id: str, kind: str, times: int) -> None:
    """Wait until a text message has been tried that often."""

    async def look() -> bool:
        row = await message(house, order_id, kind, "sms")
        return bool(row and row.attempts == times)

    await eventually_async(look)
