"""Real servers for the whole session: PostgreSQL, Temporal, and the house that runs on them."""

from __future__ import annotations

import atexit
import shutil
import time

# First of all: the Temporal SDK's threads may crash a shutting-down interpreter.
atexit.register(time.sleep, 0.2)

import tempfile  # noqa: E402
from collections.abc import AsyncIterator, Iterator  # noqa: E402
from contextlib import AsyncExitStack  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from sandbox.environment import inherited_environment  # noqa: E402
from sandbox.ports import plan_ports  # noqa: E402
from sandbox.postgres import PostgresCluster  # noqa: E402
from sandbox.processes import Supervisor  # noqa: E402
from tests.databases import Databases  # noqa: E402
from tests.house import House, open_house  # noqa: E402


@pytest.fixture(scope="session")
def session_directory() -> Iterator[Path]:
    """A folder that the database's own account can reach, too."""
    directory = Path(tempfile.mkdtemp(prefix="orderflow-tests-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
async def databases(session_directory: Path) -> AsyncIterator[Databases]:
    """A PostgreSQL server with a migrated, seeded template to copy databases from."""
    cluster = PostgresCluster(
        session_directory / "postgres",
        plan_ports(0).postgres,
        inherited_environment(),
        durable=False,
    )
    supervisor = Supervisor([await cluster.child()], session_directory, lambda _: None)
    try:
        await supervisor.start("postgres")
        await cluster.create_database()
        databases = Databases(cluster.dsn)
        await databases.prepare()
        yield databases
    finally:
        await supervisor.stop()


@pytest.fixture
async def database_url(databases: Databases) -> str:
    """A fresh database with the schema and the seed catalogue, for one test."""
    return await databases.copy()


@pytest.fixture(scope="session")
async def house(databases: Databases, session_directory: Path) -> AsyncIterator[House]:
    """Everything at once: API, worker, Temporal, PostgreSQL, SMTP, and the parties outside."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_house(await databases.copy(), session_directory))
