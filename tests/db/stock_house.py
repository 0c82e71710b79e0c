"""A few shelves and orders, two workers, and all that can happen to stock, many things at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Self, assert_never
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.inventory import AdjustStock, ReceiveStock, ReleaseStock, Stock, StockAdjusted
from activities.reserving import ReserveStock, StockReserved
from activities.settling import settle
from db.engine import connect, session_factory
from db.laws import stock
from domain.ids import HOLD, encode_id
from domain.payment import PaymentView
from domain.settlement import Settlement
from domain.statuses import IllegalTransition
from tests.db import shelf
from tests.db.reservations import now

SKUS = ("A", "B", "C")
WAREHOUSES = ("WH-HZ", "WH-SH")
# What the orders want, so many of each.
WISHES = (("A",), 1), (("A", "B"), 1), (("B", "A"), 2), (("A", "C"), 1), (("C", "B", "A"), 1)


@dataclass(frozen=True)
class Happening:
    """Something that a worker does: for an order, or else for a shelf and so many units."""

    what: Literal["reserve", "release", "expire", "pay", "receive", "adjust"]
    order: int = 0
    warehouse: str = ""
    sku: str = ""
    units: int = 0


@dataclass
class Customer:
    """An order, and what was said about it so far."""

    order_id: str
    wish: Counter[str]
    payment: PaymentView
    accepted: bool = False
    returned: bool = False
    # The holds that it was told of since stock was last taken away from it.
    holds: set[str] = field(default_factory=set)

    @property
    def gone(self) -> Counter[str]:
        """The goods that have left for it."""
        return self.wish if self.accepted and not self.returned else Counter()


@dataclass
class StockHouse:
    """What the books must say is known from the answers alone."""

    engines: Sequence[AsyncEngine]
    workers: Sequence[Stock]
    customers: list[Customer] = field(default_factory=list)
    came_in: Counter[str] = field(default_factory=Counter)

    @classmethod
    async def open(cls, database_url: str) -> Self:
        """Empty shelves, and an order for each of `WISHES`."""
        engines = [connect(database_url, pool_size=4) for _ in range(2)]
        house = cls(engines, [Stock(session_factory(engine)) for engine in engines])
        sessions = session_factory(engines[0])
        for sku in SKUS:
            for warehouse in WAREHOUSES:
                await shelf.put_on_the_shelf(sessions, sku, 0, warehouse)
        for skus, quantity in WISHES:
            order_id = await shelf.insert_order(sessions, *skus, quantity=quantity)
            amount = shelf.PRICE * quantity * len(skus)
            payment = await shelf.ask_for_payment(sessions, order_id, amount)
            wish = Counter(dict.fromkeys(skus, quantity))
            house.customers.append(Customer(order_id, wish, payment))
        return house

    async def close(self) -> None:
        for engine in self.engines:
            await engine.dispose()

    async def happen(self, happenings: Sequence[Happening]) -> None:
        """All at once, by turns at both workers."""
        undone = {each.order for each in happenings if each.what in {"release", "expire", "pay"}}
        for number in undone:
            self.customers[number].holds.clear()
        await asyncio.gather(
            *(
                self._happen(happening, number % len(self.workers))
                for number, happening in enumerate(happenings)
            )
        )
        for number in undone:
            self.customers[number].holds.clear()

    async def _happen(self, happening: Happening, worker: int) -> None:
        match happening.what:
            case "reserve":
                await self._reserve(self.customers[happening.order], worker)
            case "release" | "expire" as how:
                await self._release(self.customers[happening.order], worker, how)
            case "pay":
                await self._pay(self.customers[happening.order], worker)
            case "receive":
                await self._receive(happening, worker)
            case "adjust":
                await self._adjust(happening, worker)
            case other:
                assert_never(other)

    async def _reserve(self, customer: Customer, worker: int) -> None:
        wish = ReserveStock(
            order_id=customer.order_id,
            hold_id=encode_id(HOLD, uuid4()),
            at=now(),
            expires_at=now() + timedelta(minutes=15),
        )
        try:
            outcome = (await self.workers[worker].reserve_stock(wish)).result
        except IllegalTransition:
            # Paid for, perhaps at this moment.
            return
        if isinstance(outcome, StockReserved):
            customer.holds.add(outcome.hold_id)

    async def _release(
        self, customer: Customer, worker: int, how: Literal["release", "expire"]
    ) -> None:
        command = ReleaseStock(order_id=customer.order_id, expired=how == "expire", at=now())
        answer = await self.workers[worker].release_stock(command)
        customer.returned |= answer.released == "committed"

    async def _pay(self, customer: Customer, worker: int) -> None:
        async with session_factory(self.engines[worker]).begin() as session:
            until = now() + timedelta(minutes=15)
            settled = await settle(session, customer.payment, now(), until)
        customer.accepted |= settled.settlement is Settlement.ACCEPTED

    async def _receive(self, happening: Happening, worker: int) -> None:
        command = ReceiveStock(
            receipt_id=uuid4().hex,
            warehouse_id=happening.warehouse,
            sku=happening.sku,
            quantity=happening.units,
            at=now(),
        )
        # Twice, as an activity may.
        await self.workers[worker].receive_stock(command)
        await self.workers[worker].receive_stock(command)
        self.came_in[happening.sku] += happening.units

    async def _adjust(self, happening: Happening, worker: int) -> None:
        command = AdjustStock(
            adjustment_id=uuid4().hex,
            warehouse_id=happening.warehouse,
            sku=happening.sku,
            change=happening.units,
            at=now(),
        )
        answer = await self.workers[worker].adjust_stock(command)
        if isinstance(answer.result, StockAdjusted):
            await self.workers[worker].adjust_stock(command)
            self.came_in[happening.sku] += happening.units

    async def check(self) -> None:
        """The laws hold, and no unit has come from nowhere or gone to nobody."""
        sessions = session_factory(self.engines[0])
        assert await shelf.broken_laws(sessions, stock.CHECKS) == []
        gone = sum((customer.gone for customer in self.customers), Counter[str]())
        for sku in SKUS:
            total, _, _ = await shelf.counters(sessions, sku)
            assert total == self.came_in[sku] - gone[sku], sku
        for customer in self.customers:
            assert len(customer.holds) <= 1
