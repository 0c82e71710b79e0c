"""Knows the children of a supervisor that was killed, and stops exactly those."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import psutil

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02


def record(path: Path, pid: int, stop_signal: signal.Signals) -> None:
    """Note that `pid` is ours; its creation time tells it from a later process of the same id."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"pid": pid, "created": created, "signal": int(stop_signal)}))
    draft.replace(path)


def stop_leftovers(run_dir: Path) -> list[str]:
    """Stop every recorded process that still runs, and forget them all; gives their names."""
    leftovers: dict[str, tuple[psutil.Process, int]] = {}
    for path in sorted(run_dir.glob("*.json")):
        found = _still_running(path)
        if found is not None:
            leftovers[path.stem] = found
    for process, stop_signal in leftovers.values():
        _signal(process, stop_signal)
    processes = [process for process, _ in leftovers.values()]
    for process in alive_after(processes, _GRACE_SECONDS):
        _signal(process, signal.SIGKILL)
    alive_after(processes, _GRACE_SECONDS)
    for path in run_dir.glob("*.json"):
        path.unlink(missing_ok=True)
    return list(leftovers)


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def alive_after(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for the processes to end; gives those that still run after `seconds`."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if is_alive(process)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(_POLL_SECONDS)
    return alive


def _still_running(path: Path) -> tuple[psutil.Process, int] | None:
    try:
        noted = json.loads(path.read_text())
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - noted["created"]) < 1
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return (process, noted["signal"]) if same and is_alive(process) else None


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
