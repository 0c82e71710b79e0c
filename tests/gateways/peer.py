"""A party outside the house that says what a test tells it to, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), strict_parsing=bool(self.body))

    @property
    def json(self) -> dict[str, object]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


@dataclass
class Peer:
    """Answers each path with what was set for it, in order; the last answer repeats."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    _answers: dict[str, list[Response | None]] = field(default_factory=lambda: defaultdict(list))
    _arrivals: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def says(
        self,
        call: str,
        body: object = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer `call` ("POST /v1/refunds") with JSON, or with `body` as it is when bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        media_type = "text/html" if isinstance(body, bytes) else "application/json"
        answer = Response(content, status_code=status, headers=headers, media_type=media_type)
        self._answers[call].append(answer)

    def hangs(self, call: str) -> None:
        """Read the request `call`, and never answer it."""
        self._answers[call].append(None)

    def requests(self, call: str) -> list[Seen]:
        return [seen for seen in self.seen if f"{seen.method} {seen.path}" == call]

    def only(self, call: str) -> Seen:
        (request,) = self.requests(call)
        return request

    async def reached(self, call: str) -> None:
        """Wait until the request `call` has arrived."""
        await self._arrivals[call].wait()

    def release(self) -> None:
        self._over.set()

    async def answer(self, request: Request) -> Response:
        path = f"/{request.path_params['path']}"
        self.seen.append(
            Seen(
                request.method,
                path,
                parse_qs(request.url.query),
                request.headers,
                await request.body(),
            )
        )
        call = f"{request.method} {path}"
        self._arrivals[call].set()
        answers = self._answers[call]
        if not answers:
            return Response(b"the test set no answer", status_code=501)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            await self._over.wait()
            return Response(status_code=503)
        return answer


@dataclass
class PeerHost:
    """One server for the peers of all tests; each peer has a path of its own."""

    url: str = ""
    _peers: dict[str, Peer] = field(default_factory=dict)

    def app(self) -> Starlette:
        route = Route("/{peer}/{path:path}", self._answer, methods=["GET", "POST"])
        return Starlette(routes=[route])

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        name = uuid4().hex
        peer = self._peers[name] = Peer(f"{self.url}/{name}")
        yield peer
        peer.release()

    async def _answer(self, request: Request) -> Response:
        return await self._peers[request.path_params["peer"]].answer(request)
