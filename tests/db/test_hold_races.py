"""A thousand orders for a hundred units, whoever asks, in whatever order, and whoever dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from activities.holding import HoldBatcher
from activities.inventory import ReleaseStock, Stock
from activities.reserving import StockReserved
from db.engine import Sessions, connect, session_factory
from tests.db.hold_workers import HoldWorker, hold_workers
from tests.db.reservations import now, reservation
from tests.db.shelf import (
    OTHER_SKU,
    SKU,
    assert_laws_hold,
    counters,
    insert_orders,
    put_on_the_shelf,
)
from tests.serving import eventually_async

ORDERS, UNITS, WORKERS = 1_000, 100, 4
THIRD_SKU = "RACE-3"

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
WAITS_FOR_A_ROW = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1
"""


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = connect(database_url, pool_size=16)
    yield session_factory(engine)
    await engine.dispose()


@pytest.fixture
async def rivals(sessions: Sessions) -> list[str]:
    """Orders that all want the same, one each."""
    await put_on_the_shelf(sessions, SKU, UNITS)
    return await insert_orders(sessions, [[SKU]] * ORDERS)


@pytest.fixture
async def twenty(sessions: Sessions) -> list[str]:
    """As many as ask in one moment; there is enough for all of them."""
    await put_on_the_shelf(sessions, SKU, UNITS)
    return await insert_orders(sessions, [[SKU]] * 20)


async def one(sessions: Sessions, statement: str) -> Any:
    async with sessions() as session:
        return await session.scalar(text(statement))


async def assert_exactly_so_many_won(sessions: Sessions, units: int, sku: str = SKU) -> None:
    assert await counters(sessions, sku) == (units, 0, units)
    assert await one(sessions, "SELECT count(*) FROM holds WHERE state = 'held'") == units
    reserved = "SELECT count(*) FROM stock_movements WHERE reason = 'reserved'"
    assert await one(sessions, reserved) == units
    assert await one(sessions, DEADLOCKS) == 0
    await assert_laws_hold(sessions)


async def test_the_first_hundred_of_a_thousand_get_the_hundred_units(
    sessions: Sessions, rivals: list[str]
) -> None:
    holds = HoldBatcher(sessions)

    outcomes = await asyncio.gather(*(holds.reserve(reservation(each)) for each in rivals))

    won = [isinstance(outcome, StockReserved) for outcome in outcomes]
    assert won == [True] * UNITS + [False] * (ORDERS - UNITS)
    await assert_exactly_so_many_won(sessions, UNITS)


async def test_four_workers_at_once_sell_the_hundred_units_once(
    sessions: Sessions, database_url: str, rivals: list[str]
) -> None:
    async with hold_workers(database_url, WORKERS) as workers:
        await asyncio.gather(*(share(workers, rivals)))
        await asyncio.gather(*(worker.hear() for worker in workers))

    told = Counter(answer for worker in workers for answer in worker.told.values())
    assert told == {"reserved": UNITS, "short": ORDERS - UNITS}
    await assert_exactly_so_many_won(sessions, UNITS)


@pytest.mark.parametrize("answers", [0, 70])
async def test_a_worker_that_is_killed_loses_no_order_and_no_unit(
    sessions: Sessions, database_url: str, rivals: list[str], answers: int
) -> None:
    async with hold_workers(database_url, WORKERS) as workers:
        await asyncio.gather(*share(workers, rivals))
        victim, others = workers[0], workers[1:]
        await victim.hear(answers)
        await victim.die()
        await asyncio.gather(*(worker.hear() for worker in workers))
    assert victim.process.returncode == -9
    assert len(victim.told) < ORDERS // WORKERS

    # As Temporal does: what was not answered is asked again, elsewhere.
    async with hold_workers(database_url, 1) as (heir,):
        await heir.ask_for(rivals[::WORKERS])
        await heir.hear()

    assert heir.told == heir.told | victim.told
    told = Counter(answer for worker in [heir, *others] for answer in worker.told.values())
    assert told == {"reserved": UNITS, "short": ORDERS - UNITS}
    await assert_exactly_so_many_won(sessions, UNITS)


async def test_four_workers_with_orders_for_the_same_goods_in_any_order_never_deadlock(
    sessions: Sessions, database_url: str
) -> None:
    skus = (SKU, OTHER_SKU, THIRD_SKU)
    for sku in skus:
        for warehouse in ("WH-HZ", "WH-SH"):
            await put_on_the_shelf(sessions, sku, 50, warehouse)
    order_ids = await insert_orders(sessions, [skus, skus[::-1], skus[1:], skus[1::-1]] * 50)

    async with hold_workers(database_url, WORKERS) as workers:
        await asyncio.gather(*share(workers, order_ids))
        hearing = asyncio.gather(*(worker.hear() for worker in workers))
        # Others give back meanwhile what they have got.
        stock = Stock(sessions)
        released = [
            await stock.release_stock(ReleaseStock(order_id=order_id, at=now()))
            for order_id in order_ids[::7]
        ]
        await hearing

    assert len(released) == 29
    assert sum(len(worker.told) for worker in workers) == len(order_ids)
    assert await one(sessions, DEADLOCKS) == 0
    await assert_laws_hold(sessions)


