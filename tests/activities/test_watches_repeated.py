"""What runs by the clock may run twice: a second look finds the same, or nothing more to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.testing import ActivityEnvironment

import worker
from activities.handover import BeginAfterSales
from activities.inbox import RedeliverCallbacks
from activities.late_picking import FindLatePicking
from activities.leaks import CloseLost, FindLeaks
from activities.reconciliation import ReconcilePage
from db.engine import connect, session_factory
from tests.activities.test_repeated import AT, Desk
from tests.house import House
from tests.workflows.journey import mishap
from tests.workflows.returning import after_sales, delivered


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    """Orders here have no workflow: to whom asks Temporal, they are lost."""
    engine = connect(database_url, pool_size=4)
    made = Desk(house, session_factory(engine))
    for party in ("stripe", "warehouse", "aftership"):
        await mishap(house, party, "*", "drop_callbacks", times=99, orderId=made.order_id)
    yield made
    await engine.dispose()


async def test_a_late_list_is_found_once(desk: Desk) -> None:
    await desk.until_picked()
    look = FindLatePicking(at=datetime.now(UTC) + timedelta(days=30))
    watch = desk.does.late_picking

    (late,) = (await watch.find_late_picking(look)).lists
    books = await desk.books()
    (again,) = (await watch.find_late_picking(look)).lists

    assert late.new
    # Its customer has not been told yet, but the operators have.
    assert again == late.model_copy(update={"new": False})
    assert await desk.books() == books


async def test_a_lost_order_is_given_back_once(desk: Desk) -> None:
    await desk.until_payable()
    find = FindLeaks(at=datetime.now(UTC) + timedelta(hours=1))
    found = await desk.twice(desk.does.leaks.find_leaks, find)
    (lost,) = found.lost
    assert lost.order_id == desk.order_id

    close = CloseLost(order_id=lost.order_id, fate=lost.fate, reason="lost", at=AT)
    closed = await desk.twice(desk.does.leaks.close_lost, close)

    assert (closed.released, closed.cancelled) == (True, True)
    assert (await desk.twice(desk.does.leaks.find_leaks, find)).lost == ()


async def test_books_and_provider_are_compared_without_a_trace(desk: Desk) -> None:
    await desk.until_picked()
    now = datetime.now(UTC)
    page = ReconcilePage(
        run_id="R1",
        since=AT - timedelta(days=1),
        before=now + timedelta(days=1),
        at=now,
    )

    reconciled = await desk.twice(desk.does.reconciliation.reconcile_page, page)

    assert (reconciled.checked, reconciled.findings) == (1, ())


async def test_an_empty_inbox_stays_empty(desk: Desk) -> None:
    swept = await desk.twice(desk.does.inbox.redeliver_callbacks, RedeliverCallbacks())

    assert (swept.found, swept.unapplied) == (0, 0)


async def test_after_sales_begin_once(house: House) -> None:
    order = await delivered(house, await house.add_product(stock=1), quantity=1)
    begun = await after_sales(house, order).describe()
    does = worker.build_activities(
        house.settings, house.sessions, house.http, house.email, house.client
    )
    begin = BeginAfterSales(order_id=order["orderId"], order_number=order["orderNumber"])

    for _ in range(2):
        await ActivityEnvironment().run(does.handover.begin_after_sales, begin)

    assert (await after_sales(house, order).describe()).run_id == begun.run_id
