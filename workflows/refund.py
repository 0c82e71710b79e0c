"""A refund that somebody asked for: claim it, make it, tell the customer."""

from __future__ import annotations

from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import policies
from workflows.giving_back import insist
from workflows.messages import REFUND_REFUSED, PaymentNews, RefundAccepted, RefundOrder

with workflow.unsafe.imports_passed_through():
    from activities.notifications import CustomerEvent, Notifications, SendNotifications
    from activities.refund_claims import ClaimRefund, RefundClaimed
    from activities.refunds import RefundPayment, Refunds, RefundSettled
    from domain.ids import idempotency_key, order_workflow_id
    from domain.notification import NotificationKind
    from domain.payment import RefundState


@workflow.defn
class RefundWorkflow:
    """One refund of one order, whole or in part."""

    @workflow.init
    def __init__(self, request: RefundOrder) -> None:
        self._request = request
        self._claimed: RefundClaimed | None = None
        self._refusal = ""

    @workflow.run
    async def run(self, request: RefundOrder) -> RefundSettled | None:
        """The refund's end; nothing if it was refused."""
        claim = await workflow.execute_local_activity_method(
            Refunds.claim_refund,
            ClaimRefund(
                refund_id=request.refund_id,
                order_id=request.order_id,
                amount=request.amount,
                lines=request.lines,
                left_only=request.left_only,
                retry_of=request.retry_of,
                asked=True,
                reason=request.reason,
                at=workflow.now(),
            ),
            summary="Claim the amount",
            **policies.BOOKS,
        )
        if claim.result.outcome == "refused":
            self._refusal = claim.result.reason
            await workflow.wait_condition(workflow.all_handlers_finished)
            return None
        self._claimed = claim.result
        if claim.result.emptied:
            # Providers may take days to pay, and what is sent for this money must not leave then.
            await self._tell_order(claim.result.payment_id)
        settled = await self._make(claim.result)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return settled

    async def _make(self, claimed: RefundClaimed) -> RefundSettled:
        settled = await insist(lambda: self._ask(claimed))
        if settled.emptied and workflow.patched("tell the order"):
            await self._tell_order(claimed.payment_id)
        if settled.state is RefundState.SUCCEEDED:
            await workflow.execute_activity_method(
                Notifications.send_notifications,
                SendNotifications(
                    order_id=self._request.order_id,
                    events=(
                        CustomerEvent(
                            kind=NotificationKind.ORDER_REFUNDED,
                            occasion=settled.refund_id,
                            refund_amount=settled.amount,
                            reason=self._request.reason,
                            at=workflow.now(),
                        ),
                    ),
                ),
                summary="Tell the customer: refunded",
                **policies.NOTIFY,
            )
        return settled

    async def _ask(self, claimed: RefundClaimed) -> RefundSettled:
        return await workflow.execute_activity_method(
            Refunds.refund_payment,
            RefundPayment(
                refund_id=self._request.refund_id,
                payment_id=claimed.payment_id,
                amount=claimed.amount,
                reason=self._request.reason,
                idempotency_key=idempotency_key(self._request.refund_id, "refund"),
                at=workflow.now(),
            ),
            summary=f"Refund {claimed.amount}",
            **policies.MONEY,
        )

    async def _tell_order(self, payment_id: str) -> None:
        """Goods that have not left yet stay: the order must not wait for a callback to know."""
        order = workflow.get_external_workflow_handle(order_workflow_id(self._request.order_id))
        # An order whose workflow has ended needs not be told.
        with suppress(ApplicationError):
            await order.signal("payment_news", PaymentNews(payment_id=payment_id))

    @workflow.update(description="Ask for the refund: accepted, or why not")
    async def begin(self) -> RefundAccepted:
        """What was claimed, for whichever request came first; the same answer every time."""
        await workflow.wait_condition(lambda: self._claimed is not None or bool(self._refusal))
        if self._claimed is None:
            raise ApplicationError(self._refusal, type=REFUND_REFUSED, non_retryable=True)
        return RefundAccepted(
            refund_id=self._request.refund_id,
            amount=self._claimed.amount,
            lines=self._claimed.lines,
        )
