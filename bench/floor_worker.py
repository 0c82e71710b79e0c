"""`python -m bench.floor_worker`: runs the floor exactly as `worker.py` runs orders."""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import time

import uvloop

import telemetry
import temporal
import worker
from bench import floor
from settings import Settings, load_settings
from workflows import policies

# As in worker.py: the SDK's threads may outlive the interpreter.
atexit.register(time.sleep, 0.1)

READY = "ready"


async def run(settings: Settings) -> None:
    """Work until the driver closes our standard input."""
    client = await temporal.connect(settings, runtime=temporal.worker_runtime(settings))
    workers = [
        worker.queue_worker(
            client,
            floor.PREFIX + queue,
            [floor.do_nothing, floor.charge, floor.pick, floor.poll],
            [floor.FloorWorkflow] if queue == policies.ORDERS_QUEUE else [],
        )
        for queue in policies.ALL_QUEUES
    ]
    running = [asyncio.create_task(one.run()) for one in workers]
    print(READY, flush=True)
    await asyncio.to_thread(os.read, 0, 1)
    await asyncio.gather(*(one.shutdown() for one in workers))
    await asyncio.gather(*running)


def main() -> None:
    """Read the environment and work."""
    settings = load_settings()
    telemetry.set_up(settings, "floor")
    # The loop and the collector are those of worker.py.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))
    os._exit(0)


if __name__ == "__main__":
    main()
