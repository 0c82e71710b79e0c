"""Goods arrive: book them in once, and wake the orders that wait, first come first."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import policies
from workflows.messages import StockArrived

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ReceiveStock, Stock
    from domain.ids import order_workflow_id
    from domain.order import Value


class StockReceiptResult(Value):
    """Which waiting orders were woken."""

    woken: tuple[str, ...]


@workflow.defn
class StockReceiptWorkflow:
    """One receipt of one SKU in one warehouse."""

    @workflow.run
    async def run(self, receipt: ReceiveStock) -> StockReceiptResult:
        """Book the goods, then signal; an order that has ended meanwhile is passed over."""
        booked = await workflow.execute_local_activity_method(
            Stock.receive_stock,
            receipt,
            summary=f"Book in {receipt.quantity} of {receipt.sku}",
            **policies.BOOKS,
        )
        woken = []
        for order_id in booked.waiting_orders:
            handle = workflow.get_external_workflow_handle(order_workflow_id(order_id))
            try:
                await handle.signal("stock_arrived", StockArrived(receipt_id=receipt.receipt_id))
            except ApplicationError:
                continue
            woken.append(order_id)
        return StockReceiptResult(woken=tuple(woken))
