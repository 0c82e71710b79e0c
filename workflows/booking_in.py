"""Book goods in and wake the orders that wait for them: the one way for whatever arrives."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ReceiveStock, Stock


async def book_in(receipt: ReceiveStock) -> tuple[str, ...]:
    """Book one receipt, then signal; the orders that were woken, first come first."""
    booked = await workflow.execute_local_activity_method(
        Stock.receive_stock,
        receipt,
        summary=f"Book in {receipt.quantity} of {receipt.sku}",
        **policies.BOOKS,
    )
    return await wake(booked.waiting_orders, receipt.receipt_id)
