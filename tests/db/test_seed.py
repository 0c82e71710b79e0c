"""The sample catalog goes in once, and its stock through the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.audit import audit
from db.engine import connect, session_factory
from db.migrate import upgrade
from db.seed import CATALOG, seed
from tests.databases import Databases


@pytest.fixture
async def empty_url(databases: Databases) -> str:
    url = await databases.empty()
    await asyncio.to_thread(upgrade, url)
    return url


@pytest.fixture
async def engine(empty_url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(empty_url, pool_size=1)
    yield engine
    await engine.dispose()


async def counts(engine: AsyncEngine) -> dict[str, int]:
    tables = ("products", "warehouses", "coupons", "blacklist", "inventory", "stock_movements")
    async with engine.connect() as connection:
        return {
            table: await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608
            for table in tables
        }


async def test_everything_in_the_catalog_is_there_afterwards(
    empty_url: str, engine: AsyncEngine
) -> None:
    catalog = json.loads(CATALOG.read_text())
    seeded = await seed(empty_url)
    found = await counts(engine)
    for table in ("products", "warehouses", "coupons", "blacklist"):
        assert found[table] == len(catalog[table])
    assert found["inventory"] == len(catalog["stock"])
    assert seeded.units == sum(shelf["total"] for shelf in catalog["stock"])


async def test_seeding_again_changes_nothing(empty_url: str, engine: AsyncEngine) -> None:
    await seed(empty_url)
    before = await counts(engine)
    again = await seed(empty_url)
    assert str(again) == "the catalog is there already: nothing to do"
    assert await counts(engine) == before


async def test_two_seedings_at_once_count_every_unit_once(
    empty_url: str, engine: AsyncEngine
) -> None:
    seeded = await asyncio.gather(seed(empty_url), seed(empty_url))
    async with engine.connect() as connection:
        total = await connection.scalar(text("SELECT sum(total) FROM inventory"))
    assert sum(one.units for one in seeded) == total


async def test_stock_that_moved_since_is_not_filled_up_again(
    empty_url: str, engine: AsyncEngine
) -> None:
    await seed(empty_url)
    async with engine.begin() as connection:
        # The database lets no counter in without the movement that explains it.
        await connection.execute(
            text(
                "WITH moved AS (INSERT INTO stock_movements (at, warehouse_id, sku, reason,"
                " delta_available, delta_reserved, reference)"
                " SELECT now(), warehouse_id, sku, 'adjusted', 3 - available, 0, 'count'"
                " FROM inventory WHERE sku = 'TEA-LJ-100' AND warehouse_id = 'WH-HZ')"
                " UPDATE inventory SET available = 3, total = 3"
                " WHERE sku = 'TEA-LJ-100' AND warehouse_id = 'WH-HZ'"
            )
        )
    await seed(empty_url)
    async with engine.connect() as connection:
        left = await connection.scalar(
            text(
                "SELECT available FROM inventory"
                " WHERE sku = 'TEA-LJ-100' AND warehouse_id = 'WH-HZ'"
            )
        )
    assert left == 3


async def test_ledger_and_counters_agree_from_the_first_unit_on(
    empty_url: str, engine: AsyncEngine
) -> None:
    await seed(empty_url)
    async with session_factory(engine)() as session:
        report = await audit(session)
    assert report.ok
    assert report.laws[0].checked > 0
