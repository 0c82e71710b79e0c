"""Callbacks on their way: stored with what caused them, delivered until acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import httpx
from pydantic import BaseModel

from sandbox.simulator.journal import Entry, Journal
from sandbox.simulator.scenarios import Behavior, Scenario, Scenarios
from sandbox.simulator.store import Collection, Store

# httpcore scans its whole pool for each request: a small pool is the faster one.
_CONCURRENT_DELIVERIES = 8


class Sign(Protocol):
    """The headers of one delivery, made anew for each."""

    def __call__(self, raw: bytes, *, truly: bool) -> Mapping[str, str]:
        """Sign the raw body, with a wrong secret unless `truly`."""


class Acknowledged(Protocol):
    """What counts as taken; anything else is delivered again."""

    def __call__(self, status: int, body: bytes) -> bool:
        """Whether this answer stops the deliveries."""


def any_2xx(status: int, body: bytes) -> bool:  # noqa: ARG001 - most providers ignore the body
    """Most providers look at the status alone."""
    return 200 <= status < 300


@dataclass(frozen=True, slots=True)
class Route:
    """How one party calls back.

    `delays` are the seconds before the second, third, ... try; the last one repeats.
    An event's own `url` (the address that the merchant named in its request) wins over `path`.
    """

    party: str
    path: str
    sign: Sign
    delays: tuple[float, ...]
    tries: int
    media_type: str = "application/json; charset=utf-8"
    acknowledged: Acknowledged = any_2xx


class Event(BaseModel):
    """What a party wants to tell. `event_id` stays the same over all its deliveries.

    `body` is what is sent; where a signature is part of the body, `forged_body` is sent instead
    when the delivery is to be forged. `headers` are those that depend on the event's own address.
    """

    event_id: str
    type: str
    body: str
    forged_body: str = ""
    headers: dict[str, str] = {}
    forged_headers: dict[str, str] = {}
    url: str = ""
    order_id: str = ""
    payment_id: str = ""
    ref: str = ""


class Callback(BaseModel):
    """One copy of an event on its way."""

    id: str
    party: str
    event: Event
    due_at: float
    attempt: int = 0
    forged: int = 0
    state: Literal["pending", "delivered", "gave_up", "dropped"] = "pending"


class Delivered(NamedTuple):
    """How one delivery went; no `status` if there was no answer."""

    status: int | None
    taken: bool
    detail: str


class Outbox:
    """The undelivered callbacks; each has a task that delivers it, and they outlive a restart."""

    def __init__(self, store: Store, journal: Journal, scenarios: Scenarios, base_url: str) -> None:
        self._store = store
        self._journal = journal
        self._scenarios = scenarios
        self._base_url = base_url.rstrip("/")
        self._callbacks = Collection(store, "callback", Callback)
        self._routes: dict[str, Route] = {}
        self._slots = asyncio.Semaphore(_CONCURRENT_DELIVERIES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    def add_route(self, route: Route) -> None:
        """Make a party's way of calling back known."""
        self._routes[route.party] = route

    def start(self) -> None:
        """Go on with what an earlier run left undelivered."""
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(10.0, connect=3.0),
            limits=httpx.Limits(max_connections=_CONCURRENT_DELIVERIES),
            trust_env=False,
        )
        for callback in self._callbacks.owned("pending"):
            self._spawn(callback)

    async def stop(self) -> None:
        """Stop delivering; what is undelivered stays stored."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def send(self, party: str, event: Event) -> None:
        """Store the event for delivery, as part of the current transaction."""
        facts = {"orderId": event.order_id, "paymentId": event.payment_id, "ref": event.ref}
        fault = self._scenarios.take_for_callback(party, event.type, facts)
        if fault is not None and fault.behavior is Behavior.DROP_CALLBACKS:
            lost = Callback(
                id=f"{event.event_id}/0", party=party, event=event, due_at=0, state="dropped"
            )
            self._callbacks.put(lost.id, lost, owner=lost.state)
            self._journal.write(_entry(party, event, verdict="dropped", delivered=False))
            return
        for callback in _copies(party, event, fault):
            self._enqueue(callback)

    def redeliver(self, event_id: str) -> bool:
        """Deliver an event once more, however old; false if there is no such event."""
        original = self._callbacks.get(f"{event_id}/0")
        if original is None:
            return False
        copy = Callback(
            id=f"{event_id}/r{time.time_ns()}",
            party=original.party,
            event=original.event,
            due_at=time.time(),
        )
        self._enqueue(copy)
        return True

    def undelivered(self) -> list[Callback]:
        """What is still on its way."""
        return self._callbacks.owned("pending")

    def _enqueue(self, callback: Callback) -> None:
        self._callbacks.put(callback.id, callback, owner=callback.state)
        self._store.after_commit(lambda: self._spawn(callback))

    def _spawn(self, callback: Callback) -> None:
        task = asyncio.create_task(self._deliver(callback))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, callback: Callback) -> None:
        while callback.state == "pending":
            await asyncio.sleep(max(0.0, callback.due_at - time.time()))
            async with self._slots:
                answer = await self._post(callback)
            callback = self._record(callback, answer)

    async def _post(self, callback: Callback) -> Delivered:
        assert self._client is not None
        route = self._routes[callback.party]
        event, truly = callback.event, callback.attempt >= callback.forged
        raw = (event.body if truly else event.forged_body or event.body).encode()
        own = event.headers if truly else event.forged_headers
        headers = {**route.sign(raw, truly=truly), **own}
        try:
            answer = await self._client.post(
                event.url or self._base_url + route.path,
                content=raw,
                headers={"Content-Type": route.media_type, **headers},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivered(None, False, type(error).__name__)
        status = answer.status_code
        return Delivered(status, route.acknowledged(status, answer.content), "")

    def _record(self, callback: Callback, answer: Delivered) -> Callback:
        route = self._routes[callback.party]
        attempt = callback.attempt + 1
        status, delivered, detail = answer
        last = attempt >= route.tries
        delay = route.delays[min(attempt, len(route.delays)) - 1]
        updated = callback.model_copy(
            update={
                "attempt": attempt,
                "due_at": time.time() + delay,
                "state": "delivered" if delivered else "gave_up" if last else "pending",
            }
        )
        verdict = "retrying" if updated.state == "pending" else updated.state
        if callback.attempt < callback.forged:
            detail = "bad_signature"
        with self._store.transaction():
            self._callbacks.put(updated.id, updated, owner=updated.state)
            self._journal.write(
                _entry(
                    callback.party,
                    callback.event,
                    verdict=verdict,
                    delivered=delivered,
                    status=status,
                    attempt=attempt,
                    detail=detail,
                )
            )
        return updated


def _copies(party: str, event: Event, fault: Scenario | None) -> list[Callback]:
    now = time.time()
    copies, due_at, forged = 1, now, 0
    match fault.behavior if fault else None:
        case Behavior.DUPLICATE_CALLBACKS:
            assert fault is not None
            copies = fault.count or 2
        case Behavior.DELAY_CALLBACKS:
            assert fault is not None
            due_at = now + (5.0 if fault.seconds is None else fault.seconds)
        case Behavior.BAD_SIGNATURE:
            assert fault is not None
            forged = fault.count or 1
        case _:
            pass
    return [
        Callback(
            id=f"{event.event_id}/{number}", party=party, event=event, due_at=due_at, forged=forged
        )
        for number in range(copies)
    ]


def _entry(
    party: str,
    event: Event,
    *,
    verdict: str,
    delivered: bool,
    status: int | None = None,
    attempt: int | None = None,
    detail: str = "",
) -> Entry:
    return Entry(
        party=party,
        kind="callback",
        operation=event.type,
        order_id=event.order_id,
        payment_id=event.payment_id,
        ref=event.ref,
        event_id=event.event_id,
        status=status,
        verdict=verdict,
        delivered=delivered,
        attempt=attempt,
        detail=detail,
    )
