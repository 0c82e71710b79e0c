"""What the simulator's tests share: real servers on free ports, a receiver, a Stripe client."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from stripe import APIConnectionError, HTTPClient, PaymentIntent, StripeClient

from sandbox.simulator import create_app
from tests.accounts import ACCOUNTS, simulator_config

Json = dict[str, object]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Serve `app` on a free port of this machine; gives its base URL."""
    # Named TCP, or asyncio leaves small answers waiting 40 ms for more to send.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started or task.done())
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def eventually(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Delivery:
    """One callback as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Json:
        parsed = json.loads(self.raw)
        assert isinstance(parsed, dict)
        return parsed


@dataclass
class Receiver:
    """The API's side of the callbacks; answers the `statuses` in turn, then 200."""

    statuses: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def about(self, word: str) -> list[Delivery]:
        """What arrived with `word` in its body."""
        return [d for d in self.deliveries if word.encode() in d.raw]

    def kinds(self, word: str) -> list[str]:
        """The types of the Stripe events with `word` in their bodies."""
        return [str(d.body["type"]) for d in self.about(word)]

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            raw = await request.body()
            self.deliveries.append(Delivery(request.url.path, dict(request.headers), raw))
            return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

        return Starlette(routes=[Route("/callbacks/{rest:path}", take, methods=["POST"])])


@dataclass
class Lab:
    """A running simulator, its receiver, and a client for both its faces."""

    url: str
    http: httpx.AsyncClient
    stripe: StripeClient
    receiver: Receiver

    async def post(self, path: str, body: object = None, expect: int = 200) -> Json:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == expect, answer.text
        parsed = answer.json()
        assert isinstance(parsed, dict)
        return parsed

    async def scenario(
        self, party: str, behavior: str, operation: str = "*", **more: object
    ) -> None:
        body = {"party": party, "behavior": behavior, "operation": operation, **more}
        await self.post("/_sim/scenario", body, expect=201)

    async def journal(self, **filters: str) -> list[dict[str, object]]:
        answer = await self.http.get("/_sim/journal", params=filters)
        entries = answer.json()["entries"]
        assert isinstance(entries, list)
        return entries

    async def intent(self, amount: int = 12_345, key: str = "", **params: object) -> PaymentIntent:
        """A payment intent of a new payment; its metadata carry our ids."""
        number = uuid4().hex[:20]
        everything: Json = {
            "amount": amount,
            "currency": "cny",
            "metadata": {"payment_id": f"P{number}", "order_id": f"O{number}"},
            **params,
        }
        return await self.stripe.v1.payment_intents.create_async(
            everything,  # type: ignore[arg-type] # parameters by name, as JSON has them
            {"idempotency_key": key or f"P{number}:create:1"},
        )

    async def paid(self, amount: int = 12_345) -> PaymentIntent:
        intent = await self.intent(amount)
        await self.post(f"/_sim/stripe/{payment_id(intent)}/pay")
        return await self.stripe.v1.payment_intents.retrieve_async(intent.id)


def payment_id(intent: PaymentIntent) -> str:
    return str(intent.metadata["payment_id"])


def order_id(intent: PaymentIntent) -> str:
    return str(intent.metadata["order_id"])


@asynccontextmanager
async def laboratory(state: Path | str = ":memory:", callback_url: str = "") -> AsyncIterator[Lab]:
    """A simulator with a receiver of its callbacks, or with `callback_url` instead of it."""
    receiver = Receiver()
    async with (
        serve(receiver.app()) as receiver_url,
        serve(create_app(simulator_config(callback_url or receiver_url, state))) as url,
        httpx.AsyncClient(base_url=url, timeout=5.0, trust_env=False) as http,
        stripe_client(url) as client,
    ):
        yield Lab(url, http, client, receiver)


@asynccontextmanager
async def stripe_client(
    url: str, api_key: str = ACCOUNTS["stripe_api_key"]
) -> AsyncIterator[StripeClient]:
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as http:
        yield StripeClient(
            api_key,
            base_addresses={"api": url, "files": url, "connect": url, "meter_events": url},
            http_client=_Transport(http),
            max_network_retries=0,
        )


class _Transport(HTTPClient):
    """The SDK over httpx; its own `HTTPXClient` calls httpx in a deprecated way."""

    name = "httpx"

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._client = client

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: str | bytes | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._client.request(method, url, headers=headers, content=post_data)
        except httpx.HTTPError as error:
            raise APIConnectionError(str(error), should_retry=True) from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers
