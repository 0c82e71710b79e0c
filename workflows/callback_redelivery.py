"""Every minute: callbacks that no workflow has confirmed are delivered again."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.inbox import Inbox, RedeliverCallbacks, Redelivered


@workflow.defn
class CallbackRedeliveryWorkflow:
    """One sweep through the inbox; a schedule starts it."""

    @workflow.run
    async def run(self) -> Redelivered:
        """How many were found, and how old the oldest is."""
        return await workflow.execute_local_activity_method(
            Inbox.redeliver_callbacks,
            RedeliverCallbacks(),
            summary="Deliver unconfirmed callbacks again",
            **policies.BOOKS,
        )
