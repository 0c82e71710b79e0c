"""Drives the floor: starts its workflows, and plays the world outside by sending signals."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from bench import floor, floor_worker
from bench.floor import FloorStart, FloorWorkflow, Step
from bench.rounds import Round, run_round
from bench.stack import REVIEW_DELAY_SECONDS, Bench
from sandbox.stack import PROJECT

_START_PATIENCE_SECONDS = 60
_STOP_PATIENCE_SECONDS = 30
_NEWS = {
    floor.CHARGED: "payment_news",
    floor.PICKED: "shipment_news",
    floor.REGISTERED: "parcel_news",
}
_STATUSES = ("OrderStatus", "PaymentStatus", "ShippingStatus")


class FloorDriver:
    """Leads the floor's workflows as the API and the callbacks lead orders."""

    def __init__(self, client: Client, worker: asyncio.subprocess.Process) -> None:
        self._client = client
        self._worker = worker
        self._numbers = itertools.count(1)
        self._signals: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int:
        """The floor's worker."""
        return self._worker.pid

    async def run(self, count: int, in_flight: int) -> Round:
        """Whole lives of `count` workflows, `in_flight` of them at any time."""
        return await run_round("floor", self.lead, count, in_flight)

    async def lead(self) -> str:
        """One workflow from its start to its end; its id."""
        workflow_id = f"floor-{next(self._numbers)}"
        start = WithStartWorkflowOperation(
            FloorWorkflow.run,
            FloorStart(order_id=workflow_id, review_delay=timedelta(seconds=REVIEW_DELAY_SECONDS)),
            id=workflow_id,
            task_queue=floor.ORDERS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Order {workflow_id}",
            search_attributes=_search_attributes(),
        )
        await self._client.execute_update_with_start_workflow(
            FloorWorkflow.place, id="place", start_workflow_operation=start
        )
        handle = await start.workflow_handle()
        await handle.result()
        return workflow_id

    async def relay(self) -> None:
        """Whenever the worker says that the world outside would act: act."""
        assert self._worker.stdout is not None
        async for line in self._worker.stdout:
            kind, _, workflow_id = line.decode().strip().partition(" ")
            task = asyncio.create_task(self._tell(workflow_id, _NEWS[kind]))
            self._signals.add(task)
            task.add_done_callback(self._signals.discard)

    async def _tell(self, workflow_id: str, news: str) -> None:
        handle = self._client.get_workflow_handle(workflow_id)
        await handle.signal(FloorWorkflow.hear, Step(order_id=news))


@asynccontextmanager
async def open_floor(bench: Bench) -> AsyncIterator[FloorDriver]:
    """A worker process for the floor, beside the stack's own."""
    with (bench.directory / "logs" / "floor.log").open("wb") as log:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", floor_worker.__name__),
            cwd=PROJECT,
            # Free by design: stretches of ports are one longer than the stack needs.
            env={**bench.environment, "WORKER_METRICS_PORT": str(bench.ports.worker_metrics + 1)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    relaying: asyncio.Task[None] | None = None
    try:
        assert worker.stdout is not None
        async with asyncio.timeout(_START_PATIENCE_SECONDS):
            said = (await worker.stdout.readline()).decode().strip()
        if said != floor_worker.READY:
            raise RuntimeError(f"the floor's worker does not start: see {log.name}")
        driver = FloorDriver(bench.client, worker)
        relaying = asyncio.create_task(driver.relay())
        yield driver
    finally:
        await _stop(worker)
        if relaying is not None:
            await relaying


async def _stop(worker: asyncio.subprocess.Process) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        await asyncio.wait_for(worker.wait(), _STOP_PATIENCE_SECONDS)
    except TimeoutError:
        worker.kill()
        await worker.wait()


def _search_attributes() -> TypedSearchAttributes:
    named = dict.fromkeys(_STATUSES, "pending") | {"CustomerId": "B-1", "Gateway": "stripe"}
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in named.items()
        ]
    )
