"""CPU seconds: of each of our processes, and of the whole machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import psutil

DRIVER = "driver"


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds by process, and how busy the machine was with anything at all."""

    by_process: dict[str, float]
    machine: float

    @classmethod
    def spent(cls, pids: Mapping[str, int]) -> Self:
        """What has been spent so far by these processes, with their children, and by this one."""
        by_process = {name: _of_tree(psutil.Process(pid)) for name, pid in pids.items()}
        own = psutil.Process(os.getpid()).cpu_times()
        by_process[DRIVER] = float(own.user + own.system)
        machine = psutil.cpu_times()
        waiting = machine.idle + getattr(machine, "iowait", 0.0)
        return cls(by_process, float(sum(machine) - waiting))

    def since(self, before: Cpu) -> Cpu:
        """What was spent between two looks."""
        return Cpu(
            {name: spent - before.by_process[name] for name, spent in self.by_process.items()},
            self.machine - before.machine,
        )

    def plus(self, other: Cpu) -> Cpu:
        """Two stretches of time together."""
        return Cpu(
            {name: spent + other.by_process[name] for name, spent in self.by_process.items()},
            self.machine + other.machine,
        )

    @property
    def elsewhere(self) -> float:
        """What processes that are none of ours have spent."""
        return max(self.machine - sum(self.by_process.values()), 0.0)


def _of_tree(process: psutil.Process) -> float:
    times = process.cpu_times()
    # Children that have ended are in the parent's account.
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            spent = child.cpu_times()
            total += spent.user + spent.system
    return float(total)
