"""Placing an order: the request starts the order's workflow and waits for its first answer.

Whoever repeats a request with the same `Idempotency-Key` gets the same order, also when the first
answer was lost: the key decides the order's id, and Temporal keeps one workflow for each id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api import outages
from api.overview import find_fingerprint
from api.problems import Refusal, refusal
from api.resources import Resources
from api.updates import PLACE, settle
from domain.cleaning import CleanedOrder
from domain.ids import order_workflow_id
from domain.order import GatewayName, OrderDraft
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus
from workflows import display
from workflows.messages import OrderInput, Placement, PlacementAnswer
from workflows.order import OrderWorkflow
from workflows.policies import ORDERS_QUEUE

# One placement a workflow: the same update again gets the first one's answer.
_UPDATE_ID = PLACE
_GATEWAYS = frozenset[str](get_args(GatewayName))
_REPEAT = "repeating the request with the same Idempotency-Key is safe"


@dataclass(frozen=True)
class Placing:
    """One request to place an order; `repeatable` when the caller chose an idempotency key."""

    order_id: str
    cleaned: CleanedOrder
    fingerprint: str
    repeatable: bool


async def place(uses: Resources, placing: Placing) -> Placement | None:
    """What came of it; nothing if the order exists and Temporal no longer knows its workflow.

    Raises:
        Refusal: the key was used for another order, or nobody answers in time.
    """
    known = await _stored_fingerprint(uses, placing) if placing.repeatable else None
    if known not in {None, placing.fingerprint}:
        raise _reused()
    advice = _REPEAT if placing.repeatable else "the order may have been placed all the same"
    async with outages.temporal(uses.patience, advice):
        try:
            answer: PlacementAnswer | None
            if known is None:
                answer = await _start(uses, placing)
            else:
                answer = await _ask_again(uses.client, placing.order_id)
        except (WorkflowAlreadyStartedError, WorkflowUpdateFailedError) as error:
            # It was terminated, or failed before it had an answer.
            raise refusal(409, "order_ended", "the order has ended: place a new one") from error
    if answer is None:
        return None
    if answer.placement.fingerprint != placing.fingerprint:
        raise _reused()
    return answer.placement


async def _stored_fingerprint(uses: Resources, placing: Placing) -> str | None:
    async with uses.reading() as session:
        return await find_fingerprint(session, placing.order_id)


async def _start(uses: Resources, placing: Placing) -> PlacementAnswer:
    operation = WithStartWorkflowOperation(
        OrderWorkflow.run,
        OrderInput(
            order_id=placing.order_id,
            draft=placing.cleaned.draft,
            problems=placing.cleaned.problems,
            fingerprint=placing.fingerprint,
            timings=uses.timings,
            after_sales=True,
            lost_parcels=uses.lost_parcels,
        ),
        id=order_workflow_id(placing.order_id),
        task_queue=ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        static_summary=_summary(placing),
        search_attributes=_search_attributes(placing.cleaned.draft),
    )
    try:
        answer: PlacementAnswer = await uses.client.execute_update_with_start_workflow(
            PLACE, id=_UPDATE_ID, result_type=PlacementAnswer, start_workflow_operation=operation
        )
    finally:
        await settle(operation)
    return answer


async def _ask_again(client: Client, order_id: str) -> PlacementAnswer | None:
    """The stored order must not start a second workflow, even when its first one is forgotten."""
    handle = client.get_workflow_handle(order_workflow_id(order_id))
    try:
        answer: PlacementAnswer = await handle.execute_update(
            PLACE, id=_UPDATE_ID, result_type=PlacementAnswer
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return answer


def _summary(placing: Placing) -> str:
    method = placing.cleaned.draft.payment_method
    return f"Order {placing.order_id}" + (f" · {method}" if method in _GATEWAYS else "")


def _search_attributes(draft: OrderDraft) -> TypedSearchAttributes:
    pairs = [
        SearchAttributePair(display.ORDER_STATUS, OrderStatus.PENDING.value),
        SearchAttributePair(display.PAYMENT_STATUS, PaymentStatus.PENDING.value),
        SearchAttributePair(display.SHIPPING_STATUS, ShippingStatus.PENDING.value),
    ]
    if draft.customer_id:
        pairs.append(SearchAttributePair(display.CUSTOMER_ID, draft.customer_id))
    if draft.payment_method in _GATEWAYS:
        pairs.append(SearchAttributePair(display.GATEWAY, draft.payment_method))
    return TypedSearchAttributes(pairs)


def _reused() -> Refusal:
    return refusal(
        409,
        "idempotency_key_reused",
        "this key belongs to another request: send a new key with a new request",
        "Idempotency-Key",
    )
