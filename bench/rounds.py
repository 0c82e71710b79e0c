"""Many lives at once, and how long they took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Round:
    """One measured round; `ids` are the workflows that ran in it."""

    kind: str
    seconds: float
    ids: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Whole lives per second."""
        return len(self.ids) / self.seconds


async def run_round(
    kind: str, lead: Callable[[], Awaitable[str]], count: int, in_flight: int
) -> Round:
    """Lead `count` lives to their end, beginning a new one whenever one has ended.

    Raises:
        TimeoutError: it took longer than ten minutes.
    """
    left = count
    ids: list[str] = []

    async def keep_one_in_flight() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            ids.append(await lead())

    began = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, count)):
            group.create_task(keep_one_in_flight())
    return Round(kind=kind, seconds=time.perf_counter() - began, ids=tuple(ids))
