"""Tells the customer in the background: in order, and without holding the order up."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.notifications import Notifications, SendNotifications


class Notifier:
    """A queue of events, sent one after the other by one background task."""

    def __init__(self) -> None:
        self._queue: list[SendNotifications] = []
        self._task: asyncio.Task[None] | None = None

    def tell(self, event: SendNotifications) -> None:
        """Queue an event; the customer hears of events in the order in which they happened."""
        self._queue.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all())

    async def drain(self) -> None:
        """Wait until everything that was queued has been dealt with."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    async def _send_all(self) -> None:
        while self._queue:
            event = self._queue.pop(0)
            try:
                await workflow.execute_activity_method(
                    Notifications.send_notifications,
                    event,
                    summary=f"Tell the customer: {event.kind} {event.occasion}".rstrip(),
                    **policies.NOTIFY,
                )
            except ActivityError as error:
                workflow.logger.error(
                    "notification_failed", extra={"kind": event.kind, "cause": str(error.cause)}
                )
