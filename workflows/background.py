"""Activities that run beside an order until they are no longer needed."""

from __future__ import annotations

from typing import Any

from temporalio import workflow


def dismiss(handle: workflow.ActivityHandle[Any]) -> None:
    """Cancel an activity whose result nobody wants any more."""
    # Without this, Python complains of a result that nobody looked at.
    handle.add_done_callback(lambda done: done.cancelled() or done.exception())
    handle.cancel()
