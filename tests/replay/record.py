"""Records histories for the replay test: `python -m tests.replay.record`.

Run it only when a new path is worth keeping. Histories that are there already were made by older
code, and stay: replaying them is what proves that running orders survive an upgrade.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.environment import inherited_environment
from sandbox.ports import plan_ports
from sandbox.postgres import PostgresCluster
from sandbox.processes import Supervisor
from tests.databases import Databases
from tests.house import House, open_house
from tests.replay.paths import PATHS

HISTORIES = Path(__file__).parent / "histories"


async def main() -> None:
    """Record every path that has no history yet."""
    with tempfile.TemporaryDirectory(prefix="orderflow-record-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        cluster = PostgresCluster(
            directory / "postgres", plan_ports(0).postgres, inherited_environment(), durable=False
        )
        supervisor = Supervisor([await cluster.child()], directory, lambda _: None)
        await supervisor.start("postgres")
        try:
            await cluster.create_database()
            databases = Databases(cluster.dsn)
            await databases.prepare()
            async with open_house(await databases.copy(), directory) as house:
                for path in PATHS:
                    await _record(house, path)
        finally:
            await supervisor.stop()


async def _record(house: House, path: Callable[[House], Awaitable[str]]) -> None:
    file = HISTORIES / f"{path.__name__}.json"
    if file.exists():
        return
    handle = house.client.get_workflow_handle(await path(house))
    await handle.result()
    file.write_text((await handle.fetch_history()).to_json())
    print(f"recorded {file.name}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
