"""What runs by the clock, and how often: Temporal's schedules start it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from workflows import policies
from workflows.callback_redelivery import CallbackRedeliveryWorkflow
from workflows.leak_detection import DetectLeaks, LeakDetectionWorkflow
from workflows.picking_watch import PickingWatchWorkflow
from workflows.reconcile import Reconcile, ReconcileWorkflow
from workflows.restock_watch import RestockWatchWorkflow


@dataclass(frozen=True)
class Clockwork:
    """A workflow that is started `every` so often; never a second time while it runs."""

    name: str
    does: str
    every: timedelta
    run: Callable[..., Any]
    argument: Any = None


SCHEDULES = (
    Clockwork(
        "callback-redelivery",
        "Deliver unconfirmed callbacks again",
        timedelta(minutes=1),
        CallbackRedeliveryWorkflow.run,
    ),
    Clockwork(
        "leak-detection",
        "Find what lost orders left behind",
        timedelta(minutes=2),
        LeakDetectionWorkflow.run,
        DetectLeaks(),
    ),
    Clockwork(
        "restock-watch", "Find shelves to restock", timedelta(minutes=2), RestockWatchWorkflow.run
    ),
    Clockwork(
        "picking-watch",
        "Find parcels that should have left",
        timedelta(minutes=5),
        PickingWatchWorkflow.run,
    ),
    Clockwork(
        "reconcile",
        "Compare our books with the providers'",
        timedelta(hours=1),
        ReconcileWorkflow.run,
        Reconcile(),
    ),
)


async def ensure_schedules(client: Client) -> None:
    """Create those that are not there; one that an operator has changed stays as it is."""
    for clockwork in SCHEDULES:
        with contextlib.suppress(ScheduleAlreadyRunningError):
            await client.create_schedule(clockwork.name, _schedule(clockwork))


def _schedule(clockwork: Clockwork) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            clockwork.run,
            args=[] if clockwork.argument is None else [clockwork.argument],
            id=clockwork.name,
            task_queue=policies.ORDERS_QUEUE,
            static_summary=clockwork.does,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=clockwork.every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
