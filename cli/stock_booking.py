"""Changes of stock by hand: each is a workflow, named after its reference, and counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.failure import REFUSED, CommandFailed
from cli.temporal_client import connect_temporal

if TYPE_CHECKING:
    from temporalio.client import WorkflowFailureError

    from activities.inventory import AdjustResult, AdjustStock, ReceiveStock
    from workflows.stock_receipt import StockReceiptResult


async def receive(command: ReceiveStock) -> StockReceiptResult:
    """Book goods in; the same receipt again gives the same result.

    Raises:
        CommandFailed: the receipt was booked with another quantity.
    """
    from temporalio.client import WorkflowFailureError
    from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
    from temporalio.exceptions import WorkflowAlreadyStartedError

    from workflows.policies import ORDERS_QUEUE
    from workflows.stock_receipt import StockReceiptWorkflow

    client = await connect_temporal()
    place = f"{command.warehouse_id}-{command.sku}"
    # With the quantity: another one under the same receipt must reach the ledger, which refuses it.
    workflow_id = f"receipt-{command.receipt_id}-{place}-{command.quantity}"
    try:
        handle = await client.start_workflow(
            StockReceiptWorkflow.run,
            command,
            id=workflow_id,
            task_queue=ORDERS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{command.quantity} of {command.sku} for {command.warehouse_id}",
        )
    except WorkflowAlreadyStartedError:
        handle = client.get_workflow_handle_for(StockReceiptWorkflow.run, workflow_id)
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        raise _refusal(error) from error


async def adjust(command: AdjustStock) -> AdjustResult:
    """Correct a level; the same reference changes nothing any more.

    Raises:
        CommandFailed: the reference was booked with another change.
    """
    from temporalio.client import WorkflowFailureError
    from temporalio.common import WorkflowIDConflictPolicy

    from workflows.policies import ORDERS_QUEUE
    from workflows.stock_adjustment import StockAdjustmentWorkflow

    client = await connect_temporal()
    place = f"{command.warehouse_id}-{command.sku}"
    try:
        # The ledger decides whether it counts: what was refused may be tried again.
        return await client.execute_workflow(
            StockAdjustmentWorkflow.run,
            command,
            id=f"adjustment-{command.adjustment_id}-{place}-{command.change}",
            task_queue=ORDERS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{command.change:+} of {command.sku} in {command.warehouse_id}",
        )
    except WorkflowFailureError as error:
        raise _refusal(error) from error


def _refusal(error: WorkflowFailureError) -> CommandFailed:
    cause = error.cause
    return CommandFailed(str(cause.__cause__ or cause), code=REFUSED)
