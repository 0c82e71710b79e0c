"""Hands an order that has reached the door over to after-sales."""

from __future__ import annotations

from temporalio import activity
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)

from domain.ids import after_sales_workflow_id
from domain.order import Value

_ORDER_NUMBER = SearchAttributeKey.for_keyword("OrderNumber")


class BeginAfterSales(Value):
    """Look after an order from now on.

    `wanted_back` is why the customer cancelled it when it was on its way.
    """

    order_id: str
    order_number: str
    wanted_back: str = ""


class Handover:
    """Starts the workflow; it is named as text, for this side imports none."""

    def __init__(self, client: Client, orders_queue: str) -> None:
        self._client = client
        self._queue = orders_queue

    @activity.defn
    async def begin_after_sales(self, command: BeginAfterSales) -> None:
        """Start it, unless it runs: somebody may have returned an earlier parcel already."""
        await self._client.start_workflow(
            "AfterSalesWorkflow",
            {"orderId": command.order_id, "wantedBack": command.wanted_back},
            id=after_sales_workflow_id(command.order_id),
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(_ORDER_NUMBER, command.order_number)]
            ),
            static_summary=f"After-sales of order {command.order_number}",
        )
