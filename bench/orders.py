"""Drives Orderflow as its users do: orders come over HTTP, and the outside world calls back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from bench import goods
from bench.rounds import Round, run_round
from bench.stack import Bench
from domain.ids import order_workflow_id


class OrderDriver:
    """Places orders and sees them to their end."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._drafts: Iterator[dict[str, Any]] = goods.drafts()

    async def place_one_by_one(self, orders: int) -> list[float]:
        """Seconds from `POST /orders` to its answer with payment instructions, one at a time."""
        taken = []
        for _ in range(orders):
            began = time.perf_counter()
            order_id = await self._place()
            taken.append(time.perf_counter() - began)
            await self._end_of(order_id)
        return taken

    async def run(self, orders: int, in_flight: int) -> Round:
        """Whole lives of `orders` orders, `in_flight` of them at any time."""
        return await run_round("orders", self.lead, orders, in_flight)

    async def lead(self) -> str:
        """One order from checkout to its end; its workflow's id."""
        order_id = await self._place()
        await self._end_of(order_id)
        return order_workflow_id(order_id)

    async def _place(self) -> str:
        answer = await self._bench.http.post(
            f"{self._bench.at.api}/orders",
            json=next(self._drafts),
            headers={
                "Authorization": f"Bearer {self._bench.at.api_key}",
                "Idempotency-Key": uuid4().hex,
            },
        )
        answer.raise_for_status()
        placed: dict[str, Any] = answer.json()
        if answer.status_code != 201 or not placed.get("payment"):
            raise RuntimeError(f"the order cannot be paid: {answer.text}")
        return str(placed["orderId"])

    async def _end_of(self, order_id: str) -> None:
        outcome = await self._bench.client.get_workflow_handle(order_workflow_id(order_id)).result()
        if outcome["status"] != "completed":
            raise RuntimeError(f"order {order_id} ended as {outcome['status']}")
