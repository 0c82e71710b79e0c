"""Tell orders that wait for goods that there may be some."""

from __future__ import annotations

from collections.abc import Iterable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.messages import StockArrived

with workflow.unsafe.imports_passed_through():
    from domain.ids import order_workflow_id


async def wake(order_ids: Iterable[str], reference: str) -> tuple[str, ...]:
    """Signal the orders one after the other; those whose workflow has ended are passed over."""
    woken = []
    for order_id in order_ids:
        handle = workflow.get_external_workflow_handle(order_workflow_id(order_id))
        try:
            await handle.signal("stock_arrived", StockArrived(receipt_id=reference))
        except ApplicationError:
            continue
        woken.append(order_id)
    return tuple(woken)
