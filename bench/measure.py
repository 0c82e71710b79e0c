"""One run: everything is measured on the same stack, and both kinds of rounds take turns."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench import database
from bench.cpu import Cpu
from bench.floor_load import FloorDriver, open_floor
from bench.histories import count_actions, look_at_histories
from bench.orders import OrderDriver
from bench.results import Actions, Latency, Machine, Options, Report, Side, Throughput
from bench.rounds import Round
from bench.stack import PROCESSES, Bench, open_bench

_ACCOUNTED = 10
_CORES = os.cpu_count() or 1

Progress = Callable[[str], None]


@dataclass
class _Rounds:
    """The rounds of one kind, and the CPU that they took."""

    rounds: list[Round] = field(default_factory=list)
    cpu: Cpu | None = None

    @property
    def lives(self) -> int:
        return sum(len(each.ids) for each in self.rounds)

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.rounds)

    def throughput(self) -> Throughput:
        return Throughput(
            n=self.lives,
            rates=tuple(each.rate for each in self.rounds),
            rate=self.lives / self.seconds,
        )

    def cpu_per_thousand(self) -> dict[str, float]:
        assert self.cpu is not None
        return {name: spent / self.lives * 1000 for name, spent in self.cpu.by_process.items()}


class _Measuring:
    def __init__(
        self, options: Options, bench: Bench, floor: FloorDriver, progress: Progress
    ) -> None:
        self._options = options
        self._bench = bench
        self._orders = OrderDriver(bench)
        self._floor = floor
        self._progress = progress

    async def run(self) -> Report:
        load_before = os.getloadavg()[0]
        await self._warm_up()
        latency = await self._latency()
        ours, floor = await self._rounds()
        self._progress("counting what one order costs")
        accounted = min(_ACCOUNTED, self._options.orders)
        our_actions, floor_actions = await self._actions(accounted)
        cost = await database.watch(self._bench, self._orders.lead, accounted)
        return Report(
            at=datetime.now(UTC),
            options=self._options,
            machine=_machine(load_before, [ours, floor]),
            latency=latency,
            orders=await self._side(ours, our_actions),
            floor=await self._side(floor, floor_actions),
            database=cost,
            broken_laws=await database.broken_laws(self._bench),
        )

    async def _warm_up(self) -> None:
        """Fill caches and pools: the first orders pay for much that is paid once."""
        self._progress("warming up")
        count = self._options.in_flight
        await self._orders.run(count, count)
        await self._floor.run(count, count)

    async def _latency(self) -> Latency:
        self._progress(f"{self._options.sequential} orders, one at a time")
        taken = sorted(await self._orders.place_one_by_one(self._options.sequential))
        return Latency(n=len(taken), p50=_percentile(taken, 50), p95=_percentile(taken, 95))

    async def _rounds(self) -> tuple[_Rounds, _Rounds]:
        ours, floor = _Rounds(), _Rounds()
        for number in range(1, self._options.rounds + 1):
            for kind, run, into in (
                ("orders", self._orders.run, ours),
                ("floor", self._floor.run, floor),
            ):
                before = self._cpu()
                done = await run(self._options.orders, self._options.in_flight)
                spent = self._cpu().since(before)
                into.rounds.append(done)
                into.cpu = spent if into.cpu is None else into.cpu.plus(spent)
                self._progress(f"round {number}, {kind}: {done.rate:.1f} a second")
        return ours, floor

    def _cpu(self) -> Cpu:
        pids = {name: self._bench.stack.process(name) for name in PROCESSES}
        return Cpu.spent({**pids, "floor worker": self._floor.pid})

    async def _actions(self, count: int) -> list[Actions]:
        """Of `count` orders, then of as many lives of the floor."""
        found = []
        before = await count_actions(self._bench)
        for lead in (self._orders.lead, self._floor.lead):
            for _ in range(count):
                await lead()
            after = await count_actions(self._bench)
            by_type = {kind: n / count for kind, n in (after - before).most_common()}
            found.append(Actions(total=sum(by_type.values()), by_type=by_type))
            before = after
        return found

    async def _side(self, measured: _Rounds, actions: Actions) -> Side:
        ids = [workflow_id for each in measured.rounds for workflow_id in each.ids]
        return Side(
            throughput=measured.throughput(),
            cpu=measured.cpu_per_thousand(),
            history=await look_at_histories(self._bench.client, ids),
            actions=actions,
        )


async def measure(options: Options, progress: Progress) -> Report:
    """Start a stack, measure everything on it, and stop it."""
    async with open_bench(options.in_flight, progress) as bench, open_floor(bench) as floor:
        return await _Measuring(options, bench, floor, progress).run()


def _machine(load_before: float, measured: Sequence[_Rounds]) -> Machine:
    seconds = sum(each.seconds for each in measured)
    elsewhere = sum(each.cpu.elsewhere for each in measured if each.cpu is not None)
    return Machine(
        cores=_CORES,
        python=platform.python_version(),
        load_before=load_before,
        busy_elsewhere=elsewhere / (seconds * _CORES),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
