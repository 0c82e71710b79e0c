"""The schema is what the migrations make of nothing, and the tables' models agree with it."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command
from sqlalchemy import text

from db import migrate
from db.engine import connect
from tests.databases import Databases

_LEFT = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'S') AND relname <> 'alembic_version'
    UNION ALL
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


@pytest.fixture
async def empty(databases: Databases) -> str:
    return await databases.empty()


async def left(url: str) -> set[str]:
    """Tables, sequences and functions that are there."""
    engine = connect(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            return set(await connection.scalars(text(_LEFT)))
    finally:
        await engine.dispose()


async def test_migrating_twice_changes_nothing(empty: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty)
    first = await left(empty)
    await asyncio.to_thread(migrate.upgrade, empty)

    assert {"orders", "holds", "payments", "hold_moves_once", "order_number_serial"} <= first
    assert await left(empty) == first


async def test_the_models_and_the_migrations_agree(empty: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty)

    # Raises when a migration is missing.
    await asyncio.to_thread(command.check, migrate.config(empty))


async def test_going_down_leaves_nothing_and_going_up_again_works(empty: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty)
    whole = await left(empty)

    await asyncio.to_thread(command.downgrade, migrate.config(empty), "base")
    assert await left(empty) == set()

    await asyncio.to_thread(migrate.upgrade, empty)
    assert await left(empty) == whole
