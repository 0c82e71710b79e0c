"""What one order costs at PostgreSQL, counted by the server's own log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from bench.results import DatabaseCost
from bench.stack import Bench
from db.audit import audit
from db.engine import connect, session_factory

_STATEMENT = re.compile(
    r"^bench:orderflow LOG:  (?:statement|execute [^:]+):\s+(\w+)", re.MULTILINE
)


async def watch(bench: Bench, lead: Callable[[], Awaitable[object]], orders: int) -> DatabaseCost:
    """Lead `orders` orders while PostgreSQL writes every statement of Orderflow's down.

    An empty question (a ping) is not a statement to PostgreSQL.
    """
    log = bench.directory / "logs" / "postgres.log"
    connection = await asyncpg.connect(bench.at.database.replace("+asyncpg", ""))
    try:
        await _write_statements_down(connection, "all")
        begun_at = log.stat().st_size
        position = await connection.fetchval("SELECT pg_current_wal_lsn()")
        for _ in range(orders):
            await lead()
        written = await connection.fetchval("SELECT pg_current_wal_lsn() - $1::pg_lsn", position)
        await _write_statements_down(connection, "none")
    finally:
        await connection.close()
    verbs = _statements(log, begun_at)
    return DatabaseCost(
        statements=verbs.total() / orders,
        by_verb={verb: count / orders for verb, count in verbs.most_common()},
        wal_bytes=float(written) / orders,
    )


async def broken_laws(bench: Bench) -> tuple[str, ...]:
    """What the audit finds after all that."""
    engine = connect(bench.at.database, pool_size=1)
    try:
        async with session_factory(engine)() as session:
            report = await audit(session)
    finally:
        await engine.dispose()
    return tuple(violation for law in report.laws for violation in law.violations)


async def _write_statements_down(connection: asyncpg.Connection, which: str) -> None:
    for name, value in (
        ("log_line_prefix", "bench:%a "),
        ("log_parameter_max_length", "0"),
        ("log_statement", which),
    ):
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await connection.execute("SELECT pg_reload_conf()")
    shown = ""
    while shown != which:
        shown = await connection.fetchval("SHOW log_statement")


def _statements(log: Path, begun_at: int) -> Counter[str]:
    with log.open("rb") as file:
        file.seek(begun_at)
        text = file.read().decode(errors="replace")
    return Counter(verb.lower() for verb in _STATEMENT.findall(text))
