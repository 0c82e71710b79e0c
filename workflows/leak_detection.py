"""Every two minutes: what orders left behind whose workflow is gone is given back or reported."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from activities.leaks import (
        CloseLost,
        FindLeaks,
        Leaks,
        LeaksFound,
        LostClosed,
        LostOrder,
        PaymentsClosed,
    )
    from activities.notifications import CustomerEvent, Notifications, SendNotifications
    from domain.notification import NotificationKind
    from domain.order import Value

_REASON = "the order could not be completed"


class DetectLeaks(Value):
    """How long after its deadline a hold is looked at, and whether anything is given back."""

    grace: timedelta = timedelta(minutes=2)
    repair: bool = True


class LeakReport(Value):
    """What a run found and did; `failed` are lost orders that could not be closed."""

    found: LeaksFound
    closed: tuple[LostClosed, ...] = ()
    failed: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()


@workflow.defn
class LeakDetectionWorkflow:
    """One look at the holds, the queue for goods and the counters; a schedule starts it."""

    @workflow.run
    async def run(self, request: DetectLeaks) -> LeakReport:
        """Find, give back, close what could still be paid, tell; each step may be repeated."""
        found = await workflow.execute_activity_method(
            Leaks.find_leaks,
            FindLeaks(at=workflow.now(), grace=request.grace),
            summary="Look for what was left behind",
            **policies.LEAKS,
        )
        if not request.repair:
            return LeakReport(found=found)
        closed, failed = await self._close(found.lost)
        payments = await self._close_payments()
        for order in closed:
            if order.cancelled:
                await self._tell(order.order_id)
        workflow.set_current_details(
            f"{len(closed)} lost orders closed, {len(found.stranded)} stranded orders and"
            f" {len(found.drift)} drifted counters reported"
        )
        return LeakReport(
            found=found,
            closed=tuple(closed),
            failed=tuple(failed),
            payments=payments.payment_ids,
        )

    async def _close(self, lost: tuple[LostOrder, ...]) -> tuple[list[LostClosed], list[str]]:
        """Close one after the other; one that cannot be closed does not keep the others."""
        closed: list[LostClosed] = []
        failed: list[str] = []
        for order in lost:
            try:
                done = await workflow.execute_local_activity_method(
                    Leaks.close_lost,
                    CloseLost(
                        order_id=order.order_id,
                        fate=order.fate,
                        reason=_REASON,
                        at=workflow.now(),
                    ),
                    summary=f"Give back what {order.order_id} held",
                    **policies.BOOKS,
                )
            except ActivityError as error:
                failed.append(order.order_id)
                workflow.logger.error(
                    "lost_order_not_closed",
                    extra={"order_id": order.order_id, "cause": str(error.cause)},
                )
                continue
            await wake(done.waiting_orders, order.order_id)
            closed.append(done)
        return closed, failed

    async def _close_payments(self) -> PaymentsClosed:
        return await workflow.execute_activity_method(
            Leaks.close_lost_payments,
            summary="Close what could still be paid for lost orders",
            **policies.LEAKS,
        )

    async def _tell(self, order_id: str) -> None:
        event = CustomerEvent(
            kind=NotificationKind.ORDER_CANCELLED, reason=_REASON, at=workflow.now()
        )
        try:
            await workflow.execute_activity_method(
                Notifications.send_notifications,
                SendNotifications(order_id=order_id, events=(event,)),
                summary="Tell the customer: cancelled",
                **policies.NOTIFY,
            )
        except ActivityError as error:
            workflow.logger.error(
                "notification_failed", extra={"order_id": order_id, "cause": str(error.cause)}
            )
