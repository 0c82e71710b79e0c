"""A refund that somebody asks for: one workflow for each, started with its first question."""

from __future__ import annotations

from temporalio.client import WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from api.resources import Resources
from api.updates import BEGIN, settle, updating
from workflows.messages import RefundAccepted, RefundOrder
from workflows.policies import ORDERS_QUEUE
from workflows.refund import RefundWorkflow


async def begin_refund(uses: Resources, request: RefundOrder) -> RefundAccepted:
    """Start the refund and wait until its amount is claimed; the same id makes one refund.

    Once it has ended, it is begun again: the books tell what was claimed for this id, and what was
    refused may be possible now.

    Raises:
        Refusal: there is nothing to give back, or Temporal does not answer.
    """
    operation = WithStartWorkflowOperation(
        RefundWorkflow.run,
        request,
        id=f"refund-{request.refund_id}",
        task_queue=ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"Refund for order {request.order_id}",
    )
    try:
        async with updating(uses, request.order_id):
            accepted: RefundAccepted = await uses.client.execute_update_with_start_workflow(
                BEGIN,
                result_type=RefundAccepted,
                start_workflow_operation=operation,
            )
            return accepted
    finally:
        await settle(operation)
