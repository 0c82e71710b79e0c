"""Asking an order's workflow for something, and why it may refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from temporalio.client import WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, TemporalError
from temporalio.service import RPCError, RPCStatusCode

from api import outages
from api.overview import Brief, find_brief
from api.problems import Refusal, refusal
from api.resources import Resources
from workflows.messages import CANCEL_REFUSED, PAYMENT_REFUSED, REFUND_REFUSED

# Updates are named as text: the SDK's types for updates with a description are wrong (1.35).
PLACE = "place"
START_PAYMENT = "start_payment"
CANCEL = "cancel"
BEGIN = "begin"

W = TypeVar("W")
R = TypeVar("R")

_REFUSALS: Mapping[str | None, str] = {
    CANCEL_REFUSED: "cancel_refused",
    PAYMENT_REFUSED: "payment_refused",
    REFUND_REFUSED: "refund_refused",
}
# The server's own type: the workflow ended while it dealt with the update.
_ENDED_MEANWHILE = "AcceptedUpdateCompletedWorkflow"


async def find_order(uses: Resources, order_id: str) -> Brief:
    """The order's status and price.

    Raises:
        Refusal: there is no such order, or the database does not answer.
    """
    async with uses.reading() as session:
        known = await find_brief(session, order_id)
    if known is None:
        raise unknown_order()
    return known


def unknown_order() -> Refusal:
    """The answer to an id that no order has."""
    return refusal(404, "order_not_found", "there is no such order", "orderId")


@asynccontextmanager
async def updating(uses: Resources, order_id: str) -> AsyncIterator[None]:
    """Turn a workflow's refusal, or its having ended, into a 409 with the reason.

    Raises:
        Refusal: it refused, it has ended, or Temporal does not answer.
    """
    try:
        async with outages.temporal(uses.patience, "look at the order before you try again"):
            yield
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        kind = cause.type if isinstance(cause, ApplicationError) else None
        if isinstance(cause, ApplicationError) and kind in _REFUSALS:
            raise refusal(409, _REFUSALS[kind], cause.message) from error
        if kind != _ENDED_MEANWHILE:
            raise
        ended: Exception = error
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        ended = error
    else:
        return
    status = (await find_order(uses, order_id)).status
    raise refusal(409, "order_ended", f"the order is {status}: its process has ended") from ended


async def settle(operation: WithStartWorkflowOperation[W, R]) -> None:
    """Take the start's own outcome: left alone, its failure would be reported as unhandled."""
    # Without an answer from the server there is none, and waiting for it would never end.
    with suppress(TemporalError, asyncio.CancelledError, TimeoutError):
        await asyncio.wait_for(operation.workflow_handle(), 0.1)
