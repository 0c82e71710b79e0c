"""`reconcile`: compare our payments and refunds with what their providers say, now."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from cli import output
from cli.books import ask_books
from cli.failure import REFUSED
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.temporal_client import connect_temporal
from cli.whereabouts import Whereabouts
from db.reconciliation import FindingRow, findings_of

if TYPE_CHECKING:
    from workflows.reconcile import Reconcile, Reconciled

_LOOK_EVERY = 1.0


def reconcile(
    *,
    days: Annotated[
        float, typer.Option(min=0, help="Look at payments that changed in these days.")
    ] = 2,
    settling_minutes: Annotated[
        float, typer.Option(min=0, help="Leave payments alone that are younger than this.")
    ] = 10,
    repair: Annotated[
        bool, typer.Option(help="Have the orders put right what they can put right themselves.")
    ] = True,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Ask every provider about our payments and refunds, and show where the books part.

    Payments and refunds that have not come to their end are looked at however old they are. What
    the late-money table allows is repaired by the orders themselves; the exit code is 1 if
    something is left that a person has to look at.
    """
    from workflows.reconcile import Reconcile

    where = Whereabouts(data_dir, database=database)
    where.environment()
    request = Reconcile(
        window=timedelta(days=days),
        settling_time=timedelta(minutes=settling_minutes),
        repair=repair,
    )
    done = asyncio.run(_run(request))
    findings = ask_books(where, lambda session: findings_of(session, done.run_id))
    if as_json:
        output.print_json(_as_json(done, findings))
    else:
        _show(done, findings)
    if done.unrepaired:
        raise typer.Exit(REFUSED)


async def _run(request: Reconcile) -> Reconciled:
    """Start a run, say how far it is while it takes its time, and wait for its end."""
    from workflows.policies import ORDERS_QUEUE
    from workflows.reconcile import Progress, ReconcileWorkflow

    client = await connect_temporal()
    handle = await client.start_workflow(
        ReconcileWorkflow.run,
        request,
        id=f"reconcile-{uuid4().hex[:12]}",
        task_queue=ORDERS_QUEUE,
        static_summary="Compare our books with the providers', asked for by an operator",
    )
    result = asyncio.create_task(handle.result())
    with output.progress("comparing with the providers") as show:
        while not result.done():
            await asyncio.wait({result}, timeout=_LOOK_EVERY)
            if not result.done():
                progress: Progress = await handle.query(ReconcileWorkflow.progress)
                show(f"{progress.checked} payments compared, {progress.found} differences")
    return result.result()


def _show(done: Reconciled, findings: list[FindingRow]) -> None:
    for finding in findings:
        subject = f"refund {finding.refund_id} of " if finding.refund_id else ""
        output.console.print(
            Text.assemble(
                (f"{finding.kind.replace('_', ' ')}: ", "bold"),
                f"{subject}payment {finding.payment_id}, order {finding.order_id}\n",
                f"  {finding.detail}; ",
                (finding.repair, "green")
                if finding.repair
                else ("a person has to look", "bold red"),
            ),
            soft_wrap=True,
        )
    moving = f", {done.moving} in motion and left for the next run" if done.moving else ""
    output.say(f"{done.checked} payments compared{moving}.", "dim")
    if not findings:
        output.say("Books and providers agree.", "bold green")
    elif done.unrepaired:
        output.say(f"{done.unrepaired} differences are left to people.", "bold red")
    else:
        output.say("The orders put right what differed; run it again to see.", "bold green")


def _as_json(done: Reconciled, findings: list[FindingRow]) -> dict[str, Any]:
    shown = done.model_dump(mode="json", by_alias=True)
    shown["findings"] = [
        {
            "kind": finding.kind,
            "orderId": finding.order_id,
            "paymentId": finding.payment_id,
            "refundId": finding.refund_id,
            "detail": finding.detail,
            "repair": finding.repair,
        }
        for finding in findings
    ]
    return shown
