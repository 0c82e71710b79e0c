"""The simulator in this process, and what it delivers to us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TypeVar

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateways.http import build_client
from sandbox.simulator import create_app
from tests.accounts import simulator_config
from tests.gateways.serving import serve

N = TypeVar("N")


@dataclass(frozen=True)
class Delivery:
    """One callback as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


# Status, media type and body.
Answer = Callable[[Delivery], Awaitable[tuple[int, str, bytes]]]


@dataclass
class Simulated:
    """A running simulator, and a client for the adapters."""

    url: str
    callback_url: str
    client: httpx.AsyncClient
    _answer: Answer | None = None
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

    async def told(self, read: Callable[[Delivery], Awaitable[N | None]]) -> N:
        """The first delivery that `read` makes something of; waits for it."""
        async with asyncio.timeout(10):
            async for delivery in self._ever():
                news = await read(delivery)
                if news is not None:
                    return news
        raise AssertionError

    def about(self, word: str) -> list[Delivery]:
        """What has arrived with `word` in its body, oldest first."""
        return [delivery for delivery in self._deliveries if word.encode() in delivery.body]

    @contextmanager
    def answering(self, answer: Answer) -> Iterator[None]:
        """Answer callbacks in this way for a while."""
        self._answer = answer
        yield
        self._answer = None

    async def _ever(self) -> AsyncIterator[Delivery]:
        for number in count():
            async with self._arrived:
                while number >= len(self._deliveries):
                    await self._arrived.wait()
            yield self._deliveries[number]

    async def _take(self, request: Request) -> Response:
        delivery = Delivery(request.url.path, dict(request.headers), await request.body())
        async with self._arrived:
            self._deliveries.append(delivery)
            self._arrived.notify_all()
        if self._answer is None:
            # Alipay's acknowledgement; the others look at the status alone.
            return Response(b"success")
        status, media_type, body = await self._answer(delivery)
        return Response(body, status, media_type=media_type)


@asynccontextmanager
async def simulator() -> AsyncIterator[Simulated]:
    """Run the simulator for as long as the block runs."""
    async with build_client(answer_timeout=timedelta(seconds=5)) as client:
        simulated = Simulated("", "", client)
        async with serve(simulated.callbacks()) as simulated.callback_url:
            config = simulator_config(simulated.callback_url)
            async with serve(create_app(config), lifespan="on") as simulated.url:
                yield simulated
