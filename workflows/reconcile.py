"""Compare our payments and refunds with what their providers say, page by page."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from collections import Counter
    from datetime import timedelta

    from activities.reconciliation import ReconcilePage, Reconciliation
    from domain.order import Value


class Reconcile(Value):
    """Look at what changed within `window`, and at all that has not come to its end.

    What is younger than `settling_time` is left alone: it is still moving.
    """

    window: timedelta = timedelta(days=2)
    settling_time: timedelta = timedelta(minutes=10)
    repair: bool = True


class Reconciled(Value):
    """What a run found, by kind; `unrepaired` is what a person has to look at."""

    run_id: str
    checked: int
    moving: int
    found: dict[str, int]
    unrepaired: int


class Progress(Value):
    """How far a run has come."""

    checked: int = 0
    found: int = 0


@workflow.defn
class ReconcileWorkflow:
    """One run over the books; a schedule starts it, or an operator."""

    def __init__(self) -> None:
        self._progress = Progress()

    @workflow.run
    async def run(self, request: Reconcile) -> Reconciled:
        """Go through all pages; the findings themselves are in the database, under the run's id."""
        run_id, now = workflow.info().run_id, workflow.now()
        found: Counter[str] = Counter()
        checked = moving = unrepaired = 0
        after = ""
        while True:
            page = await workflow.execute_activity_method(
                Reconciliation.reconcile_page,
                ReconcilePage(
                    run_id=run_id,
                    since=now - request.window,
                    before=now - request.settling_time,
                    after=after,
                    repair=request.repair,
                    at=workflow.now(),
                ),
                summary=f"Ask the providers; {checked} payments so far",
                **policies.RECONCILE,
            )
            checked += page.checked
            moving += page.moving
            found.update(str(finding.kind) for finding in page.findings)
            unrepaired += sum(not finding.repair for finding in page.findings)
            self._progress = Progress(checked=checked, found=found.total())
            if not page.last:
                break
            after = page.last
        workflow.set_current_details(
            f"{checked} payments compared, {found.total()} differences, {unrepaired} left to people"
        )
        if unrepaired:
            workflow.logger.error("reconciliation_left_over", extra={"unrepaired": unrepaired})
        return Reconciled(
            run_id=run_id,
            checked=checked,
            moving=moving,
            found=dict(found),
            unrepaired=unrepaired,
        )

    @workflow.query(description="How far the run has come")
    def progress(self) -> Progress:
        """Payments compared and differences found so far."""
        return self._progress
