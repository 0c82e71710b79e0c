"""Real HTTP servers on free ports, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

T = TypeVar("T")

# Seconds. Longer than anything takes on a machine that is busy with other things.
PATIENCE = 60.0


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def serve(app: ASGIApp, port: int) -> AsyncIterator[str]:
    """Serve `app`; gives its base URL."""
    server = _Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_level="critical",
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started or task.done())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def eventually(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Poll until `condition` holds, and give what it gave."""

    async def look() -> T:
        return condition()

    return await eventually_async(look, seconds)


async def eventually_async(condition: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
    """Poll until the awaited `condition` holds, and give what it gave."""
    deadline = asyncio.get_running_loop().time() + seconds
    pause = 0.02
    while not (found := await condition()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not happen within {seconds} s; last seen: {found!r}")
        await asyncio.sleep(pause)
        # What has not happened soon takes its time: asking costs more than waiting.
        pause = min(pause * 1.5, 0.15)
    return found
