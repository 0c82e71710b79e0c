"""Words for parcels in trouble: the task that people get, what they decide, and the money."""

from __future__ import annotations

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import PRICE, assert_end, mails, refunds, until_ended


async def until_task(house: House, order_id: str, kind: str, state: str = "open") -> Json:
    """Wait until the order has such a task; the last one of its kind."""
    found: list[Json] = []

    async def look() -> bool:
        nonlocal found
        tasks: list[Json] = (await house.order(order_id))["tasks"]
        found = [task for task in tasks if (task["kind"], task["state"]) == (kind, state)]
        return bool(found)

    await eventually_async(look)
    return found[-1]


async def close(house: House, task: Json, decision: str = "") -> Json:
    answer = await house.call("POST", f"/tasks/{task['taskId']}/done", json={"decision": decision})
    assert answer.status_code == 200, answer.text
    closed: Json = answer.json()
    return closed


async def refunded(house: House, order_id: str) -> int:
    return sum(payment["refunded"] for payment in await house.at_provider(order_id))


async def assert_refunded(house: House, order_id: str, product: str) -> Json:
    order = await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        # What is lost, or has not been looked at, is not sold again.
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    await until_ended(house, order_id)
    assert len(refunds(await house.at_provider(order_id))) == 1
    assert (await mails(house, order_id))["order_refunded"] == 1
    return order
