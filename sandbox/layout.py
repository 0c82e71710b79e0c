"""How the parts of an embedded stack fit together on one data directory and one set of ports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.child import Child
from sandbox.environment import inherited_environment, stack_environment
from sandbox.ports import HOST, PortPlan
from sandbox.postgres import PostgresCluster
from sandbox.probes import Probe, answers_ok
from sandbox.processes import Supervisor
from sandbox.secrets_file import load_secrets
from sandbox.temporal_server import TemporalServer

_SIM = "/_sim/journal"


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


@dataclass(frozen=True, slots=True)
class Layout:
    """A stack that is ready to be started."""

    endpoints: Endpoints
    environment: dict[str, str]
    supervisor: Supervisor
    postgres: PostgresCluster
    temporal: TemporalServer
    logs: Path


async def lay_out(
    data_dir: Path,
    ports: PortPlan,
    *,
    project: Path,
    durable: bool,
    report: Callable[[str], None],
) -> Layout:
    """Make what the first start needs, and say how everything is to be run.

    Raises:
        SandboxError: something that it takes is not there.
    """
    secrets = load_secrets(data_dir / "secrets.json")
    api = f"http://{HOST}:{ports.api}"
    outside = inherited_environment()
    postgres = PostgresCluster(data_dir / "postgres", ports.postgres, outside, durable=durable)
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
        *_own_children(endpoints, ports, environment, project),
    )
    return Layout(
        endpoints=endpoints,
        environment=environment,
        supervisor=Supervisor(children, data_dir, report),
        postgres=postgres,
        temporal=temporal,
        logs=data_dir / "logs",
    )


def _own_children(
    at: Endpoints, ports: PortPlan, environment: Mapping[str, str], project: Path
) -> list[Child]:
    def python(name: str, *arguments: str, ready: Probe, stop_within: float = 15) -> Child:
        return Child(
            name=name,
            command=(sys.executable, *arguments),
            env=environment,
            cwd=project,
            ready=ready,
            stop_within=stop_within,
        )

    # Once it takes work, the SDK counts its pollers among the worker's metrics.
    polls = answers_ok(f"http://{HOST}:{ports.worker_metrics}/metrics", saying="num_pollers{")
    return [
        python("simulator", "-m", "sandbox.simulator", ready=answers_ok(f"{at.simulator}{_SIM}")),
        python("mail", "-m", "sandbox.mail", ready=answers_ok(at.mail)),
        # It may finish what it is at, which takes it up to 20 s.
        python("worker", "worker.py", ready=polls, stop_within=25),
        python("api", "-m", "api", ready=answers_ok(f"{at.api}/health/ready")),
    ]
