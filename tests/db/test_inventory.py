"""Races for stock: nothing is sold twice, nothing is lost, nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from activities.inventory import ReceiveStock, ReleaseStock, Stock
from activities.settling import settle
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from tests.db.reservations import now
from tests.db.shelf import (
    OTHER_SKU,
    SKU,
    ask_for_payment,
    assert_laws_hold,
    counters,
    insert_order,
    put_on_the_shelf,
    reserve,
)


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = connect(database_url, pool_size=16)
    yield session_factory(engine)
    await engine.dispose()


@pytest.fixture
def stock(sessions: Sessions) -> Stock:
    return Stock(sessions)


@pytest.mark.parametrize(("rivals", "units"), [(50, 1), (200, 20)])
async def test_the_last_units_are_sold_once(
    sessions: Sessions, stock: Stock, rivals: int, units: int
) -> None:
    await put_on_the_shelf(sessions, SKU, units)
    order_ids = [await insert_order(sessions, SKU) for _ in range(rivals)]

    won = await asyncio.gather(*(reserve(stock, order_id) for order_id in order_ids))

    assert Counter(won) == {True: units, False: rivals - units}
    assert await counters(sessions) == (units, 0, units)
    await assert_laws_hold(sessions)


async def test_one_order_that_reserves_many_times_holds_once(
    sessions: Sessions, stock: Stock
) -> None:
    await put_on_the_shelf(sessions, SKU, 5)
    order_id = await insert_order(sessions, SKU)

    assert all(await asyncio.gather(*(reserve(stock, order_id) for _ in range(20))))

    assert await counters(sessions) == (5, 4, 1)
    await assert_laws_hold(sessions)


async def test_orders_for_the_same_two_products_in_either_order_do_not_block_each_other(
    sessions: Sessions, stock: Stock
) -> None:
    await put_on_the_shelf(sessions, SKU, 30)
    await put_on_the_shelf(sessions, OTHER_SKU, 20)
    pairs = [(SKU, OTHER_SKU), (OTHER_SKU, SKU)] * 20
    order_ids = [await insert_order(sessions, *pair) for pair in pairs]

    won = await asyncio.gather(*(reserve(stock, order_id) for order_id in order_ids))
    released = [order_id for order_id, held in zip(order_ids, won, strict=True) if held]
    await asyncio.gather(
        *(stock.release_stock(ReleaseStock(order_id=each, at=now())) for each in released)
    )

    assert Counter(won) == {True: 20, False: 20}
    assert await counters(sessions) == (30, 30, 0)
    assert await counters(sessions, OTHER_SKU) == (20, 20, 0)
    await assert_laws_hold(sessions)


async def test_releasing_many_times_at_once_gives_back_once(
    sessions: Sessions, stock: Stock
) -> None:
    await put_on_the_shelf(sessions, SKU, 3)
    order_id = await insert_order(sessions, SKU)
    await reserve(stock, order_id)

    command = ReleaseStock(order_id=order_id, at=now())
    done = await asyncio.gather(*(stock.release_stock(command) for _ in range(20)))

    assert Counter(each.released for each in done) == {"hold": 1, "nothing": 19}
    assert await counters(sessions) == (3, 3, 0)
    await assert_laws_hold(sessions)


@pytest.mark.parametrize("round_", range(5))
async def test_a_hold_that_is_released_and_committed_at_once_moves_once(
    sessions: Sessions, stock: Stock, round_: int
) -> None:
    await put_on_the_shelf(sessions, SKU, 1)
    order_id = await insert_order(sessions, SKU)
    await reserve(stock, order_id)
    paid = await ask_for_payment(sessions, order_id)

    async def pay() -> str:
        async with sessions.begin() as session:
            return (await settle(session, paid, now(), now() + timedelta(minutes=15))).settlement

    settlements = await asyncio.gather(
        stock.release_stock(ReleaseStock(order_id=order_id, at=now())), pay(), pay(), pay()
    )

    # Released first: it is held again for the money. Committed first: the goods are put back.
    assert set(settlements[1:]) == {"accepted"}
    async with sessions() as session:
        rows = await session.execute(
            text("SELECT state FROM holds WHERE order_id = :id ORDER BY created_at"),
            {"id": order_id},
        )
        states = [row.state for row in rows]
    total, available, reserved = await counters(sessions)
    assert (states, total) in [(["released", "committed"], 0), (["committed"], 1)]
    assert (available, reserved) == (total, 0)
    async with sessions() as session:
        report = await audit(session)
    assert [v for law in report.laws if law.number in {1, 2} for v in law.violations] == []


async def test_goods_of_one_receipt_arrive_once_however_often_they_are_booked(
    sessions: Sessions, stock: Stock
) -> None:
    await put_on_the_shelf(sessions, SKU, 1)
    receipt = ReceiveStock(receipt_id="GR-1", warehouse_id="WH-HZ", sku=SKU, quantity=7, at=now())

    await asyncio.gather(*(stock.receive_stock(receipt) for _ in range(10)))

    assert await counters(sessions) == (8, 8, 0)
    await assert_laws_hold(sessions)
