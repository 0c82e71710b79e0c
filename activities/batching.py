"""Gathers what concurrent callers ask for into batches, without making anybody wait for company."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Answers one batch, in its order; an exception among the answers is for that caller alone.
Flush = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]


class Batcher(Generic[T, R]):
    """First come, first served, at most `most` a batch and `at_once` batches at the same time.

    A lone request is flushed immediately. While flushes are under way the next batch gathers, and
    it begins when one of them ends: the busier it is, the larger the batches.
    """

    def __init__(self, flush: Flush[T, R], *, most: int, at_once: int = 1) -> None:
        self._flush = flush
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[T, asyncio.Future[R | Exception]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, request: T) -> R:
        """The answer to `request`.

        A caller that is cancelled takes back what has not begun, and waits for what has: when it
        is gone, nothing happens on its behalf any more.
        """
        future: asyncio.Future[R | Exception] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._begin()
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            if (request, future) in self._waiting:
                self._waiting.remove((request, future))
            else:
                await asyncio.wait([future])
            raise
        answer = future.result()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _begin(self) -> None:
        if self._waiting and len(self._running) < self._at_once:
            task = asyncio.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._begin()

    async def _run(self) -> None:
        # Taken only now, so that all who ask in the same turn of the event loop go together.
        size = min(self._most, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(size)]
        answers: Sequence[R | Exception] = ()
        try:
            if batch:
                answers = await self._flush([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            answers = [error] * size
        finally:
            for (_, future), answer in zip(batch, answers, strict=False):
                future.set_result(answer)
            for _, future in batch:
                # Only when the event loop itself shuts down have callers got no answer yet.
                future.cancel()
