"""A message that its provider had accepted did not arrive: another channel tells the customer."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.notifications import NotificationResults, Notifications, TellInstead


@workflow.defn
class StandInWorkflow:
    """One lost message; it may be of an order whose own workflow ended long ago."""

    @workflow.run
    async def run(self, lost: TellInstead) -> NotificationResults:
        """Send it on the channel that its kind names."""
        return await workflow.execute_activity_method(
            Notifications.tell_instead,
            lost,
            summary="Tell the customer on another channel",
            **policies.TELL_INSTEAD,
        )