def share(workers: Sequence[HoldWorker], order_ids: Sequence[str]) -> list[Any]:
    """Deal the orders out."""
    return [
        worker.ask_for(order_ids[number :: len(workers)]) for number, worker in enumerate(workers)
    ]


async def test_a_batch_whose_connection_is_lost_holds_for_everybody_once(
    sessions: Sessions, twenty: list[str]
) -> None:
    async with sessions() as rival:
        await rival.execute(text("SELECT FROM inventory WHERE sku = 'RACE-1' FOR UPDATE"))
        asked = ask(HoldBatcher(sessions), twenty)
        blocked = await eventually_async(lambda: one(sessions, WAITS_FOR_A_ROW))
        await one(sessions, f"SELECT pg_terminate_backend({blocked})")
        await eventually_async(lambda: gone(sessions, blocked))
        await rival.rollback()

    assert all(isinstance(outcome, StockReserved) for outcome in await asyncio.gather(*asked))
    assert await counters(sessions) == (UNITS, UNITS - 20, 20)
    await assert_laws_hold(sessions)


async def gone(sessions: Sessions, pid: int) -> bool:
    async with sessions() as session:
        statement = text("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = :pid")
        return bool(await session.scalar(statement, {"pid": pid}))


def ask(holds: HoldBatcher, order_ids: Sequence[str]) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(holds.reserve(reservation(order_id))) for order_id in order_ids]


async def test_a_batch_that_is_chosen_to_end_a_deadlock_holds_for_everybody_once(
    sessions: Sessions, twenty: list[str]
) -> None:
    async with sessions() as rival:
        # PostgreSQL ends the deadlock at the cost of whoever looks first.
        await rival.execute(text("SET LOCAL deadlock_timeout = '1h'"))
        await rival.execute(text("SELECT FROM inventory WHERE sku = 'RACE-1' FOR UPDATE"))
        asked = ask(HoldBatcher(sessions), twenty)
        await eventually_async(lambda: one(sessions, WAITS_FOR_A_ROW))
        wrong_way_round = text("SELECT FROM orders WHERE id = :id FOR UPDATE")
        await rival.execute(wrong_way_round, {"id": twenty[7]})
        await rival.rollback()

    assert all(isinstance(outcome, StockReserved) for outcome in await asyncio.gather(*asked))
    assert await eventually_async(lambda: one(sessions, DEADLOCKS)) == 1
    assert await counters(sessions) == (UNITS, UNITS - 20, 20)
    await assert_laws_hold(sessions)


async def test_a_request_that_the_database_refuses_fails_alone(
    sessions: Sessions, twenty: list[str]
) -> None:
    holds = HoldBatcher(sessions)
    taken = reservation(twenty[0])
    await holds.reserve(taken)
    wishes = [reservation(order_id) for order_id in twenty[1:]]
    wishes[9] = reservation(twenty[10], taken.hold_id)

    outcomes = await asyncio.gather(*map(holds.reserve, wishes), return_exceptions=True)

    assert isinstance(outcomes.pop(9), Exception)
    assert all(isinstance(outcome, StockReserved) for outcome in outcomes)
    assert await counters(sessions) == (UNITS, UNITS - 19, 19)
    await assert_laws_hold(sessions)


async def test_an_order_that_somebody_keeps_locked_does_not_hold_up_its_neighbors(
    sessions: Sessions, twenty: list[str]
) -> None:
    async with sessions() as rival:
        await rival.execute(text("SELECT FROM orders WHERE id = :id FOR UPDATE"), {"id": twenty[7]})
        asked = ask(HoldBatcher(sessions), twenty)
        stuck = asked.pop(7)
        outcomes = await asyncio.gather(*asked)
        with pytest.raises(DBAPIError, match="lock timeout"):
            await stuck

    assert all(isinstance(outcome, StockReserved) for outcome in outcomes)
    assert await counters(sessions) == (UNITS, UNITS - 19, 19)
    await assert_laws_hold(sessions)


async def test_an_activity_that_is_cancelled_does_not_hurt_the_others(
    sessions: Sessions, twenty: list[str]
) -> None:
    async with sessions() as rival:
        await rival.execute(text("SELECT FROM inventory WHERE sku = 'RACE-1' FOR UPDATE"))
        asked = ask(HoldBatcher(sessions), twenty)
        await eventually_async(lambda: one(sessions, WAITS_FOR_A_ROW))
        asked[7].cancel()
        await rival.rollback()

    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(outcomes.pop(7), asyncio.CancelledError)
    assert all(isinstance(outcome, StockReserved) for outcome in outcomes)
    assert await counters(sessions) == (UNITS, UNITS - 20, 20)
    await assert_laws_hold(sessions)
