"""Databases by the dozen: each test gets a copy of one that was migrated and seeded once."""

from __future__ import annotations

import asyncio
import os
from itertools import count

import asyncpg

from db import migrate, seed


class Databases:
    """Copies of a template on one PostgreSQL server."""

    def __init__(self, dsn: str) -> None:
        self._server = dsn.rsplit("/", 1)[0]
        self._numbers = count(1)

    def url(self, name: str) -> str:
        """Where the database `name` is, as SQLAlchemy writes it."""
        return f"{self._server}/{name}"

    async def prepare(self) -> None:
        """Make the template: all migrations, then the seed catalogue."""
        await self.execute("CREATE DATABASE template_seeded")
        url = self.url("template_seeded")
        await asyncio.to_thread(migrate.upgrade, url)
        await seed.seed(url)

    async def copy(self) -> str:
        """A new database like the template; its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE template_seeded")
        return self.url(name)

    async def empty(self) -> str:
        """A new database without any table; its URL."""
        name = f"empty_{os.getpid()}_{next(self._numbers)}"
        await self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    async def execute(self, statement: str) -> None:
        """Run a statement outside any of the databases."""
        address = self._server.replace("+asyncpg", "")
        connection = await asyncpg.connect(f"{address}/postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
