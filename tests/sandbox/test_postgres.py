from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from sandbox.child import spawn
from sandbox.environment import inherited_environment
from sandbox.ports import plan_ports
from sandbox.postgres import PostgresCluster
from sandbox.processes import Supervisor


@asynccontextmanager
async def running(
    directory: Path, *, durable: bool = False
) -> AsyncIterator[tuple[PostgresCluster, Supervisor]]:
    cluster = PostgresCluster(
        directory / "postgres", plan_ports(0).postgres, inherited_environment(), durable=durable
    )
    supervisor = Supervisor([await cluster.child()], directory, lambda _: None)
    try:
        await supervisor.start("postgres")
        await cluster.create_database()
        yield cluster, supervisor
    finally:
        await supervisor.stop()


async def ask(cluster: PostgresCluster, question: str) -> object:
    connection = await asyncpg.connect(cluster.dsn.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_what_was_committed_survives_a_stop_and_a_start(tmp_path: Path) -> None:
    async with running(tmp_path) as (cluster, _):
        await ask(cluster, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with running(tmp_path) as (cluster, _):
        assert await ask(cluster, "SELECT answer FROM kept") == 42


async def test_a_killed_server_comes_back_with_what_was_committed(tmp_path: Path) -> None:
    async with running(tmp_path, durable=True) as (cluster, supervisor):
        await ask(cluster, "CREATE TABLE kept AS SELECT 42 AS answer")
        before = supervisor.pid("postgres")
        supervisor.kill("postgres")
        await supervisor.wait_until_ready()
        assert supervisor.pid("postgres") != before
        assert await ask(cluster, "SELECT answer FROM kept") == 42


async def test_only_tests_may_trade_durability_for_speed(tmp_path: Path) -> None:
    for durable, expected in ((True, "on"), (False, "off")):
        directory = tmp_path / expected
        directory.mkdir()
        async with running(directory, durable=durable) as (cluster, _):
            assert await ask(cluster, "SHOW fsync") == expected
            assert await ask(cluster, "SHOW synchronous_commit") == expected


async def test_it_is_postgresql_18_in_utf8_on_utc_whatever_the_machine_speaks(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as (cluster, _):
        assert str(await ask(cluster, "SHOW server_version")).startswith("18")
        assert await ask(cluster, "SHOW server_encoding") == "UTF8"
        assert await ask(cluster, "SHOW timezone") == "UTC"
        assert await ask(cluster, "SELECT datlocprovider::text FROM pg_database LIMIT 1") == "b"


async def test_an_initialization_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    async with running(tmp_path) as (cluster, _):
        assert await ask(cluster, "SELECT 1") == 1


async def test_a_lock_file_that_names_another_living_process_is_no_obstacle(
    tmp_path: Path,
) -> None:
    async with running(tmp_path):
        pass
    # What a container finds that was killed and started again: the old id is someone else's.
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n/elsewhere\n")
    async with running(tmp_path) as (cluster, _):
        assert await ask(cluster, "SELECT 1") == 1
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_a_server_that_no_supervisor_knows_is_stopped_before_another_starts(
    tmp_path: Path,
) -> None:
    async with running(tmp_path):
        pass
    forgotten = PostgresCluster(tmp_path / "postgres", plan_ports(0).postgres, dict(os.environ))
    process = await spawn(await forgotten.child(), tmp_path / "forgotten.log")
    lock = tmp_path / "postgres" / "postmaster.pid"
    while not (lock.exists() and str(process.pid) in lock.read_text()):
        assert process.returncode is None
        await asyncio.sleep(0.01)
    async with running(tmp_path) as (cluster, _):
        assert await process.wait() == 0
        assert await ask(cluster, "SELECT 1") == 1
