"""The simulator in this process, and what it delivers to us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateways.http import build_client
from sandbox.simulator import SimulatorConfig, create_app
from tests.gateways.serving import serve

STRIPE_KEY = "sk_test_gateways"
STRIPE_SECRET = "whsec_gateways"
WAREHOUSE_KEY = "warehouse-key"
SHIPPING_SECRET = "shipping-secret"
AFTERSHIP_KEY = "aftership-key"
AFTERSHIP_SECRET = "aftership-secret"

N = TypeVar("N")


@dataclass(frozen=True)
class Delivery:
    """One callback as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Simulated:
    """A running simulator, and a client for the adapters."""

    url: str
    client: httpx.AsyncClient
    _deliveries: list[Delivery] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def callbacks(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def moves(self, path: str, **query: str | int) -> None:
        """Let a customer, a picker or a courier do something."""
        answer = await self.client.post(f"{self.url}/_sim/{path}", params=query)
        assert answer.status_code == 200, answer.text

    async def suffers(self, party: str, operation: str, behavior: str, **more: object) -> None:
        """Let something go wrong, once."""
        scenario = {"party": party, "operation": operation, "behavior": behavior} | more
        answer = await self.client.post(f"{self.url}/_sim/scenario", json=scenario)
        assert answer.status_code == 201, answer.text

    async def told(self, read: Callable[[Delivery], N | None]) -> N:
        """The first delivery that `read` makes something of; waits for it."""
        async with asyncio.timeout(10), self._arrived:
            while True:
                for delivery in self._deliveries:
                    news = read(delivery)
                    if news is not None:
                        return news
                await self._arrived.wait()

    async def _take(self, request: Request) -> Response:
        delivery = Delivery(request.url.path, dict(request.headers), await request.body())
        async with self._arrived:
            self._deliveries.append(delivery)
            self._arrived.notify_all()
        return Response(status_code=200)


@asynccontextmanager
async def simulator() -> AsyncIterator[Simulated]:
    """Run the simulator for as long as the block runs."""
    async with build_client(answer_timeout=timedelta(seconds=5)) as client:
        simulated = Simulated("", client)
        async with serve(simulated.callbacks()) as callback_url:
            config = SimulatorConfig(
                sim_state=":memory:",
                sim_callback_url=callback_url,
                stripe_api_key=SecretStr(STRIPE_KEY),
                stripe_webhook_secret=SecretStr(STRIPE_SECRET),
                warehouse_api_key=SecretStr(WAREHOUSE_KEY),
                shipping_callback_secret=SecretStr(SHIPPING_SECRET),
                aftership_api_key=SecretStr(AFTERSHIP_KEY),
                aftership_webhook_secret=SecretStr(AFTERSHIP_SECRET),
            )
            async with serve(create_app(config), lifespan="on") as simulated.url:
                yield simulated
