"""The audit finds each way of breaking a law, and nothing in healthy books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from itertools import count

import pytest
from sqlalchemy import text

from db.audit import AuditReport, audit
from db.engine import Sessions, connect, session_factory
from tests.databases import Databases
from tests.db.healthy import Names, Shop
from tests.db.violations import VIOLATIONS, Violation

_numbers = count(1)

# A broken law can only be planted where the database does not hold it by itself.
_UNGUARD = """
    DO $$
    DECLARE guard record;
    BEGIN
        FOR guard IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
            WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', guard.place, guard.conname);
        END LOOP;
        FOR guard IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
            WHERE contype = 'u' AND connamespace = 'public'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', guard.place, guard.conname);
        END LOOP;
        FOR guard IN SELECT indexrelid::regclass AS place FROM pg_index
            JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace
        LOOP EXECUTE format('DROP INDEX %s', guard.place);
        END LOOP;
        FOR guard IN SELECT DISTINCT tgrelid::regclass AS place FROM pg_trigger
            WHERE NOT tgisinternal
        LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', guard.place);
        END LOOP;
    END $$
"""


@dataclass(frozen=True)
class OpenShop:
    """A database with one healthy order at each stage; their ids under `{stage}_{what}`."""

    database: str
    ids: dict[str, str]


@pytest.fixture(scope="session")
async def template(databases: Databases) -> OpenShop:
    """Made once; each test spoils a copy of its own."""
    url = await databases.copy()
    engine = connect(url, pool_size=1)
    try:
        ids = await open_shop(session_factory(engine))
    finally:
        await engine.dispose()
    return OpenShop(url.rsplit("/", 1)[1], ids)


@pytest.fixture
def ids(template: OpenShop) -> dict[str, str]:
    return template.ids


@pytest.fixture
async def sessions(databases: Databases, template: OpenShop) -> AsyncIterator[Sessions]:
    name = f"audit_{template.database}_{next(_numbers)}"
    await databases.execute(f"CREATE DATABASE {name} TEMPLATE {template.database}")
    engine = connect(databases.url(name), pool_size=2)
    yield session_factory(engine)
    await engine.dispose()


async def report_on(sessions: Sessions) -> AuditReport:
    async with sessions() as session:
        return await audit(session)


async def open_shop(sessions: Sessions) -> dict[str, str]:
    shop = Shop(sessions)
    stages: dict[str, Names] = {
        "unpaid": await shop.waiting_for_payment(),
        "waiting": await shop.waiting_for_goods(),
        "processing": await shop.processing(),
        "shipped": await shop.shipped(),
        "completed": await shop.completed(),
        "refunded": await shop.refunded(),
        "cancelled": await shop.cancelled(),
        "expired": await shop.expired(),
    }
    ids = {
        f"{stage}_{field.name}": getattr(names, field.name)
        for stage, names in stages.items()
        for field in fields(names)
    }
    return ids | {stage: names.order for stage, names in stages.items()}


async def spoil(sessions: Sessions, ids: dict[str, str], sql: str) -> None:
    async with sessions.begin() as session:
        await session.execute(text(_UNGUARD))
        for statement in sql.format(**ids).split(";"):
            await session.execute(text(statement.replace(":", "\\:")))


async def test_healthy_books_pass_at_every_stage(sessions: Sessions) -> None:
    report = await report_on(sessions)
    assert [law.violations for law in report.laws if law.violations] == []
    assert report.ok
    assert all(law.checked for law in report.laws)


async def test_an_empty_shop_passes(database_url: str) -> None:
    engine = connect(database_url, pool_size=1)
    assert (await report_on(session_factory(engine))).ok
    await engine.dispose()


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.name)
async def test_the_audit_names(
    sessions: Sessions, ids: dict[str, str], violation: Violation
) -> None:
    await spoil(sessions, ids, violation.sql)
    report = await report_on(sessions)
    assert not report.ok
    (law,) = [law for law in report.laws if law.number == violation.law]
    told = violation.told.format(**ids)
    assert any(told in line for line in law.violations), law.violations


async def test_an_unknown_outcome_is_a_warning_and_not_a_violation(
    sessions: Sessions, ids: dict[str, str]
) -> None:
    await spoil(
        sessions,
        ids,
        "UPDATE payments SET created_at = now() - interval '2 hours' WHERE id = '{unpaid_payment}'",
    )
    report = await report_on(sessions)
    assert report.ok
    (law,) = [law for law in report.laws if law.number == 5]
    assert len(law.warnings) == 1
    assert f"payment {ids['unpaid_payment']}" in law.warnings[0]
    assert "its outcome is unknown" in law.warnings[0]


async def test_money_that_came_late_has_a_moment_to_go_back(
    sessions: Sessions, ids: dict[str, str]
) -> None:
    late = """
        UPDATE payments SET state = 'paid', captured_minor = amount_minor, surplus = true,
            updated_at = now() - interval '%s' WHERE id = '{expired_payment}';
        UPDATE orders SET kept_minor = total_minor, payment_status = 'paid'
            WHERE id = '{expired}'
    """
    await spoil(sessions, ids, late % "1 second")
    assert (await report_on(sessions)).ok
    await spoil(sessions, ids, late % "11 minutes")
    assert not (await report_on(sessions)).ok


async def test_a_hold_whose_clock_was_put_forward_is_not_overdue(
    sessions: Sessions, ids: dict[str, str]
) -> None:
    await spoil(
        sessions,
        ids,
        "UPDATE holds SET created_at = created_at + interval '3 days',"
        " expires_at = expires_at + interval '3 days' WHERE id = '{unpaid_hold}'",
    )
    assert (await report_on(sessions)).ok


async def test_the_audit_reads_one_snapshot_and_writes_nothing(sessions: Sessions) -> None:
    async with sessions() as session:
        await audit(session)
        assert await session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        assert await session.scalar(text("SHOW transaction_read_only")) == "on"
