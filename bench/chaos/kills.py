"""Kills our own processes in the middle of everything, as crashes do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from sandbox.stack import EmbeddedStack

_VICTIMS = ("worker", "api", "postgres", "temporal")
_KILLS = 8
_SOONEST_SECONDS, _LATEST_SECONDS = 4.0, 12.0


@asynccontextmanager
async def killing(
    stack: EmbeddedStack, seed: int, progress: Callable[[str], None]
) -> AsyncIterator[list[str]]:
    """Kill one of them after the other, each a few times while the block runs; who was killed."""
    killed: list[str] = []
    killer = asyncio.create_task(_kill(stack, Random(seed), killed, progress))
    try:
        yield killed
    finally:
        killer.cancel()
        await asyncio.gather(killer, return_exceptions=True)
        await stack.wait_until_ready()


async def _kill(
    stack: EmbeddedStack, chance: Random, killed: list[str], progress: Callable[[str], None]
) -> None:
    for number in range(_KILLS):
        await asyncio.sleep(chance.uniform(_SOONEST_SECONDS, _LATEST_SECONDS))
        victim = _VICTIMS[number % len(_VICTIMS)]
        stack.kill(victim)
        killed.append(victim)
        progress(f"the {victim} is killed")
        await stack.wait_until_ready()
