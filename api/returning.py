"""Speaks with an order's after-sales: one workflow for each order, started if it does not run."""

from __future__ import annotations

from temporalio.client import WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError

from api.problems import refusal
from api.resources import Resources
from api.updates import settle, updating
from domain.ids import after_sales_workflow_id
from domain.order import Value
from domain.returns import ReturnCase
from workflows.after_sales import AfterSalesWorkflow
from workflows.after_sales_messages import (
    RETURN_REFUSED,
    AfterSalesInput,
    AskForReturn,
    ReturnAnswer,
    ReturnArrived,
    ReturnDecision,
)
from workflows.policies import ORDERS_QUEUE

# Updates are named as text: the SDK's types for updates with a description are wrong (1.35).
_NAMES: dict[type[Value], str] = {
    AskForReturn: "ask",
    ReturnDecision: "decide",
    ReturnArrived: "receive",
}


async def tell_after_sales(
    uses: Resources, order_id: str, message: AskForReturn | ReturnDecision | ReturnArrived
) -> ReturnCase:
    """What a return is after this message; whether it is possible, the books decide.

    Raises:
        Refusal: it is not, and why; or Temporal does not answer.
    """
    operation = WithStartWorkflowOperation(
        AfterSalesWorkflow.run,
        AfterSalesInput(order_id=order_id),
        id=after_sales_workflow_id(order_id),
        task_queue=ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"After-sales of order {order_id}",
    )
    try:
        async with updating(uses, order_id):
            try:
                answer: ReturnAnswer = await uses.client.execute_update_with_start_workflow(
                    _NAMES[type(message)],
                    message,
                    result_type=ReturnAnswer,
                    start_workflow_operation=operation,
                )
            except WorkflowUpdateFailedError as error:
                _refuse(error)
                raise
            return answer.case
    finally:
        await settle(operation)


def _refuse(error: WorkflowUpdateFailedError) -> None:
    """Answer 409 with the code and the reason, if the books refused."""
    cause = error.cause
    kind = cause.type if isinstance(cause, ApplicationError) and cause.type else ""
    if isinstance(cause, ApplicationError) and kind.startswith(RETURN_REFUSED):
        raise refusal(409, kind.removeprefix(RETURN_REFUSED), cause.message) from error
