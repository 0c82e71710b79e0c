"""Leak detection, now: what lost orders held is given back before the audit looks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from rich.text import Text

from cli import output
from cli.temporal_client import connect_temporal
from cli.whereabouts import Whereabouts

if TYPE_CHECKING:
    from activities.leaks import LostClosed
    from workflows.leak_detection import LeakReport


def repair(where: Whereabouts) -> LeakReport:
    """Run leak detection and wait for its end."""
    where.environment()
    return asyncio.run(_run())


async def _run() -> LeakReport:
    from workflows.leak_detection import DetectLeaks, LeakDetectionWorkflow
    from workflows.policies import ORDERS_QUEUE

    client = await connect_temporal()
    with output.progress("looking for what lost orders left behind"):
        return await client.execute_workflow(
            LeakDetectionWorkflow.run,
            DetectLeaks(),
            id=f"leak-detection-{uuid4().hex[:12]}",
            task_queue=ORDERS_QUEUE,
            static_summary="Find what lost orders left behind, asked for by an operator",
        )


def show(report: LeakReport) -> None:
    """Each thing that was done in green, each that is left to people in red."""
    found = report.found
    for order in report.closed:
        _line("given back", "green", f"order {order.order_id} ({order.fate}): {_done(order)}")
    for payment_id in report.payments:
        _line("being closed", "green", f"payment {payment_id}")
    for order_id in report.failed:
        _line("not closed", "bold red", f"order {order_id}: see leak detection in the Web UI")
    for stranded in found.stranded:
        _line(
            "stranded",
            "bold red",
            f"order {stranded.order_id} is paid, and its workflow is gone ({stranded.fate})",
        )
    for violation in found.drift:
        _line("drifted", "bold red", violation)
    for order_id in found.late:
        _line("late", "yellow", f"the hold of {order_id} is overdue, but its workflow runs")
    if not (report.closed or report.failed or found.stranded or found.drift or found.late):
        output.say("No order has left anything behind.", "green")


def _done(order: LostClosed) -> str:
    done = ["its hold has expired"] if order.released else []
    done += ["it is cancelled"] if order.cancelled else []
    return " and ".join(done) or "nothing was left of it"


def _line(what: str, style: str, text: str) -> None:
    output.console.print(Text.assemble((f"{what}: ", style), text), soft_wrap=True)
