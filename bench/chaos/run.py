"""Orders at all providers while everything goes wrong, and then the question who holds what."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from bench import goods
from bench.chaos import books as chaos_books
from bench.chaos.ground import Ground, Json, StoryFailed
from bench.chaos.kills import killing
from bench.chaos.plan import Plan, plans
from bench.chaos.report import ChaosReport, Told
from bench.chaos.rest import ask_banks, bring_to_rest, order_at_rest
from bench.chaos.stories import GATEWAYS, LATE_ENDS
from bench.chaos.tale import Tale
from bench.stack import open_bench
from db.engine import connect, session_factory
from domain.order import GatewayName
from workflows.policies import ORDERS_QUEUE
from workflows.reconcile import Reconcile, Reconciled, ReconcileWorkflow

Progress = Callable[[str], None]

# Some payments were made in a future to which their orders' clocks have been moved.
_AHEAD = timedelta(days=365)
_REPORT_EVERY = 10


@dataclass(frozen=True, slots=True)
class ChaosOptions:
    """What was asked for; the same seed makes the same plans, though not the same races."""

    orders: int = 200
    seed: int = 1
    in_flight: int = 20
    gateways: Collection[GatewayName] = GATEWAYS
    kill: bool = False


async def chaos(options: ChaosOptions, progress: Progress) -> ChaosReport:
    """Start a stack, have a run on it, and stop it."""
    async with AsyncExitStack() as resources:
        bench = await resources.enter_async_context(
            open_bench(options.in_flight + 10, progress, acting=False)
        )
        engine = connect(bench.at.database, pool_size=10)
        resources.push_async_callback(engine.dispose)
        ground = Ground(
            api=bench.at.api,
            api_key=bench.at.api_key,
            simulator=bench.at.simulator,
            http=bench.http,
            client=bench.client,
            sessions=session_factory(engine),
            shaken=options.kill,
        )
        run = ChaosRun(ground, options, progress)
        if not options.kill:
            return await run.run()
        async with killing(bench.stack, options.seed, progress) as killed:
            await run.tell()
        return await run.conclude(killed)


class ChaosRun:
    """One run on one ground: first all stories, then the conclusion."""

    def __init__(self, ground: Ground, options: ChaosOptions, progress: Progress) -> None:
        self._ground = ground
        self._options = options
        self._progress = progress
        self._drafts: Iterator[Json] = goods.drafts()
        self._tales: list[Tale] = []
        self._failures: dict[str, str] = {}
        self._plans: dict[str, Plan] = {}
        self._began = time.monotonic()

    async def run(self) -> ChaosReport:
        """Everything."""
        await self.tell()
        return await self.conclude()

    async def tell(self) -> None:
        """Tell all stories, so many at a time, each until its order is at rest."""
        options = self._options
        left = iter(plans(options.seed, options.orders, options.gateways))

        async def keep_one_in_flight() -> None:
            for plan in left:
                await self._tell(plan)
                if len(self._tales) % _REPORT_EVERY == 0:
                    self._progress(f"{len(self._tales)} of {options.orders} orders")

        async with asyncio.TaskGroup() as group:
            for _ in range(min(options.in_flight, options.orders)):
                group.create_task(keep_one_in_flight())

    async def conclude(self, killed: Collection[str] = ()) -> ChaosReport:
        """Bring all to rest, compare with the providers, and ask whether the laws hold."""
        ground = self._ground
        left = {one["id"]: one["times"] for one in (await ground.see("scenario"))["scenarios"]}
        await bring_to_rest(ground, self._plans, self._progress)
        await ground.call_off_misfortunes()
        self._progress("all at rest; reconciling")
        repaired = await self._reconcile()
        restless = await bring_to_rest(ground, self._plans, self._progress)
        books = await chaos_books.open_books(ground, self._plans)
        return ChaosReport(
            seed=self._options.seed,
            told=[await self._told(tale, books, left) for tale in self._tales],
            audit=await chaos_books.strict_audit(ground),
            restless=restless,
            repaired=repaired,
            killed=list(killed),
            seconds=time.monotonic() - self._began,
        )

    async def _tell(self, plan: Plan) -> None:
        draft = {**next(self._drafts), "paymentMethod": plan.gateway}
        tale = Tale(self._ground, plan, uuid4().hex, draft)
        self._plans[tale.order_id] = plan
        try:
            await tale.place()
            await plan.story.tell(tale)
            await self._rest(tale)
        except StoryFailed as error:
            self._failures[tale.order_id] = f"the story got stuck: {error}"
        self._tales.append(tale)

    async def _rest(self, tale: Tale) -> None:
        async def look() -> bool | None:
            if await order_at_rest(self._ground, tale.order_id):
                return True
            await ask_banks(self._ground, self._plans, tale.order_id)
            return None

        await tale.until_it(look, "rest")

    async def _reconcile(self) -> Counter[str]:
        reconciled: Reconciled = await self._ground.client.execute_workflow(
            ReconcileWorkflow.run,
            Reconcile(settling_time=-_AHEAD),
            id=f"chaos-reconcile-{uuid4().hex}",
            task_queue=ORDERS_QUEUE,
        )
        return Counter(reconciled.found)

    async def _told(self, tale: Tale, books: chaos_books.Books, left: dict[str, int]) -> Told:
        order_id, plan = tale.order_id, tale.plan
        ends = plan.story.ends | LATE_ENDS if tale.late else plan.story.ends
        differences = chaos_books.differences(books, order_id, ends)
        if failure := self._failures.get(order_id):
            differences.append(failure)
        played = tuple(
            (misfortune, misfortune.times - left.get(f"{tale.key}:{number}", 0))
            for number, misfortune in enumerate(plan.misfortunes)
        )
        timeline = await chaos_books.timeline(self._ground, order_id) if differences else ""
        return Told(plan, order_id, books.end_of(order_id), played, tuple(differences), timeline)
