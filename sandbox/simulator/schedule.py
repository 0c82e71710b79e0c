"""What the parties do by themselves after a while, so that orders can run without a hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from secrets import token_hex

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sandbox.simulator.errors import Conflict, NotKnown
from sandbox.simulator.store import Collection, Store


class Defaults(BaseModel):
    """Seconds until each party moves on by itself; null waits for the control API."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    auto_pay: float | None = Field(default=None, ge=0)
    auto_ship: float | None = Field(default=None, ge=0)
    auto_deliver: float | None = Field(default=None, ge=0)
    auto_supply: float | None = Field(default=None, ge=0)


class _Appointment(BaseModel):
    id: str
    action: str
    subject: str
    due_at: float


class Schedule:
    """Stored appointments; an action that has become impossible by then is let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._appointments = Collection(store, "appointment", _Appointment)
        self._defaults = Collection(store, "defaults", Defaults)
        self._actions: dict[str, Callable[[str], object]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def defaults(self) -> Defaults:
        """The delays that hold now."""
        return self._defaults.get("defaults") or Defaults()

    @defaults.setter
    def defaults(self, value: Defaults) -> None:
        self._defaults.put("defaults", value)

    def add_action(self, name: str, action: Callable[[str], object]) -> None:
        """Make an action known by name, so that an appointment outlives a restart."""
        self._actions[name] = action

    def start(self) -> None:
        """Keep the appointments of an earlier run."""
        for appointment in self._appointments.latest(1_000_000):
            self._arm(appointment)

    def stop(self) -> None:
        """Let go of the timers; the appointments stay stored."""
        for timer in self._timers.values():
            timer.cancel()

    def after(self, seconds: float | None, action: str, subject: str) -> None:
        """Do `action` on `subject` after `seconds`, never if that is None."""
        if seconds is None:
            return
        appointment = _Appointment(
            id=token_hex(8), action=action, subject=subject, due_at=time.time() + seconds
        )
        self._appointments.put(appointment.id, appointment)
        self._store.after_commit(lambda: self._arm(appointment))

    def _arm(self, appointment: _Appointment) -> None:
        delay = max(0.0, appointment.due_at - time.time())
        loop = asyncio.get_running_loop()
        self._timers[appointment.id] = loop.call_later(delay, self._keep, appointment)

    def _keep(self, appointment: _Appointment) -> None:
        del self._timers[appointment.id]
        with self._store.transaction():
            self._appointments.delete(appointment.id)
            try:
                self._actions[appointment.action](appointment.subject)
            except (NotKnown, Conflict):
                return
