"""`audit` and `report` over books that are healthy, and books that are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from db.engine import Sessions, connect, session_factory
from tests.cli.terminal import Terminal
from tests.db.healthy import Shop


@pytest.fixture
def beside_books(database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database_url})


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = connect(database_url, pool_size=1)
    yield session_factory(engine)
    await engine.dispose()


async def test_healthy_books_pass_the_audit(beside_books: Terminal, sessions: Sessions) -> None:
    await Shop(sessions).completed()
    shown = await beside_books.run("audit")
    assert shown.code == 0, shown.err
    assert "Every law holds." in shown.out
    found = (await beside_books.run("audit", "--json")).json
    assert found["ok"] is True
    assert [law["number"] for law in found["laws"]] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]


async def test_a_broken_law_is_named_and_is_an_exit_code(
    beside_books: Terminal, sessions: Sessions
) -> None:
    names = await Shop(sessions).waiting_for_payment()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE holds SET expires_at = now() - interval '1 hour'"))
    shown = await beside_books.run("audit")
    assert shown.code == 1
    assert f"✗ law 8: hold {names.hold} of order {names.order} (pending)" in shown.out
    assert "1 violations" in shown.out
    broken = await beside_books.run("audit", "--json")
    assert broken.code == 1
    assert broken.json["ok"] is False


async def test_the_report_counts_orders_and_failures(
    beside_books: Terminal, sessions: Sessions
) -> None:
    shop = Shop(sessions)
    await shop.completed()
    await shop.confirmed()
    await shop.expired()
    await shop.waiting_for_goods()
    found = (await beside_books.run("report", "--json")).json
    assert found["by_status"] == {
        "completed": 1,
        "confirmed": 1,
        "cancelled": 1,
        "pending_restock": 1,
    }
    assert found["placed_to_confirmed"]["n"] == 2
    assert found["rates"]["orders cancelled"] == {"count": 1, "of": 4, "percent": 25.0}
    assert found["rates"]["orders short of stock"]["count"] == 1
    assert found["rates"]["holds expired"] == {
        "count": 1,
        "of": 3,
        "percent": pytest.approx(33.3, abs=0.1),
    }


async def test_a_percentile_needs_twenty_orders(beside_books: Terminal, sessions: Sessions) -> None:
    shop = Shop(sessions)
    for _ in range(19):
        await shop.confirmed()
    few = (await beside_books.run("report", "--json")).json
    assert few["placed_to_confirmed"]["n"] == 19
    assert few["placed_to_confirmed"]["p95"] is None
    assert "—" in (await beside_books.run("report")).out
    await shop.confirmed()
    enough = (await beside_books.run("report", "--json")).json
    assert enough["placed_to_confirmed"]["p95"] >= enough["placed_to_confirmed"]["average"]


async def test_an_order_that_waits_too_long_for_its_payment_is_listed(
    beside_books: Terminal, sessions: Sessions
) -> None:
    names = await Shop(sessions).waiting_for_payment()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE orders SET created_at = created_at - interval '40 s'"))
    shown = await beside_books.run("report")
    assert shown.code == 0
    assert "1 orders waited longer than 30 s for their payment" in shown.out
    assert names.number in shown.out
    assert "No order waited" in (await beside_books.run("report", "--slow-after", "60")).out


async def test_the_report_of_an_empty_shop_divides_by_nothing(beside_books: Terminal) -> None:
    shown = await beside_books.run("report")
    assert shown.code == 0
    assert (await beside_books.run("report", "--json")).json["orders"] == 0
