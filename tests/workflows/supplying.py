"""Words for restocking: what the supplier was asked, and what it brings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from domain.ids import restock_workflow_id
from gateways.signatures import SIGNATURE_HEADER, sign
from settings import reveal
from tests.house import House, Json
from tests.serving import eventually_async
from workflows.policies import ORDERS_QUEUE
from workflows.restock_watch import RestockWatchWorkflow

WAREHOUSE = "WH-HZ"


async def wait_in_line(house: House, product: str, quantity: int = 1) -> str:
    """Place an order that there are no goods for; its id."""
    placed = await house.place(product, quantity)
    assert placed["status"] == "pending_restock", placed
    order_id = str(placed["orderId"])
    await house.until_waiting_for(order_id, "goods")
    return order_id


async def supplies(house: House, product: str) -> list[Json]:
    """The supply orders that the supplier holds for a product, oldest first."""
    answer = await house.http.get(f"{house.simulator}/_sim/state", params={"limit": 10_000})
    held: list[Json] = answer.json()["supplyOrders"]
    return [supply for supply in reversed(held) if supply["sku"] == product]


async def until_asked(house: House, product: str, count: int = 1) -> Json:
    """Wait until the supplier has so many orders of a product, and we know; the last of them."""
    found: list[Json] = []

    async def look() -> bool:
        found[:] = await supplies(house, product)
        known = await our_supplies(house, product)
        return len(found) >= count and all(row.state != "intended" for row in known)

    await eventually_async(look, 30)
    assert len(found) == count
    return found[-1]


async def our_supplies(house: House, product: str) -> list[Any]:
    """The same in our books."""
    return await house.rows(
        "SELECT id, quantity, received, state, supplier_ref, reason FROM supply_orders"
        " WHERE sku = :sku ORDER BY created_at, id",
        sku=product,
    )


async def deliver(house: House, supply: Json, **query: Any) -> Json:
    """The supplier's lorry arrives."""
    return await house.simulate(f"supplies/{supply['supplyId']}/deliver", params=query)


async def until_stock(house: House, product: str, total: int) -> None:
    """Wait until so many are in the house."""

    async def look() -> bool:
        return (await house.stock(product))[0] == total

    await eventually_async(look)


async def requests(house: House, supply_id: str) -> list[Json]:
    """The supply orders that came to the supplier under one id, attempt by attempt."""
    answer = await house.http.get(
        f"{house.simulator}/_sim/journal", params={"party": "supplier", "limit": 10_000}
    )
    return [
        entry
        for entry in answer.json()["entries"]
        if entry["operation"] == "supply_order" and entry["idempotencyKey"] == supply_id
    ]


async def watch_shelves(house: House) -> None:
    """What the schedule does every two minutes."""
    await house.client.execute_workflow(
        RestockWatchWorkflow.run, id=f"restock-watch-{uuid4().hex}", task_queue=ORDERS_QUEUE
    )


async def set_reorder_point(house: House, product: str, point: int) -> None:
    async with house.sessions.begin() as session:
        await session.execute(
            text("UPDATE inventory SET reorder_point = :point WHERE sku = :sku"),
            {"point": point, "sku": product},
        )


async def call_back(house: House, secret: str = "", **body: Any) -> httpx.Response:
    """A callback as the supplier sends it, or somebody who pretends to be it."""
    raw = json.dumps({"eventId": uuid4().hex, "event": "arrived", **body}).encode()
    key = secret or reveal(house.settings.supply_callback_secret)
    signature = sign(raw, key, datetime.now(UTC))
    return await house.http.post(
        f"{house.api}/callbacks/supply",
        content=raw,
        headers={"Content-Type": "application/json", SIGNATURE_HEADER: signature},
    )


async def restocking_status(house: House, product: str) -> WorkflowExecutionStatus | None:
    """Whether the product's restock workflow runs; nothing if there never was one."""
    handle = house.client.get_workflow_handle(restock_workflow_id(WAREHOUSE, product))
    try:
        return (await handle.describe()).status
    except RPCError:
        return None


async def until_restocked(house: House, product: str) -> None:
    """Wait until nothing is missing or promised any more."""

    async def look() -> bool:
        status = await restocking_status(house, product)
        return status is WorkflowExecutionStatus.COMPLETED

    await eventually_async(look)
