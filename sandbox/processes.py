"""Keeps servers running: starts them, starts them again when they die, stops them in order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from sandbox import pid_files
from sandbox.child import Child, spawn
from sandbox.errors import SandboxError, log_tail

_QUICK_SECONDS = 10.0
_QUICK_DEATHS = 5
_POLL_SECONDS = 0.05
_LONGEST_PAUSE = 2.0


class _Watch:
    """One child over all its lives."""

    def __init__(self, child: Child, data_dir: Path, report: Callable[[str], None]) -> None:
        self.child = child
        self.log = data_dir / "logs" / f"{child.name}.log"
        self._pid_file = data_dir / "run" / f"{child.name}.json"
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._killed: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()
        self._quick_deaths = 0

    @property
    def pid(self) -> int | None:
        """The running process, or None between two lives."""
        process = self._process
        if process is None or process is self._killed or process.returncode is not None:
            return None
        return process.pid

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._killed = self._process
            self._process.kill()

    async def is_ready(self) -> bool:
        if self.pid is None:
            return False
        return self.child.ready is None or await self.child.ready()

    async def keep_alive(self) -> None:
        """Run the child until `stop`, through every death.

        Raises:
            SandboxError: it dies at once each time it is started.
        """
        while not self._stop.is_set():
            started = time.monotonic()
            self._process = await spawn(self.child, self.log)
            pid_files.record(self._pid_file, self._process.pid, self.child.stop_signal)
            if self._stop.is_set():
                self._process.send_signal(self.child.stop_signal)
            code = await self._process.wait()
            self._pid_file.unlink(missing_ok=True)
            if not self._stop.is_set():
                await self._mourn(code, time.monotonic() - started)

    async def stop(self, keeper: asyncio.Task[None]) -> None:
        self._stop.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(self.child.stop_signal)
        done, _ = await asyncio.wait({keeper}, timeout=self.child.stop_within)
        if not done and self._process is not None:
            self._report(f"{self.child.name} did not stop by itself: killed")
            with suppress(ProcessLookupError):
                self._process.kill()
        await asyncio.wait({keeper})

    async def _mourn(self, code: int, lived: float) -> None:
        died = f"{self.child.name} died ({_cause(code)})"
        if lived >= _QUICK_SECONDS:
            self._quick_deaths = 0
        # Being killed says nothing about the child's configuration.
        elif code != -signal.SIGKILL:
            self._quick_deaths += 1
        if self._quick_deaths >= _QUICK_DEATHS:
            raise SandboxError(
                f"{died} {self._quick_deaths} times in a row, each time at once."
                f" The end of its log:\n{log_tail(self.log)}"
            )
        self._report(f"{died}; starting it again")
        pause = min(0.1 * 2**self._quick_deaths, _LONGEST_PAUSE)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), pause)


class Supervisor:
    """Runs the children that it is given, in their order; stops them in the reverse order.

    Logs are `logs/{name}.log` and pid files `run/{name}.json` under `data_dir`.
    """

    def __init__(
        self, children: Iterable[Child], data_dir: Path, report: Callable[[str], None]
    ) -> None:
        for part in ("logs", "run"):
            (data_dir / part).mkdir(parents=True, exist_ok=True)
        self._watches = {child.name: _Watch(child, data_dir, report) for child in children}
        self._keepers: dict[str, asyncio.Task[None]] = {}

    async def start(self, name: str) -> None:
        """Start one child and wait until it is ready.

        Raises:
            SandboxError: it does not get ready in time, or a child cannot be kept running.
        """
        watch = self._watches[name]
        self._keepers[name] = asyncio.create_task(watch.keep_alive(), name=f"keep {name} alive")
        await self._until_ready(watch)

    async def wait_until_ready(self) -> None:
        """Wait until every started child answers.

        Raises:
            SandboxError: one does not in time, or a child cannot be kept running.
        """
        await asyncio.gather(*(self._until_ready(self._watches[name]) for name in self._keepers))

    async def wait_for_failure(self) -> None:
        """Wait, for ever if all is well.

        Raises:
            SandboxError: a child cannot be kept running.
        """
        while True:
            self.check()
            await asyncio.sleep(_POLL_SECONDS * 4)

    def check(self) -> None:
        """Raise the SandboxError of a child that cannot be kept running, if there is one."""
        for keeper in self._keepers.values():
            if keeper.done() and not keeper.cancelled():
                keeper.result()

    def pid(self, name: str) -> int:
        """The process of a child that runs; `SandboxError` while it is being started again."""
        pid = self._watches[name].pid
        if pid is None:
            raise SandboxError(f"{name} is not running at the moment")
        return pid

    def kill(self, name: str) -> None:
        """SIGKILL a child, as a crash would; it is started again."""
        self._watches[name].kill()

    async def stop(self) -> None:
        """Stop all children, the last one first; those that do not stop in time are killed."""
        for name, watch in reversed(self._watches.items()):
            keeper = self._keepers.get(name)
            if keeper is not None:
                await watch.stop(keeper)
                if not keeper.cancelled():
                    keeper.exception()

    async def _until_ready(self, watch: _Watch) -> None:
        deadline = time.monotonic() + watch.child.ready_within
        while True:
            self.check()
            if await watch.is_ready():
                return
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"{watch.child.name} did not get ready within {watch.child.ready_within:.0f} s."
                    f" The end of its log:\n{log_tail(watch.log)}"
                )
            await asyncio.sleep(_POLL_SECONDS)


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"by {signal.Signals(-code).name}"
