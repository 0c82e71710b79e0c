"""Work beside the main line of an order: what must not be interrupted, and what may be dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from temporalio import workflow

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` to its end, though the workflow be cancelled meanwhile.

    The request is not lost: `workflow.cancellation_reason()` tells of it afterwards.
    """
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    return task.result()


def dismiss(handle: workflow.ActivityHandle[Any]) -> None:
    """Cancel an activity whose result nobody wants any more."""
    # Without this, Python complains of a result that nobody looked at.
    handle.add_done_callback(lambda done: done.cancelled() or done.exception())
    handle.cancel()
