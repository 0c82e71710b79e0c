"""Words for orders that come back: delivered, asked for, sent back, settled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from temporalio.client import WorkflowHandle

from domain.ids import after_sales_workflow_id
from tests.house import House, Json, order_for
from tests.serving import PATIENCE, eventually_async


async def delivered(house: House, product: str, quantity: int = 2) -> Json:
    """An order at the customer's door."""
    return await delivered_order(house, order_for(product, quantity))


async def delivered_order(house: House, body: Json) -> Json:
    """The same, of any request."""
    answer = await house.call("POST", "/orders", json=body)
    assert answer.status_code == 201, answer.text
    placed: Json = answer.json()
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(placed["orderId"])
    await house.deliver(placed["orderId"], number)
    await house.until_waiting_for(placed["orderId"], "enjoy")
    return await house.order(placed["orderId"])


async def ask(
    house: House, order: Json, units: dict[int, int], *, key: str = "", **more: Any
) -> httpx.Response:
    """Ask to return units by line number."""
    items = [{"lineNo": line_no, "quantity": quantity} for line_no, quantity in units.items()]
    return await house.call(
        "POST",
        f"/orders/{order['orderId']}/returns",
        json={"items": items, **more},
        headers={"Idempotency-Key": key or uuid4().hex},
    )


async def returned(house: House, order: Json, units: dict[int, int], **more: Any) -> Json:
    """Ask for a return that is taken; the return."""
    answer = await ask(house, order, units, **more)
    assert answer.status_code == 202, answer.text
    case: Json = answer.json()
    return case


async def decide(house: House, case: Json, verb: str, reason: str = "") -> httpx.Response:
    return await house.call("POST", f"/returns/{case['returnId']}/{verb}", json={"reason": reason})


async def arrive(
    house: House, case: Json, found: dict[int, tuple[int, int]], **more: Any
) -> httpx.Response:
    """The warehouse has the goods: so many of each line to sell again, so many damaged."""
    items = [
        {"lineNo": line_no, "resellable": good, "damaged": bad}
        for line_no, (good, bad) in found.items()
    ]
    return await house.call(
        "POST", f"/returns/{case['returnId']}/received", json={"items": items, **more}
    )


async def until_return(house: House, case: Json, state: str, seconds: float = PATIENCE) -> Json:
    """Wait until the return has come so far."""
    found: Json = {}

    async def look() -> bool:
        nonlocal found
        found = (await house.call("GET", f"/returns/{case['returnId']}")).json()
        return bool(found["state"] == state)

    await eventually_async(look, seconds)
    return found


def after_sales(house: House, order: Json) -> WorkflowHandle[Any, Any]:
    return house.client.get_workflow_handle(after_sales_workflow_id(order["orderId"]))


async def pass_time(house: House, order: Json, time: timedelta) -> None:
    """Move the clock of the order's after-sales forward."""
    await house.environment.fast_forward(after_sales(house, order), time)
