"""The whole of Orderflow on one machine: real servers, supervised, on one data directory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.commands import run_once
from sandbox.data_dir import locked_data_dir
from sandbox.errors import SandboxError
from sandbox.layout import Endpoints, Layout, lay_out
from sandbox.pid_files import stop_leftovers
from sandbox.ports import PortPlan, plan_ports

PROJECT = Path(__file__).resolve().parent.parent


class EmbeddedStack:
    """PostgreSQL, Temporal, the simulator, the mail sink, Orderflow's worker and its API.

    Entering it starts what is needed and returns when everything answers; leaving it stops it all.
    In between, what dies is started again. `project` is where `starter.py` and `worker.py` are.
    """

    def __init__(
        self,
        data_dir: Path,
        port_base: int = 8000,
        *,
        durable: bool = True,
        progress: Callable[[str], None] = lambda _: None,
        project: Path = PROJECT,
    ) -> None:
        self._data_dir = data_dir
        self._port_base = port_base
        self._durable = durable
        self._progress = progress
        self._project = project
        self._resources = ExitStack()
        self._started: Layout | None = None

    @property
    def endpoints(self) -> Endpoints:
        """Where everything is, once entered."""
        return self._running.endpoints

    @property
    def environment(self) -> dict[str, str]:
        """What the children are told; with it, any of Orderflow's programs joins the stack."""
        return dict(self._running.environment)

    def process(self, name: str) -> int:
        """The process id of a child: postgres, temporal, simulator, mail, worker or api."""
        return self._running.supervisor.pid(name)

    def kill(self, name: str) -> None:
        """SIGKILL a child, as a crash would; the supervisor starts it again."""
        self._running.supervisor.kill(name)

    async def wait_until_ready(self) -> None:
        """Wait until every part answers, which after a `kill` takes a moment.

        Raises:
            SandboxError: a part does not, or cannot be kept running.
        """
        await self._running.supervisor.wait_until_ready()

    async def wait_for_failure(self) -> None:
        """Wait, for ever if all is well.

        Raises:
            SandboxError: a part cannot be kept running.
        """
        await self._running.supervisor.wait_for_failure()

    async def __aenter__(self) -> Self:
        try:
            data_dir = self._resources.enter_context(locked_data_dir(self._data_dir))
            leftovers = await asyncio.to_thread(stop_leftovers, data_dir / "run")
            if leftovers:
                self._progress(f"stopped what the last run left behind: {', '.join(leftovers)}")
            self._started = await lay_out(
                data_dir,
                await self._free_ports(patient=bool(leftovers)),
                project=self._project,
                durable=self._durable,
                report=self._progress,
            )
            await self._start(self._started)
        except BaseException:
            await self._stop()
            raise
        return self

    async def _free_ports(self, *, patient: bool) -> PortPlan:
        """The ports; those of a server that has just been stopped may take a moment."""
        for _ in range(30 if patient else 0):
            try:
                return plan_ports(self._port_base)
            except SandboxError:
                await asyncio.sleep(0.1)
        return plan_ports(self._port_base)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    @property
    def _running(self) -> Layout:
        if self._started is None:
            raise SandboxError("the stack is not running: enter it with `async with`")
        return self._started

    async def _stop(self) -> None:
        try:
            if self._started is not None:
                await self._started.supervisor.stop()
        finally:
            self._resources.close()

    async def _start(self, parts: Layout) -> None:
        start = parts.supervisor.start
        await _together(
            self._start_database(parts),
            self._start_temporal(parts),
            start("simulator"),
            start("mail"),
        )
        self._progress("simulator and mail are up; starting the worker and the API")
        await _together(start("worker"), start("api"))
        await parts.supervisor.wait_until_ready()

    async def _start_database(self, parts: Layout) -> None:
        await parts.supervisor.start("postgres")
        await parts.postgres.create_database()
        self._progress("PostgreSQL is up")
        for command in ("migrate", "seed"):
            await run_once(
                (sys.executable, "starter.py", command),
                env=parts.environment,
                cwd=self._project,
                log=parts.logs / f"{command}.log",
            )
        self._progress("the database's schema and the catalog are there")

    async def _start_temporal(self, parts: Layout) -> None:
        await parts.supervisor.start("temporal")
        await parts.temporal.keep_histories()
        self._progress("Temporal is up")


async def _together(*steps: Coroutine[object, object, None]) -> None:
    """Run the steps at once; the first failure cancels the others and is raised alone."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
