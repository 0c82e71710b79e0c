"""Asks Temporal whether an order's workflow still runs."""

from __future__ import annotations

from datetime import datetime

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import order_workflow_id

_ENDED = {
    WorkflowExecutionStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT,
}

# Completed is left out: an order that comes to its own end leaves nothing behind.
_STOPPED = """
    WorkflowType = 'OrderWorkflow' AND CloseTime > '{since}'
    AND ExecutionStatus IN ('Failed', 'Canceled', 'Terminated', 'TimedOut')
"""


class OrderWatch:
    """What became of the workflows that own orders."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def fate(self, order_id: str) -> str:
        """How the order's workflow ended, for people; empty while it runs.

        Raises:
            RPCError: Temporal did not answer; nothing is known then.
        """
        try:
            found = await self._client.get_workflow_handle(order_workflow_id(order_id)).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return "unknown to Temporal"
        if found.status not in _ENDED or found.status is None:
            return ""
        return found.status.name.lower().replace("_", " ")

    async def stopped(self, since: datetime, limit: int) -> list[str]:
        """Orders whose workflow was stopped from outside or failed since then."""
        query = _STOPPED.format(since=since.isoformat())
        prefix = order_workflow_id("")
        return [
            found.id.removeprefix(prefix)
            async for found in self._client.list_workflows(query, limit=limit)
        ]
