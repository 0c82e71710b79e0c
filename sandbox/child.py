"""One server of the embedded stack: how it is started, known to be ready, and stopped."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.probes import Probe

_PR_SET_PDEATHSIG = 1
_LOG_LIMIT_BYTES = 20_000_000
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The account that a child runs as when the supervisor is root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Child:
    """A server that must stay up. Times are seconds; without `ready` it is ready once it runs."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    ready: Probe | None = None
    ready_within: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: float = 15.0
    user: SystemUser | None = None


async def spawn(child: Child, log: Path) -> asyncio.subprocess.Process:
    """Start the child; what it prints is appended to `log`.

    Raises:
        SandboxError: its program cannot be run.
    """
    _rotate(log)
    with log.open("ab") as output:
        try:
            return await asyncio.create_subprocess_exec(
                *child.command,
                env=child.env,
                cwd=child.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in the terminal reaches the supervisor alone, which then stops in order.
                start_new_session=True,
                preexec_fn=_follow_parent(child.stop_signal),
                user=child.user.uid if child.user else None,
                group=child.user.gid if child.user else None,
                extra_groups=() if child.user else None,
            )
        except OSError as error:
            raise SandboxError(
                f"{child.name} cannot be started: {child.command[0]}: {error.strerror}"
            ) from error


def _follow_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """On Linux, have the kernel stop the child when the supervisor dies."""
    if _prctl is None:
        return None
    prctl, parent = _prctl, os.getpid()
    # From Python 3.12 on, any code between fork and exec is warned of when there are threads. This
    # one takes no lock that a thread could have held.
    warnings.filterwarnings("ignore", r".*multi-threaded, use of fork", DeprecationWarning)

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
