"""An embedded stack of the benchmark's own: durable, on free ports, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor

import temporal
from bench import goods
from sandbox.layout import Endpoints
from sandbox.ports import PortPlan, plan_ports
from sandbox.stack import EmbeddedStack
from settings import Settings

# So long do orders and the floor's workflows wait before the review invitation.
REVIEW_DELAY_SECONDS = 0.1

PROCESSES = ("worker", "api", "temporal", "postgres", "simulator", "mail")


@dataclass(frozen=True)
class Bench:
    """A running stack, and the clients that the drivers share."""

    stack: EmbeddedStack
    ports: PortPlan
    directory: Path
    client: Client
    http: httpx.AsyncClient

    @property
    def at(self) -> Endpoints:
        """Where everything is."""
        return self.stack.endpoints

    @property
    def environment(self) -> dict[str, str]:
        """With it, a program joins the stack."""
        return self.stack.environment


@asynccontextmanager
async def open_bench(
    in_flight: int, progress: Callable[[str], None], *, acting: bool = True
) -> AsyncIterator[Bench]:
    """Start the stack, and stop it again; if `acting`, the parties outside act by themselves."""
    directory = _new_directory()
    os.environ["REVIEW_DELAY"] = f"PT{REVIEW_DELAY_SECONDS}S"
    os.environ["QUIET_HOURS"] = "none"
    ports = plan_ports(0)
    try:
        async with (
            EmbeddedStack(directory, ports.api, progress=progress) as stack,
            _http(in_flight) as http,
        ):
            bench = Bench(stack, ports, directory, await _client(stack), http)
            await goods.stock_up(bench.at.database, directory)
            if acting:
                await _let_parties_act(bench)
            yield bench
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _new_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="orderflow-bench-"))
    # PostgreSQL may run under an account of its own.
    directory.chmod(0o755)
    return directory


def _http(in_flight: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    return httpx.AsyncClient(timeout=60, limits=limits, trust_env=False)


async def _client(stack: EmbeddedStack) -> Client:
    settings = Settings(**{name.lower(): value for name, value in stack.environment.items()})  # type: ignore[arg-type]  # parsed by Pydantic
    return await Client.connect(
        stack.endpoints.temporal,
        data_converter=temporal.data_converter(temporal.codec_of(settings)),
        interceptors=[TracingInterceptor()],
    )


async def _let_parties_act(bench: Bench) -> None:
    answer = await bench.http.post(
        f"{bench.at.simulator}/_sim/scenario/defaults",
        json={"autoPay": 0, "autoShip": 0, "autoDeliver": 0},
    )
    answer.raise_for_status()
