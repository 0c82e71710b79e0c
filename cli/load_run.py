"""One load run: each order is placed and then led to its end by the simulated outside parties."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from cli.failure import CommandFailed
from cli.load_plan import LoadPlan, drafts_of

_PATIENCE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.1
_NOT_YET = {404, 409}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes."""

    api: str
    api_key: str
    simulator: str


@dataclass(slots=True)
class LoadResult:
    """What came of a run: seconds by step, and why orders failed."""

    orders: int
    elapsed: float = 0.0
    finished: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Finished orders per second."""
        return self.finished / self.elapsed if self.elapsed else 0.0

    def percentile(self, step: str, percent: int) -> float | None:
        """The time within which `percent` percent of the orders made this step."""
        times = sorted(self.times.get(step, ()))
        return times[min(len(times) * percent // 100, len(times) - 1)] if times else None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "orders": self.orders,
            "finished": self.finished,
            "seconds": self.elapsed,
            "ordersPerSecond": self.rate,
            "steps": {
                step: {
                    "n": len(times),
                    "p50": self.percentile(step, 50),
                    "p95": self.percentile(step, 95),
                }
                for step, times in self.times.items()
            },
            "failures": dict(self.failures),
        }

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step that succeeds."""
        began = time.perf_counter()
        yield
        self.times.setdefault(step, []).append(time.perf_counter() - began)


class _OrderFailed(Exception):
    """One order did not get to its end; the message is counted."""


async def run_load(
    target: Target, plan: LoadPlan, concurrency: int, tick: Callable[[], None]
) -> LoadResult:
    """Place the orders, at most `concurrency` at the same time; `tick` follows each."""
    result = LoadResult(plan.orders)
    drafts = drafts_of(plan)
    limits = httpx.Limits(max_connections=concurrency * 2)
    async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, limits=limits, trust_env=False) as http:
        runner = _Runner(target, http, result, plan.to)
        began = time.perf_counter()

        async def work() -> None:
            for draft in drafts:
                await runner.lead(draft)
                tick()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, plan.orders)):
                    group.create_task(work())
        except* httpx.ConnectError as errors:
            raise CommandFailed(
                f"{target.api} or {target.simulator} does not answer. Is the stack running?"
                " `make up` starts it."
            ) from errors
        result.elapsed = time.perf_counter() - began
    return result


class _Runner:
    def __init__(
        self, target: Target, http: httpx.AsyncClient, result: LoadResult, to: str
    ) -> None:
        self._target = target
        self._http = http
        self._result = result
        self._to = to

    async def lead(self, draft: dict[str, Any]) -> None:
        """One order from checkout to where it is to go."""
        try:
            with self._result.timed("whole order"):
                await self._lead(draft)
            self._result.finished += 1
        except _OrderFailed as error:
            self._result.failures[str(error)] += 1
        except httpx.TimeoutException:
            self._result.failures["no answer in time"] += 1

    async def _lead(self, draft: dict[str, Any]) -> None:
        with self._result.timed("placed, payable"):
            placed = await self._place(draft)
        order_id, payment = placed["orderId"], placed["payment"]
        if self._to == "placed":
            return
        pay = f"/_sim/{payment['gateway']}/{payment['paymentId']}/pay"
        with self._result.timed("paid, at the warehouse"):
            await self._play(pay)
            if self._to == "paid":
                await self._until(order_id, "processing")
                return
            shipped = await self._play(f"/_sim/shipments/{order_id}/ship")
        with self._result.timed("shipped, delivered"):
            await self._until(order_id, "shipped")
            await self._play(f"/_sim/parcels/{shipped['trackingNumber']}/delivered")
            await self._until(order_id, "delivered")

    async def _place(self, draft: dict[str, Any]) -> dict[str, Any]:
        response = await self._http.post(
            f"{self._target.api}/orders",
            json=draft,
            headers={**self._key, "Idempotency-Key": str(uuid4())},
        )
        placed: dict[str, Any] = response.json()
        if response.status_code == 202:
            raise _OrderFailed("out of stock: see `stock list`")
        if response.status_code != 201:
            codes = {problem["code"] for problem in placed.get("errors", ())}
            raise _OrderFailed(f"refused with {response.status_code}: {', '.join(sorted(codes))}")
        if not placed.get("payment"):
            raise _OrderFailed("the provider did not answer in time")
        return placed

    async def _play(self, path: str) -> dict[str, Any]:
        """Have an outside party act, as soon as it can."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            response = await self._http.post(self._target.simulator + path)
            if response.is_success:
                done: dict[str, Any] = response.json()
                return done
            if response.status_code not in _NOT_YET or time.monotonic() > deadline:
                raise _OrderFailed(f"the simulator says {response.status_code} to {_kind(path)}")
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _until(self, order_id: str, status: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            response = await self._http.get(
                f"{self._target.api}/orders/{order_id}", headers=self._key
            )
            found = response.json().get("status", f"answered with {response.status_code}")
            if found == status:
                return
            if time.monotonic() > deadline or found in {"cancelled", "refunded"}:
                raise _OrderFailed(f"the order did not get to {status}: it is {found}")
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    @property
    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._target.api_key}"}


def _kind(path: str) -> str:
    return path.rsplit("/", 1)[-1]
