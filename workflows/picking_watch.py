"""Every five minutes: parcels that should have left their warehouse, and have not."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.late_picking import FindLatePicking, LatePicking, LatePickingFound
    from activities.notifications import CustomerEvent, Notifications, SendNotifications
    from domain.fulfillment import LateList
    from domain.notification import NotificationKind


@workflow.defn
class PickingWatchWorkflow:
    """One look over all picking lists; a schedule starts it."""

    @workflow.run
    async def run(self) -> LatePickingFound:
        """Give operators their tasks, then tell each customer; each step may be repeated."""
        found = await workflow.execute_local_activity_method(
            LatePicking.find_late_picking,
            FindLatePicking(at=workflow.now()),
            summary="Look for parcels that should have left",
            **policies.BOOKS,
        )
        if found.lists:
            workflow.metric_meter().create_counter(
                "orderflow_late_picking_lists", "Parcels that did not leave when they should have"
            ).add(sum(late.new for late in found.lists))
        await asyncio.gather(*(self._tell(late) for late in found.lists))
        workflow.set_current_details(f"{len(found.lists)} parcels have not left in time")
        return found

    async def _tell(self, late: LateList) -> None:
        event = CustomerEvent(
            kind=NotificationKind.SHIPPING_DELAYED,
            occasion=late.picking_list_id,
            at=workflow.now(),
        )
        try:
            await workflow.execute_activity_method(
                Notifications.send_notifications,
                SendNotifications(order_id=late.order_id, events=(event,)),
                summary=f"Tell the customer: {late.picking_list_id} is late",
                **policies.NOTIFY_FOR_NOW,
            )
        except ActivityError as error:
            # The next look finds it again; nobody behind it has to wait for this mailbox.
            workflow.logger.warning(
                "notification_waits", extra={"order_id": late.order_id, "cause": str(error.cause)}
            )
