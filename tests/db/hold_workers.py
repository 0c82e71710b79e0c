"""Runs worker processes that hold stock, and hears what each order was told."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.db import hold_worker


@dataclass
class HoldWorker:
    """One process; `told` is what it has answered, by order."""

    process: asyncio.subprocess.Process
    told: dict[str, str] = field(default_factory=dict)

    async def ask_for(self, order_ids: Sequence[str]) -> None:
        """Have it ask for all of them at once."""
        assert self.process.stdin is not None
        self.process.stdin.writelines(f"{order_id}\n".encode() for order_id in [*order_ids, ""])
        await self.process.stdin.drain()

    async def hear(self, most: int | None = None) -> None:
        """Read answers until it ends, or until there are so many."""
        assert self.process.stdout is not None
        while most is None or len(self.told) < most:
            line = (await self.process.stdout.readline()).decode().split()
            if not line:
                return
            order_id, answer = line
            self.told[order_id] = answer

    async def die(self) -> None:
        """The kernel ends it, without a word."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def hold_workers(database_url: str, count: int) -> AsyncIterator[list[HoldWorker]]:
    """So many processes, connected and ready."""
    workers = [await _start(database_url) for _ in range(count)]
    try:
        for worker in workers:
            assert worker.process.stdout is not None
            line = (await worker.process.stdout.readline()).decode().strip()
            assert line == hold_worker.READY
        yield workers
        for worker in workers:
            await worker.process.wait()
    finally:
        for worker in workers:
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()


async def _start(database_url: str) -> HoldWorker:
    return HoldWorker(
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            hold_worker.__name__,
            database_url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
    )
