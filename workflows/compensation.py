"""Undo what an order did so far: newest first, whatever happens, until all is undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows import policies

Undo = Callable[[], Awaitable[None]]


class Compensations:
    """A stack of undos. Each is registered *before* its step, which may happen and not answer."""

    def __init__(self) -> None:
        self._undos: list[tuple[str, Undo]] = []

    @property
    def pending(self) -> tuple[str, ...]:
        """What is still to be undone, newest first."""
        return tuple(name for name, _ in reversed(self._undos))

    def register(self, name: str, undo: Undo) -> None:
        """Remember how to undo the step that comes next; a name is registered once."""
        if name not in self.pending:
            self._undos.append((name, undo))

    def forget(self, name: str) -> None:
        """The step can no longer be undone, or need not be."""
        self._undos = [entry for entry in self._undos if entry[0] != name]

    async def run(self) -> None:
        """Undo everything. One undo's failure does not stop the others; none is given up.

        After a failure the whole round is repeated, which each undo tolerates: what a late one
        finds, such as money that has come in meanwhile, is for the older ones to undo.
        """
        while failed := await self._round():
            await workflow.sleep(policies.UNDO_PAUSE, summary=f"Try again to: {', '.join(failed)}")

    async def _round(self) -> list[str]:
        """Try every undo once, newest first; the names of those that failed."""
        return [
            entry[0]
            for entry in reversed(self._undos.copy())
            if entry in self._undos and not await _done(*entry)
        ]


async def _done(name: str, undo: Undo) -> bool:
    try:
        await undo()
    except FailureError as error:
        workflow.logger.error("undo_failed", extra={"undo": name, "cause": str(error.cause)})
        return False
    return True
