"""The whole of Orderflow on one machine: real servers, supervised, on one data directory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.child import Child
from sandbox.commands import run_once
from sandbox.data_dir import locked_data_dir
from sandbox.environment import inherited_environment, stack_environment
from sandbox.errors import SandboxError
from sandbox.pid_files import stop_leftovers
from sandbox.ports import HOST, PortPlan, plan_ports
from sandbox.postgres import PostgresCluster
from sandbox.probes import answers_ok
from sandbox.processes import Supervisor
from sandbox.secrets_file import load_secrets
from sandbox.temporal_server import TemporalServer

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the parts of a running stack answer."""

    api: str
    api_key: str
    temporal: str
    ui: str
    database: str
    simulator: str
    mail: str

    def as_json(self) -> dict[str, str]:
        """As `up --json` prints it."""
        return {
            "api": self.api,
            "apiKey": self.api_key,
            "temporal": self.temporal,
            "ui": self.ui,
            "database": self.database,
            "simulator": self.simulator,
            "mail": self.mail,
        }


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
        self._started: _Started | None = None

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
            self._started = await self._lay_out(data_dir, plan_ports(self._port_base))
            await self._start(self._started)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    @property
    def _running(self) -> _Started:
        if self._started is None:
            raise SandboxError("the stack is not running: enter it with `async with`")
        return self._started

    async def _stop(self) -> None:
        try:
            if self._started is not None:
                await self._started.supervisor.stop()
        finally:
            self._resources.close()

    async def _lay_out(self, data_dir: Path, ports: PortPlan) -> _Started:
        secrets = load_secrets(data_dir / "secrets.json")
        api = f"http://{HOST}:{ports.api}"
        outside = inherited_environment()
        postgres = PostgresCluster(
            data_dir / "postgres", ports.postgres, outside, durable=self._durable
        )
        temporal = TemporalServer(
            data_dir / "temporal.db",
            ports,
            outside,
            codec_url=f"{api}/codec/{secrets['CODEC_TOKEN']}",
        )
        environment = stack_environment(
            ports=ports, secrets=secrets, data_dir=data_dir, database=postgres.dsn
        )
        endpoints = Endpoints(
            api=api,
            api_key=secrets["API_KEYS"].split(",")[0],
            temporal=temporal.address,
            ui=temporal.ui,
            database=postgres.dsn,
            simulator=f"http://{HOST}:{ports.simulator}",
            mail=f"http://{HOST}:{ports.mail}",
        )
        children = (
            await postgres.child(),
            temporal.child(),
            *self._own_children(endpoints, environment),
        )
        return _Started(
            endpoints=endpoints,
            environment=environment,
            supervisor=Supervisor(children, data_dir, self._progress),
            postgres=postgres,
            temporal=temporal,
            logs=data_dir / "logs",
        )

    def _own_children(self, at: Endpoints, environment: Mapping[str, str]) -> list[Child]:
        def python(name: str, *arguments: str, probe: str = "") -> Child:
            return Child(
                name=name,
                command=(sys.executable, *arguments),
                env=environment,
                cwd=self._project,
                ready=answers_ok(probe) if probe else None,
            )

        return [
            python("simulator", "-m", "sandbox.simulator", probe=f"{at.simulator}/_sim/journal"),
            python("mail", "-m", "sandbox.mail", probe=f"{at.mail}/"),
            python("worker", "worker.py"),
            python("api", "-m", "api", probe=f"{at.api}/health/ready"),
        ]

    async def _start(self, parts: _Started) -> None:
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

    async def _start_database(self, parts: _Started) -> None:
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

    async def _start_temporal(self, parts: _Started) -> None:
        await parts.supervisor.start("temporal")
        await parts.temporal.keep_histories()
        self._progress("Temporal is up")


@dataclass(frozen=True, slots=True)
class _Started:
    endpoints: Endpoints
    environment: dict[str, str]
    supervisor: Supervisor
    postgres: PostgresCluster
    temporal: TemporalServer
    logs: Path


async def _together(*steps: Coroutine[object, object, None]) -> None:
    """Run the steps at once; the first failure cancels the others and is raised alone."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
