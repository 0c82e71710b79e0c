"""What an order waits for: its own workflow knows, and after delivery the one that follows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.common import QueryRejectCondition
from temporalio.service import RPCError

from api.overview import Overview
from api.resources import Resources
from domain.ids import after_sales_workflow_id, order_workflow_id
from domain.statuses import OrderStatus
from workflows.after_sales import AfterSalesWorkflow
from workflows.messages import Waiting
from workflows.order import OrderWorkflow

log = logging.getLogger("orderflow.api")

_PATIENCE = timedelta(seconds=2)
_ENDED = {OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}


async def waiting_for(uses: Resources, known: Overview) -> Waiting | None:
    """What the workflows say; nothing when they have ended or do not answer at once."""
    order_id = known.order.order_id
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            waiting = None
            if known.order.status not in _ENDED:
                waiting = await _ask(uses, order_workflow_id(order_id), OrderWorkflow.waiting_for)
            if waiting is None and _may_come_back(known):
                waiting = await _ask(
                    uses, after_sales_workflow_id(order_id), AfterSalesWorkflow.waiting_for
                )
            return waiting
    except (TimeoutError, RPCError, RuntimeError, WorkflowQueryFailedError) as error:
        log.info("waiting_for_unknown", extra={"order_id": order_id, "cause": type(error).__name__})
        return None


def _may_come_back(known: Overview) -> bool:
    """Whether goods are on their way back, or still may be; asking is useless otherwise."""
    if any(not case.ended for case in known.returns):
        return True
    happened = {event.kind for event in known.events}
    return "order_delivered" in happened and "return_window_closed" not in happened


async def _ask(
    uses: Resources, workflow_id: str, query: Callable[[Any], Waiting | None]
) -> Waiting | None:
    """What one workflow says; nothing if it has ended."""
    handle = uses.client.get_workflow_handle(workflow_id)
    try:
        return await handle.query(query, reject_condition=QueryRejectCondition.NOT_OPEN)
    except WorkflowQueryRejectedError:
        return None
