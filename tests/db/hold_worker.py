"""A worker process that only holds stock: `python -m tests.db.hold_worker DATABASE_URL`.

It takes orders from its standard input, one line each, until an empty line; then it asks for all
of them at once and writes down each answer as it comes.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from activities.holding import HoldBatcher
from activities.reserving import StockReserved
from db.engine import connect, session_factory
from tests.db.reservations import reservation

READY = "ready"


async def work(database_url: str) -> None:
    engine = connect(database_url, pool_size=4)
    holds = HoldBatcher(session_factory(engine))

    async def reserve(order_id: str) -> None:
        outcome = await holds.reserve(reservation(order_id))
        reserved = isinstance(outcome, StockReserved)
        say(f"{order_id} {'reserved' if reserved else 'short'}")

    async with engine.connect():
        say(READY)
    order_ids = [line.strip() for line in iter(sys.stdin.readline, "\n")]
    try:
        async with asyncio.TaskGroup() as group:
            for order_id in order_ids:
                group.create_task(reserve(order_id))
    finally:
        await engine.dispose()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(sys.argv[1]))
