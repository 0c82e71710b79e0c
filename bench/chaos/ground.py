"""Where a chaos run takes place: our API, our books, Temporal and the simulator, from outside."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from db.engine import Sessions, single_statements
from domain.ids import ORDER, derived_id, order_workflow_id

Json = dict[str, Any]

_OUTAGE_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.3
_SKIP_PATIENCE_SECONDS = 20.0
_GATEWAY_DOWN = 502


class StoryFailed(Exception):
    """A story could not be told to its end; the message says where it got stuck."""


@dataclass(frozen=True)
class Ground:
    """A running Orderflow with the parties around it.

    `shaken` says that our own processes are killed meanwhile: whoever waits waits longer then.
    """

    api: str
    api_key: str
    simulator: str
    http: httpx.AsyncClient
    client: Client
    sessions: Sessions
    shaken: bool = False

    @property
    def patience(self) -> float:
        """Seconds in which anything should happen, clocks being moved forward."""
        return 240.0 if self.shaken else 150.0

    def order_id(self, key: str) -> str:
        """The id of the order that is placed with this idempotency key."""
        return derived_id(ORDER, hashlib.sha256(self.api_key.encode()).hexdigest(), key)

    async def ask(self, path: str, body: Json, key: str) -> httpx.Response:
        """Ask our API until it answers; the key makes a repetition harmless."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Idempotency-Key": key}
        deadline = time.monotonic() + _OUTAGE_PATIENCE_SECONDS
        while True:
            try:
                answer = await self.http.post(f"{self.api}{path}", json=body, headers=headers)
                if answer.status_code < _GATEWAY_DOWN:
                    return answer
                last = f"HTTP status {answer.status_code}"
            except httpx.TransportError as error:
                last = type(error).__name__
            if time.monotonic() > deadline:
                raise StoryFailed(f"{path} is not answered: {last}")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def play(self, path: str, **query: object) -> Json | None:
        """Have a party outside act; nothing if it cannot."""
        answer = await self.http.post(f"{self.simulator}/_sim/{path}", params=_as_text(query))
        if answer.status_code in {404, 409}:
            return None
        done: Json = _content(answer)
        return done

    async def order_misfortune(self, scenario: Json) -> None:
        """Have something go wrong at a party outside."""
        _content(await self.http.post(f"{self.simulator}/_sim/scenario", json=scenario))

    async def see(self, path: str, **query: object) -> Json:
        """Look at what the simulator holds."""
        answer = await self.http.get(f"{self.simulator}/_sim/{path}", params=_as_text(query))
        found: Json = _content(answer)
        return found

    async def call_off_misfortunes(self) -> None:
        """What has not gone wrong so far goes well."""
        (await self.http.delete(f"{self.simulator}/_sim/scenario")).raise_for_status()

    async def rows(self, statement: str, **values: object) -> list[Any]:
        """Look into our books; while the database is away, wait for it."""
        deadline = time.monotonic() + _OUTAGE_PATIENCE_SECONDS
        while True:
            try:
                async with single_statements(self.sessions) as session:
                    return list(await session.execute(text(statement), values))
            except (DBAPIError, OSError):
                if not self.shaken or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)

    def workflow(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """The workflow that owns an order."""
        return self.client.get_workflow_handle(order_workflow_id(order_id))

    async def pass_time(self, handle: WorkflowHandle[Any, Any], duration: timedelta) -> None:
        """Move a workflow's clock forward as far as it goes; one that has ended has none."""
        skipper = TimeSkipper(self.client, config=TimeSkippingConfig(enabled=False))
        try:
            async with asyncio.timeout(_SKIP_PATIENCE_SECONDS):
                await skipper.fast_forward(handle, duration)
        except TimeoutError:
            # Whatever runs at the moment keeps the clock; there is another time.
            return
        except RPCError as error:
            ended = {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}
            if error.status not in ended and not self.shaken:
                raise


def _as_text(query: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}


def _content(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON of any shape
    if not answer.is_success:
        raise StoryFailed(f"{answer.request.url.path}: {answer.status_code} {answer.text[:200]}")
    return answer.json()
