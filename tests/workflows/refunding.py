"""Words for asking money back and for following each refund to its end."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.paying import place_at, reach_the_warehouse


async def ask_back(house: House, order_id: str, key: str = "", **body: Any) -> httpx.Response:
    """Ask for a refund: `amount`, `items`, or all that is left."""
    headers = {"Idempotency-Key": key} if key else {}
    return await house.call("POST", f"/orders/{order_id}/refunds", json=body, headers=headers)


async def begin_refund(house: House, order_id: str, **body: Any) -> str:
    """Ask for a refund that is accepted; its id."""
    answer = await ask_back(house, order_id, **body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["refundId"])


async def retry(house: House, order_id: str, refund_id: str) -> httpx.Response:
    """Ask for a failed refund to be made anew."""
    return await house.call("POST", f"/orders/{order_id}/refunds/{refund_id}/retry")


async def until_refund(house: House, order_id: str, refund_id: str, state: str) -> Json:
    """Wait until a refund has come so far; how the order shows it."""
    found: Json = {}

    async def look() -> bool:
        nonlocal found
        refunds = (await house.order(order_id))["refunds"]
        found = next((one for one in refunds if one["refundId"] == refund_id), {})
        return found.get("state") == state

    try:
        await eventually_async(look)
    except AssertionError as error:
        raise AssertionError(f"wanted {refund_id} to be {state}, is {found}") from error
    return found


async def let_refund_end(house: House, refund_id: str) -> None:
    """Wait until a refund's own workflow is over; it need not rest between two looks."""
    handle = house.client.get_workflow_handle(f"refund-{refund_id}")

    async def over() -> bool:
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            return True
        # It may end in this very moment.
        with suppress(RPCError):
            await house.environment.fast_forward(handle, timedelta(hours=2))
        return False

    await eventually_async(over)


async def being_picked(house: House, product: str, gateway: str = "stripe") -> tuple[str, Json]:
    """A new paid order that the warehouse picks; its id and its payment."""
    placed = await place_at(house, product, gateway)
    await reach_the_warehouse(house, placed)
    return placed["orderId"], placed["payment"]


async def until_money(house: House, order_id: str, status: str, kept: str) -> Json:
    """Wait until the order's money is as wanted, and nothing contradicts it."""
    order = await house.until(order_id, paymentStatus=status, kept=kept)
    await house.assert_laws_hold()
    return order
