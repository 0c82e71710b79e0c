"""What an order waits for once its own workflow has ended: whatever may still come back."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import until_ended
from tests.workflows.returning import (
    after_sales,
    arrive,
    decide,
    delivered,
    pass_time,
    returned,
    until_return,
)


async def completed(house: House, price_minor: int = 10_000) -> Json:
    """An order of one unit whose workflow has ended."""
    product = await house.add_product(stock=1, price_minor=price_minor)
    order = await delivered(house, product, quantity=1)
    await house.pass_time(order["orderId"], timedelta(hours=25))
    await until_ended(house, order["orderId"])
    return await house.order(order["orderId"])


async def waits(house: House, order: Json) -> Json:
    """What the order waits for; it must be something."""
    shown = await house.order(order["orderId"])
    assert shown["waitingFor"] is not None
    found: Json = shown["waitingFor"]
    return found


async def test_a_completed_order_waits_for_its_return_window_to_end(house: House) -> None:
    order = await completed(house)

    waiting = order["waitingFor"]
    assert waiting["what"] == "the return window to end"
    arrived = datetime.fromisoformat(order["shipment"]["deliveredAt"])
    assert datetime.fromisoformat(waiting["until"]) == arrived + timedelta(days=7)

    await pass_time(house, order, timedelta(days=8))
    shown = await house.until_event(order["orderId"], "return_window_closed")
    assert shown["waitingFor"] is None


async def test_a_return_after_the_end_says_for_whom_it_waits(house: House) -> None:
    order = await completed(house, price_minor=60_000)
    case = await returned(house, order, {1: 1})
    assert "an operator to decide" in (await waits(house, order))["what"]

    assert (await decide(house, case, "approve")).status_code == 202
    waiting = await waits(house, order)
    assert waiting["what"] == "returned goods to arrive"
    approved = (await house.call("GET", f"/returns/{case['returnId']}")).json()
    assert waiting["until"] == approved["expectedBy"]

    # Goods that were asked back in time may arrive after the window's end.
    await pass_time(house, order, timedelta(days=8))
    await house.until_event(order["orderId"], "return_window_closed")
    assert (await waits(house, order))["what"] == "returned goods to arrive"

    await arrive(house, case, {1: (1, 0)})
    await until_return(house, case, "refunded")
    assert (await house.order(order["orderId"]))["waitingFor"] is None
    await house.assert_laws_hold()


async def test_an_order_whose_after_sales_temporal_has_forgotten_waits_for_nothing(
    house: House,
) -> None:
    order = await completed(house)
    handle = after_sales(house, order)
    await house.client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=house.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
        )
    )

    async def forgotten() -> bool:
        try:
            await handle.describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        return False

    await eventually_async(forgotten)
    assert (await house.order(order["orderId"]))["waitingFor"] is None
