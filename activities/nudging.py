"""Has a payment looked at again: by its order's workflow, or by one that outlives the order."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.reconciliation import StuckRefund
from domain.ids import order_workflow_id


class WorkflowNudge:
    """Meets `Nudge`; workflows and signals are named as text, for this side imports none."""

    def __init__(self, client: Client, orders_queue: str) -> None:
        self._client = client
        self._queue = orders_queue

    async def look_again(self, order_id: str, payment_id: str, refund_refs: tuple[str, ...]) -> str:
        """Signal the order's workflow; if it has ended, start one for this payment alone."""
        news = {"paymentId": payment_id, "refundRefs": list(refund_refs)}
        try:
            handle = self._client.get_workflow_handle(order_workflow_id(order_id))
            await handle.signal("payment_news", news)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        else:
            return "the order looks again"
        await self._client.start_workflow(
            "LatePaymentWorkflow",
            args=[order_id, news],
            id=f"late-{payment_id}",
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="Money for an order that has ended",
        )
        return "looked at again after the order's end"

    async def make_refund(self, refund: StuckRefund) -> str:
        """Start the refund's workflow, unless it runs."""
        await self._client.start_workflow(
            "RefundWorkflow",
            refund,
            id=f"refund-{refund.refund_id}",
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Refund {refund.amount}",
        )
        return "the refund is made"
