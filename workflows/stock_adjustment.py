"""Somebody has counted: correct a level once, and wake the orders that it is enough for now."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from activities.inventory import AdjustResult, AdjustStock, Stock, StockAdjusted


@workflow.defn
class StockAdjustmentWorkflow:
    """One correction of one SKU in one warehouse."""

    @workflow.run
    async def run(self, adjustment: AdjustStock) -> AdjustResult:
        """Correct the level, then signal; what orders were promised is not touched."""
        adjusted = await workflow.execute_local_activity_method(
            Stock.adjust_stock,
            adjustment,
            summary=f"Correct {adjustment.sku} by {adjustment.change:+}",
            **policies.BOOKS,
        )
        if not isinstance(adjusted.result, StockAdjusted):
            return adjusted
        woken = await wake(adjusted.result.waiting_orders, adjustment.adjustment_id)
        return AdjustResult(result=StockAdjusted(waiting_orders=woken))
