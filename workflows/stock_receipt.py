"""Goods arrive: book them in once, and wake the orders that wait, first come first."""

from __future__ import annotations

from temporalio import workflow

from workflows.booking_in import book_in

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ReceiveStock
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
        return StockReceiptResult(woken=await book_in(receipt))
