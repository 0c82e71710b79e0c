"""What was in a parcel that does not arrive is sent again, by an order of its own."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

from workflows.context import OrderContext
from workflows.messages import OrderInput, OrderOutcome, ParcelName

with workflow.unsafe.imports_passed_through():
    from domain.ids import ORDER, derived_id, order_workflow_id
    from domain.order import OrderDraft
    from domain.statuses import OrderStatus

_ARRIVED = frozenset({OrderStatus.DELIVERED, OrderStatus.COMPLETED})


class Resending:
    """An order that costs nothing, and does not wait for goods: the customer has waited enough."""

    def __init__(self, context: OrderContext, tracking_number: str) -> None:
        self._task = asyncio.create_task(_send_again(context, tracking_number))
        self._called_off = False

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self._task.done()

    @property
    def wanted(self) -> bool:
        """Whether nobody has called it off."""
        return not self._called_off

    async def arrived(self) -> bool:
        """Whether the goods have come to the door this time."""
        return not self._task.cancelled() and await asyncio.shield(self._task)

    def call_off(self) -> None:
        """Stop what has not left; the rest goes on by itself, to its own end."""
        if not self.over and self.wanted:
            self._called_off = True
            self._task.cancel()


async def _send_again(context: OrderContext, tracking_number: str) -> bool:
    order_id = derived_id(ORDER, context.order_id, tracking_number, "resent")
    timings = context.timings.model_copy(update={"restock_patience": timedelta()})
    try:
        # By its name: the order's workflow starts another one of its kind.
        outcome: OrderOutcome = await workflow.execute_child_workflow(
            "OrderWorkflow",
            OrderInput(
                order_id=order_id,
                draft=OrderDraft(),
                resends=ParcelName(order_id=context.order_id, tracking_number=tracking_number),
                after_sales=True,
                timings=timings,
            ),
            id=order_workflow_id(order_id),
            result_type=OrderOutcome,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"Send parcel {tracking_number} again",
        )
    except (ChildWorkflowError, WorkflowAlreadyStartedError) as error:
        workflow.logger.error(
            "resending_failed", extra={"order_id": context.order_id, "cause": str(error)}
        )
        return False
    return outcome.status in _ARRIVED
