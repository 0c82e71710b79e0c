"""Every two minutes: shelves at their reorder point, and shortages that nobody asks for."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.supply import RestockRequested, Supply


@workflow.defn
class RestockWatchWorkflow:
    """One look over all shelves; a schedule starts it."""

    @workflow.run
    async def run(self) -> RestockRequested:
        """Wake the workflow of each place that must ask the supplier."""
        found = await workflow.execute_local_activity_method(
            Supply.find_empty_shelves,
            summary="Look for empty shelves",
            **policies.BOOKS,
        )
        workflow.set_current_details(f"{len(found.places)} places to restock")
        return found
