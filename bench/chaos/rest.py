"""When everything is at rest, and what helps it to get there: time, banks and the sweep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.inbox import Courier
from bench.chaos.ground import Ground
from bench.chaos.plan import Plan
from db.callbacks import callbacks_by_id, unapplied_ids
from db.engine import single_statements
from domain.ids import order_workflow_id
from workflows.messages import Waiting
from workflows.policies import ORDERS_QUEUE

_LOOK_EVERY_SECONDS = 0.5
# So long money moves by itself before clocks are moved.
_STILL_SECONDS = 1.5
_STEP = timedelta(minutes=1)
_LONGEST_STEP = timedelta(hours=6)
_AT_ONCE = 5
_SWEEP_EVERY_SECONDS = 3.0

# What an order waits for that nobody here will do.
_FOR_OTHERS = ("the warehouse", "a person")
_ON_ITS_WAY = frozenset({"pending", "processing", "abnormal"})
_FAILS_BELOW = 0.3
_ORDER = order_workflow_id("")
_MONEY = "WorkflowType IN ('OrderWorkflow', 'RefundWorkflow', 'LatePaymentWorkflow')"


@dataclass(frozen=True)
class Unrest:
    """What still moves: workflows, callbacks that are not applied, ones that are not delivered."""

    busy: tuple[WorkflowHandle[Any, Any], ...]
    unapplied: int
    undelivered: int

    def __bool__(self) -> bool:
        return bool(self.busy or self.unapplied or self.undelivered)

    def __str__(self) -> str:
        busy = ", ".join(handle.id for handle in self.busy[:5])
        return (
            f"{len(self.busy)} workflows under way{f' ({busy})' if busy else ''},"
            f" {self.unapplied} callbacks not applied, {self.undelivered} not delivered"
        )


async def bring_to_rest(
    ground: Ground, plans: Mapping[str, Plan], progress: Callable[[str], None]
) -> str:
    """Wait until nothing moves any more, helping as time, banks and schedules would.

    What it gives says what does not come to rest; nothing if all does.
    """
    deadline = time.monotonic() + ground.patience
    still_since = swept = time.monotonic()
    step, quiet, said = _STEP, 0, ""
    while quiet < 2:
        unrest = await _look(ground)
        quiet = 0 if unrest else quiet + 1
        now = time.monotonic()
        if now > deadline:
            return str(unrest)
        if unrest and now - still_since > _STILL_SECONDS:
            if said != (said := str(unrest)):
                progress(said)
            await ask_banks(ground, plans)
            await _pass_time(ground, unrest.busy, step)
            step, still_since = min(step * 2, _LONGEST_STEP), time.monotonic()
        if unrest.unapplied and now - swept > _SWEEP_EVERY_SECONDS:
            await _sweep(ground)
            swept = time.monotonic()
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return ""


async def order_at_rest(ground: Ground, order_id: str) -> bool:
    """Whether an order has ended, or waits for somebody who is not there."""
    return await _at_rest(ground.workflow(order_id))


async def ask_banks(ground: Ground, plans: Mapping[str, Plan], order_id: str = "") -> None:
    """Have banks decide about refunds that are on their way; some fail, but not twice."""
    held = await ground.see("state", order_id=order_id, limit=100_000)
    for payment in held["payments"]:
        refunds = payment["refunds"]
        slow = [r for r in refunds if r["status"].lower() in _ON_ITS_WAY]
        plan = plans.get(payment["orderId"])
        for refund in slow:
            first = len(refunds) == 1 and refund["status"].lower() != "abnormal"
            fails = first and plan is not None and plan.fraction < _FAILS_BELOW
            move = "refund-fail" if fails else "refund-settle"
            await ground.play(
                f"{payment['gateway']}/{payment['paymentId']}/{move}",
                refund_id=refund["providerRef"],
            )


async def _look(ground: Ground) -> Unrest:
    running = [
        ground.client.get_workflow_handle(found.id)
        async for found in ground.client.list_workflows(f"ExecutionStatus = 'Running' AND {_MONEY}")
    ]
    busy = [handle for handle in running if not await _at_rest(handle)]
    (waiting,) = await ground.rows(
        "SELECT count(*) AS unapplied FROM callback_inbox WHERE applied_at IS NULL"
    )
    health = await ground.see("health")
    return Unrest(tuple(busy), waiting.unapplied, health["undelivered"])


async def _at_rest(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        seen = await handle.describe()
        if seen.status is not WorkflowExecutionStatus.RUNNING:
            return True
        if seen.raw_description.pending_activities or not handle.id.startswith(_ORDER):
            return False
        waiting = await handle.query("waiting_for", result_type=Waiting)
    except (RPCError, WorkflowQueryFailedError):
        # Its worker is away.
        return False
    return waiting is not None and waiting.what.startswith(_FOR_OTHERS)


async def _pass_time(
    ground: Ground, handles: Iterable[WorkflowHandle[Any, Any]], duration: timedelta
) -> None:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(handle: WorkflowHandle[Any, Any]) -> None:
        async with slots:
            await ground.pass_time(handle, duration)

    await asyncio.gather(*(one(handle) for handle in handles))


async def _sweep(ground: Ground) -> None:
    """Deliver unconfirmed callbacks again, as the schedule does every minute."""
    courier = Courier(ground.sessions, ground.client, ORDERS_QUEUE)
    async with single_statements(ground.sessions) as session:
        waiting = await callbacks_by_id(session, await unapplied_ids(session))
    for callback in waiting:
        await courier.deliver(callback)
