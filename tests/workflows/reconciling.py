"""Words for comparing our books with the providers'."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from tests.house import House
from workflows.policies import ORDERS_QUEUE
from workflows.reconcile import Reconcile, Reconciled, ReconcileWorkflow


async def reconcile(house: House, *, repair: bool = True) -> Reconciled:
    return await house.client.execute_workflow(
        ReconcileWorkflow.run,
        Reconcile(settling_time=timedelta(), repair=repair),
        id=f"reconcile-{uuid4().hex}",
        task_queue=ORDERS_QUEUE,
    )


async def found(house: House, run: Reconciled, order_id: str) -> list[tuple[str, bool]]:
    """What a run found about one order: the kind, and whether it was repaired."""
    rows = await house.rows(
        "SELECT kind, repair <> '' AS repaired FROM reconciliation_findings"
        " WHERE run_id = :run AND order_id = :order ORDER BY kind",
        run=run.run_id,
        order=order_id,
    )
    return [(row.kind, row.repaired) for row in rows]
