"""Whatever happens to stock, in whatever order and at the same time: the laws hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.databases import Databases
from tests.db.stock_house import SKUS, WAREHOUSES, WISHES, Happening, StockHouse

T = TypeVar("T")

ORDERS = st.integers(0, len(WISHES) - 1)
FOR_AN_ORDER = st.builds(
    Happening,
    what=st.sampled_from(["reserve", "reserve", "reserve", "release", "expire", "pay", "pay"]),
    order=ORDERS,
)
SHELVES = {"warehouse": st.sampled_from(WAREHOUSES), "sku": st.sampled_from(SKUS)}
RECEIPTS = st.builds(Happening, what=st.just("receive"), units=st.integers(1, 4), **SHELVES)
COUNTS = st.builds(Happening, what=st.just("adjust"), units=st.integers(-2, 2), **SHELVES)


class StockMachine(RuleBasedStateMachine):
    """Each step is several things at once, on connections of their own."""

    databases: ClassVar[Databases]

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._house = self._wait_for(self._open())

    async def _open(self) -> StockHouse:
        return await StockHouse.open(await self.databases.copy())

    def _wait_for(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self._runner.run(wait())

    @rule(happenings=st.lists(RECEIPTS, min_size=1, max_size=4))
    def goods_arrive(self, happenings: Sequence[Happening]) -> None:
        self._wait_for(self._house.happen(happenings))

    @rule(happenings=st.lists(FOR_AN_ORDER | COUNTS | RECEIPTS, min_size=2, max_size=8))
    def much_happens_at_once(self, happenings: Sequence[Happening]) -> None:
        self._wait_for(self._house.happen(happenings))

    @rule(order=ORDERS, happenings=st.lists(FOR_AN_ORDER, min_size=2, max_size=6))
    def one_order_is_pulled_at(self, order: int, happenings: Sequence[Happening]) -> None:
        same = [Happening(each.what, order) for each in happenings]
        self._wait_for(self._house.happen(same))

    @invariant()
    def the_laws_hold(self) -> None:
        self._wait_for(self._house.check())

    def teardown(self) -> None:
        self._wait_for(self._house.close())
        self._runner.close()


@pytest.mark.timeout(180)
def test_the_laws_of_stock_hold_whatever_happens_at_once(databases: Databases) -> None:
    class Machine(StockMachine):
        pass

    Machine.databases = databases
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
