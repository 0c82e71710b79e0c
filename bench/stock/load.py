"""Callers that reserve one order after the other, and what they had to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from activities.holding import HoldBatcher
from activities.reserving import ReserveStock, StockReserved
from bench.cpu import Cpu
from bench.stock.ground import StockGround
from domain.ids import HOLD, encode_id

_PATIENCE_SECONDS = 300


@dataclass
class Load:
    """What one way of holding has achieved so far; times in seconds, CPU with PostgreSQL's."""

    waits: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    elsewhere: float = 0.0

    @property
    def rate(self) -> float:
        """Holds per second over all rounds."""
        return len(self.waits) / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """CPU seconds for 1,000 holds: other programs do not disturb it."""
        return self.cpu * 1000 / len(self.waits)

    def wait(self, percent: int) -> float:
        """So long had at most `percent` of the callers to wait."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


async def hold_for_all(
    ground: StockGround, holds: HoldBatcher, order_ids: Iterable[str], callers: int, into: Load
) -> None:
    """Have `callers` at a time reserve, until every order has its hold.

    Raises:
        TimeoutError: it took longer than five minutes.
    """
    left = iter(order_ids)
    waits: list[float] = []

    async def reserve_one_after_the_other() -> None:
        for order_id in left:
            began = time.perf_counter()
            outcome = await holds.reserve(_request(order_id))
            waits.append(time.perf_counter() - began)
            assert isinstance(outcome, StockReserved)

    processes = {"postgres": ground.postgres}
    cpu = Cpu.spent(processes)
    began = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(reserve_one_after_the_other())
    seconds = time.perf_counter() - began
    spent = Cpu.spent(processes).since(cpu)
    into.waits += waits
    into.rates.append(len(waits) / seconds)
    into.seconds += seconds
    into.cpu += sum(spent.by_process.values())
    into.elsewhere += spent.elsewhere


def _request(order_id: str) -> ReserveStock:
    now = datetime.now(UTC)
    return ReserveStock(
        order_id=order_id,
        hold_id=encode_id(HOLD, uuid4()),
        at=now,
        expires_at=now + timedelta(minutes=15),
    )
