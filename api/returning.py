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

KEY_REUSED = "idempotency_key_reused"

# Updates are named as text: the SDK's types for updates with a description are wrong (1.35).
_NAMES: dict[type[Value], str] = {
    AskForReturn: "ask",
    ReturnDecision: "decide",
    ReturnArrived: "receive",
}


async def request_return(uses: Resources, order_id: str, message: AskForReturn) -> ReturnCase:
    """The return that was asked for; the same id asks once.

    Raises:
        Refusal: it is not possible, and why; the id belongs to another return; or Temporal does
            not answer.
    """
    return check_same(await tell_after_sales(uses, order_id, message), message)


def check_same(case: ReturnCase, message: AskForReturn) -> ReturnCase:
    """The return that has the message's id, if it is the one that the message asks for.

    Raises:
        Refusal: the id belongs to another return.
    """
    asked = {line.line_no: line.quantity for line in case.lines}
    if (case.kind, asked) != (message.kind, message.lines):
        raise refusal(
            409, KEY_REUSED, "this key belongs to another return: send a new key", "Idempotency-Key"
        )
    return case


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
