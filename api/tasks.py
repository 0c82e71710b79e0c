"""What operators have to do, and what they decide: `GET /tasks`, `POST /tasks/{taskId}/done`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from temporalio.service import RPCError, RPCStatusCode

from activities.arrivals import why_not_arrived
from activities.order_watch import OrderWatch
from api import outages
from api.answers import TaskAnswer, TaskList, answer
from api.auth import Caller, authorize
from api.bodies import OptionalJsonBody
from api.command_body import REASON_LIMIT, REFUSALS, CommandBody, takes
from api.problems import Refusal, refusal
from api.resources import Resources, Uses
from api.review_decisions import decide, is_review, read_decision
from api.views import operator_task
from db import operator_tasks, orders
from db.fulfillment import Shipment
from db.operator_tasks import OperatorTask, TaskState
from domain.ids import order_workflow_id
from domain.parcel_exceptions import Decision, ParcelTrouble
from workflows.messages import ParcelDecided
from workflows.order import OrderWorkflow

router = APIRouter(tags=["operators"], dependencies=[Depends(authorize)])

_DECISIONS = {"", *Decision}

TaskId = Annotated[str, Path(alias="taskId", max_length=40, description="A task's id.")]
State = Annotated[Literal["open", "done", "obsolete"], Query()]


@router.get("/tasks", summary="What operators have to do", response_model=TaskList)
async def list_tasks(
    uses: Uses, state: State = "open", limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Response:
    """Tasks in one state, the urgent ones first, then the oldest."""
    async with uses.reading() as session:
        found = await operator_tasks.find_tasks(session, state=state, limit=limit)
        numbers = await orders.order_numbers(session, [task.order_id for task in found])
    tasks = tuple(operator_task(task, numbers.get(task.order_id, "")) for task in found)
    return answer(TaskList(tasks=tasks))


@router.post(
    "/tasks/{taskId}/done",
    summary="Close a task, with a decision",
    response_model=TaskAnswer,
    responses=REFUSALS,
    openapi_extra=takes(
        {"decision": "refund", "note": "the carrier confirmed the loss"},
        payment={"decision": "accept", "note": "the customer paid by two cards", "by": "Chen"},
    ),
)
async def close_task(
    uses: Uses, caller: Caller, task_id: TaskId, body: OptionalJsonBody
) -> Response:
    """Say that it is done. For a parcel in trouble, `decision` says what becomes of it.

    `refund` gives the parcel up and its money back; `reship` sends its goods again, or refunds them
    if there are none; `wait` stops what would come by itself; `arrived` says of goods that were
    sent again that they have come, when their own order is not there to tell. Without a decision
    everything takes its course. Repeating it is harmless.

    For a payment in review a decision and a `note` are needed, `by` is who decides: `accept` (it
    pays for the order, what is too much goes back) or `refund` of one that is not what was asked
    for; `won` (the money stays) or `lost` (the bank has taken it) of a disputed one.
    """
    request = CommandBody(body)
    task = await _find(uses, task_id)
    if is_review(task):
        return answer(operator_task(await decide(uses, read_decision(request, task, caller))))
    decision = request.fields.text("decision", 20, str.lower)
    note = request.fields.text("note", REASON_LIMIT)
    if decision not in _DECISIONS:
        request.fields.note(
            "unknown_decision",
            "decision",
            "send refund, reship, wait or arrived, or leave it out",
        )
    request.refuse_if_wrong()
    if decision and not task.tracking_number:
        raise refusal(422, "nothing_to_decide", "this task is not about a parcel", "decision")
    told = task.state == TaskState.OPEN and bool(decision)
    if told and decision == Decision.ARRIVED:
        await _refuse_arrival(uses, task)
    if told:
        await _tell_workflow(uses, task, Decision(decision))
    return answer(operator_task(await _close(uses, task, decision, note, told=told)))


async def _find(uses: Resources, task_id: str) -> OperatorTask:
    async with uses.reading() as session:
        task = await session.get(OperatorTask, task_id)
    if task is None:
        raise _unknown()
    return task


async def _refuse_arrival(uses: Resources, task: OperatorTask) -> None:
    """Only what was sent again, and is not followed by its own order, is believed to have come.

    Raises:
        Refusal: the task is about something else, or it cannot be so.
    """
    if task.kind != ParcelTrouble.NOT_RESENT:
        message = f"`arrived` answers {ParcelTrouble.NOT_RESENT}: this task is {task.kind}"
        raise refusal(422, "nothing_to_decide", message, "decision")
    async with uses.reading() as session:
        shipment = await session.get_one(Shipment, task.shipment_id)
        reason = await why_not_arrived(session, shipment)
    if not reason and shipment.resent_as is not None:
        async with outages.temporal(uses.patience, "close the task once more"):
            if not await OrderWatch(uses.client).fate(shipment.resent_as):
                reason = "its second order's process runs: wait for the end of that"
    if reason:
        raise refusal(409, "not_arrived", reason, "decision")


async def _tell_workflow(uses: Resources, task: OperatorTask, decision: Decision) -> None:
    """Told before it is written down: what is repeated is told twice, which changes nothing."""
    handle = uses.client.get_workflow_handle(order_workflow_id(task.order_id))
    decided = ParcelDecided(tracking_number=task.tracking_number, decision=decision)
    try:
        async with outages.temporal(uses.patience, "close the task once more"):
            await handle.signal(OrderWorkflow.parcel_decided, decided)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        if decision is not Decision.WAIT:
            message = "the order's process has ended: refund the order itself"
            raise refusal(409, "order_ended", message) from error


async def _close(
    uses: Resources, found: OperatorTask, decision: str, note: str, *, told: bool
) -> OperatorTask:
    now = datetime.now(UTC)
    async with uses.writing() as session:
        # In the order in which the workflow's own steps lock them.
        await orders.lock_order(session, found.order_id)
        task = await operator_tasks.lock_task(session, found.id)
        if task is None:
            raise _unknown()
        if task.state == TaskState.DONE and decision not in {"", task.decision}:
            message = f"it was closed before, with the decision {task.decision or 'none'}"
            raise refusal(409, "task_closed", message)
        # What we told the workflow may have made the task obsolete already.
        if task.state == TaskState.OPEN or (told and task.state == TaskState.OBSOLETE):
            task.state, task.closed_at = TaskState.DONE, now
            task.decision, task.note = decision, note
            await orders.add_event(
                session,
                task.order_id,
                "task_done",
                now,
                dedupe_key=f"task_done:{task.id}",
                task=task.kind,
                tracking_number=task.tracking_number,
                decision=decision,
            )
    return task


def _unknown() -> Refusal:
    return refusal(404, "task_not_found", "there is no such task", "taskId")
