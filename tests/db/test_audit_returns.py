"""The audit finds what is wrong with returns, and the database refuses a unit that comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from activities.after_sales import AfterSales
from activities.return_commands import ReceiveReturn, RequestReturn, SettleReturn
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from domain.ids import RETURN, encode_id
from domain.returns import ReceivedUnits, ReturnKind, ReturnRules, ReturnState
from tests.db.healthy import Shop

AT = datetime.now(UTC)
RETURN_ID = encode_id(RETURN, uuid4())


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    """A database with one order of which the only unit came back damaged, and was paid back."""
    engine = connect(database_url, pool_size=2)
    made = session_factory(engine)
    names = await Shop(made).completed()
    does = AfterSales(made, ReturnRules())
    asked = await does.request_return(
        RequestReturn(
            return_id=RETURN_ID, order_id=names.order, kind=ReturnKind.REFUND, lines={1: 1}, at=AT
        )
    )
    assert asked.result.outcome == "taken", asked
    await does.receive_return(
        ReceiveReturn(return_id=RETURN_ID, lines={1: ReceivedUnits(damaged=1)}, at=AT)
    )
    yield made
    await engine.dispose()


async def violations(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        report = await audit(session)
    return [line for law in report.laws for line in law.violations]


async def change(sessions: Sessions, *statements: str) -> None:
    async with sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_a_return_under_way_breaks_no_law(sessions: Sessions) -> None:
    assert await violations(sessions) == []


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (
            ["UPDATE shipments SET status = 'in_transit', shipping_status = 'in_transit'"],
            "1 units of line 1 are in returns, but 0 have reached the door",
        ),
        (
            ["UPDATE return_lines SET resellable = 1, damaged = 0"],
            "received and 0 damaged, the ledger 1 returned and 1 written off",
        ),
        (
            ["UPDATE return_lines SET resellable = 0, damaged = 0"],
            "has 0 ×",
        ),
        (
            [
                "ALTER TABLE stock_movements DISABLE TRIGGER USER",
                "UPDATE stock_movements SET reference = 'B404' WHERE reason = 'returned'",
            ],
            "came back by return 'B404', which does not exist",
        ),
    ],
)
async def test_the_audit_names(sessions: Sessions, statements: list[str], told: str) -> None:
    await change(sessions, *statements)
    found = await violations(sessions)
    assert any(told in line for line in found), found


async def test_a_refund_that_gave_nothing_back_is_named(sessions: Sessions) -> None:
    does = AfterSales(sessions, ReturnRules())
    await does.settle_return(SettleReturn(return_id=RETURN_ID, state=ReturnState.REFUNDED, at=AT))
    (found,) = await violations(sessions)
    assert "is refunded, but no money went back" in found


async def test_the_database_refuses_more_units_than_the_order_has(sessions: Sessions) -> None:
    with pytest.raises(IntegrityError, match="more units of line 1"):
        await change(
            sessions,
            "INSERT INTO returns (id, order_id, kind, state, reason, requested_at)"
            " SELECT 'B2', order_id, 'refund', 'requested', '', now() FROM returns",
            "INSERT INTO return_lines (return_id, line_no, order_id, sku, quantity)"
            " SELECT 'B2', line_no, order_id, sku, quantity FROM return_lines",
        )
