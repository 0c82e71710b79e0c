"""Tells the customer in the background: in order, and without holding the order up."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.notifications import (
        CustomerEvent,
        NotificationResults,
        Notifications,
        SendNotifications,
    )


class Notifier:
    """A queue of events, sent by one background task in the order in which they happened.

    A text message that has to wait for its provider, or a promotion for the morning, does so
    beside the queue: the mails that come after it are not late for that.
    """

    def __init__(self, order_id: str) -> None:
        self._order_id = order_id
        self._queue: list[CustomerEvent] = []
        self._task: asyncio.Task[None] | None = None
        self._overtaken: list[asyncio.Task[object]] = []

    def tell(self, event: CustomerEvent, *, at_once: bool = True) -> None:
        """Queue an event; one that need not go at once travels with the next."""
        self._queue.append(event)
        if at_once:
            self.send()

    def send(self) -> None:
        """Send what is queued, unless that is going on already."""
        if self._queue and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._send_all())

    async def drain(self) -> None:
        """Wait until everything that was queued has been dealt with."""
        self.send()
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)
        for task in self._overtaken:
            await asyncio.shield(task)

    async def _send_all(self) -> None:
        while self._queue:
            events, self._queue = tuple(self._queue), []
            told = await self._send(
                SendNotifications(order_id=self._order_id, events=events, hand_over=True)
            )
            late = tuple(event for event in events if event.kind in told.waiting)
            if late:
                rest = SendNotifications(order_id=self._order_id, events=late, tries=told.tries)
                self._overtaken.append(asyncio.create_task(self._send(rest)))

    async def _send(self, command: SendNotifications) -> NotificationResults:
        kinds = ", ".join(event.kind for event in command.events)
        try:
            return await workflow.execute_activity_method(
                Notifications.send_notifications,
                command,
                summary=f"Tell the customer: {kinds}",
                **policies.NOTIFY,
            )
        except ActivityError as error:
            workflow.logger.error(
                "notification_failed", extra={"kinds": kinds, "cause": str(error.cause)}
            )
            return NotificationResults(results=())
