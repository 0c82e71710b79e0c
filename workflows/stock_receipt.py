"""Goods arrive: book them in once, and wake the orders that wait, first come first."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ReceiveStock, Stock
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
        woken = await wake(booked.waiting_orders, receipt.receipt_id)
        return StockReceiptResult(woken=woken)
