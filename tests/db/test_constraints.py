"""What PostgreSQL itself refuses, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.engine import Sessions, connect, session_factory
from tests.databases import Databases
from tests.db.healthy import Shop

# `{completed}`, `{completed_hold}` and so on are ids of healthy orders.
REFUSED = {
    "law 1: counters that do not add up": "UPDATE inventory SET total = total + 1",
    "law 1: stock below zero": (
        "UPDATE inventory SET available = -1, total = reserved - 1 WHERE sku = 'CHG-GN-65'"
    ),
    "law 1: a movement that is changed": "UPDATE stock_movements SET delta_available = 0",
    "law 1: a movement that is deleted": (
        "DELETE FROM stock_movements WHERE reference = '{completed_hold}'"
    ),
    "law 1: a ledger that is emptied": "TRUNCATE stock_movements CASCADE",
    "law 1: a movement of nothing known": "UPDATE inventory SET sku = 'NOT-A-SKU'",
    "law 1: units that no movement explains": (
        "UPDATE inventory SET available = available + 1, total = total + 1 WHERE sku = 'CHG-GN-65'"
    ),
    "law 1: promised units that no movement explains": (
        "UPDATE inventory SET available = available - 1, reserved = reserved + 1"
        " WHERE sku = 'CHG-GN-65' AND available > 0"
    ),
    "law 1: a movement that the counters do not follow": (
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT now(), warehouse_id, sku, 'received', 1, 0, 'GR-9'"
        " FROM inventory WHERE sku = 'CHG-GN-65'"
    ),
    "law 1: a receipt that promises something": (
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT now(), warehouse_id, sku, 'received', 1, 1, 'GR-9'"
        " FROM inventory WHERE sku = 'CHG-GN-65'"
    ),
    "law 1: a shelf that is full from the beginning": (
        "INSERT INTO inventory (warehouse_id, sku, total, available, reorder_point)"
        " SELECT 'WH-SH', sku, 5, 5, 0 FROM products WHERE sku NOT IN"
        " (SELECT sku FROM inventory WHERE warehouse_id = 'WH-SH') LIMIT 1"
    ),
    "law 2: a hold that moves without its goods": (
        "UPDATE holds SET state = 'released', moved_at = now() WHERE id = '{unpaid_hold}'"
    ),
    "law 2: a hold that promises nothing": (
        "INSERT INTO holds (id, order_id, expires_at, created_at)"
        " VALUES ('H2', '{expired}', now(), now())"
    ),
    "law 2: a promise of what was not reserved": (
        "INSERT INTO hold_lines (hold_id, warehouse_id, sku, quantity)"
        " SELECT '{unpaid_hold}', warehouse_id, sku, 1 FROM inventory WHERE sku = 'PEN-FT-F'"
    ),
    "law 2: a promise that changes": (
        "UPDATE hold_lines SET quantity = 2 WHERE hold_id = '{unpaid_hold}'"
    ),
    "law 2: goods that move though their hold does not": (
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT now(), warehouse_id, sku, 'released', quantity,"
        " -quantity, hold_id FROM hold_lines WHERE hold_id = '{unpaid_hold}'"
    ),
    "law 2: more goods that come back than had left": (
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT now(), warehouse_id, sku, 'restocked', quantity + 1,"
        " 0, hold_id FROM hold_lines WHERE hold_id = '{completed_hold}'"
    ),
    "law 2: a movement of a hold that does not exist": (
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT now(), warehouse_id, sku, 'reserved', -1, 1, 'H404'"
        " FROM inventory WHERE sku = 'CHG-GN-65'"
    ),
    "law 2: a committed hold that is released": (
        "UPDATE holds SET state = 'released' WHERE id = '{completed_hold}'"
    ),
    "law 2: an expired hold that is committed": (
        "UPDATE holds SET state = 'committed' WHERE id = '{expired_hold}'"
    ),
    "law 2: a hold that is taken up again": (
        "UPDATE holds SET state = 'held', moved_at = NULL WHERE id = '{expired_hold}'"
    ),
    "law 2: a hold in an unknown state": (
        "UPDATE holds SET state = 'eaten', moved_at = now() WHERE id = '{unpaid_hold}'"
    ),
    "law 2: a hold that moved at no time": (
        "UPDATE holds SET state = 'released' WHERE id = '{unpaid_hold}'"
    ),
    "law 2: two live holds of one order": (
        "INSERT INTO holds (id, order_id, expires_at, created_at)"
        " VALUES ('H2', '{unpaid}', now(), now())"
    ),
    "law 2: a hold on less than one": (
        "UPDATE hold_lines SET quantity = 0 WHERE hold_id = '{unpaid_hold}'"
    ),
    "law 2: the same movement twice": (
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference FROM stock_movements WHERE reference = '{completed_hold}'"
    ),
    "law 3: a capture of another amount": (
        "UPDATE payments SET captured_minor = 1, state = 'paid' WHERE id = '{unpaid_payment}'"
    ),
    "law 3: a capture that is taken back": (
        "UPDATE payments SET captured_minor = 0 WHERE id = '{completed_payment}'"
    ),
    "law 3: more given back than captured": (
        "UPDATE payments SET refunded_minor = captured_minor + 1, claimed_minor ="
        " captured_minor + 1 WHERE id = '{completed_payment}'"
    ),
    "law 3: more claimed than captured": (
        "UPDATE payments SET claimed_minor = captured_minor + 1 WHERE id = '{completed_payment}'"
    ),
    "law 3: more given back than claimed": (
        "UPDATE payments SET refunded_minor = 1 WHERE id = '{completed_payment}'"
    ),
    "law 3: a refund of nothing": (
        "UPDATE refunds SET amount_minor = 0 WHERE id = '{cancelled_refund}'"
    ),
    "law 3: negative money kept": "UPDATE orders SET kept_minor = -1 WHERE id = '{completed}'",
    "law 3: a total that does not add up": (
        "UPDATE orders SET total_minor = total_minor + 1 WHERE id = '{completed}'"
    ),
    "law 4: money kept by a cancelled order": (
        "UPDATE orders SET kept_minor = 1 WHERE id = '{cancelled}'"
    ),
    "law 5: one key for two payments": (
        "UPDATE payments SET idempotency_key = (SELECT idempotency_key FROM payments"
        " WHERE id = '{completed_payment}') WHERE id = '{unpaid_payment}'"
    ),
    "law 5: one payment of the provider for two": (
        "UPDATE payments SET provider_ref = (SELECT provider_ref FROM payments"
        " WHERE id = '{completed_payment}') WHERE id = '{unpaid_payment}'"
    ),
    "law 5: one key for two refunds": (
        "UPDATE refunds SET idempotency_key = (SELECT idempotency_key FROM refunds"
        " WHERE id = '{cancelled_refund}') WHERE id = '{refunded_refund}'"
    ),
    "law 5: two attempts with one number": (
        "INSERT INTO payments (id, order_id, attempt, gateway, amount_minor, currency,"
        " idempotency_key, created_at, updated_at, expires_at) VALUES ('P2', '{unpaid}', 1,"
        " 'stripe', 1, 'CNY', 'P2:create:1', now(), now(), now())"
    ),
    "law 6: a callback that is stored twice": (
        "INSERT INTO callback_inbox (source, event_id, kind, headers, content, body, received_at)"
        " SELECT source, event_id, kind, headers, content, body, received_at FROM callback_inbox"
    ),
    "law 9: one message twice": (
        "INSERT INTO notifications (id, order_id, kind, occasion, channel, created_at)"
        " SELECT 'N2', order_id, kind, occasion, channel, created_at FROM notifications LIMIT 1"
    ),
    "law 9: a message that was sent at no time": (
        "UPDATE notifications SET sent_at = NULL WHERE state = 'sent'"
    ),
    "two orders with one number": (
        "UPDATE orders SET order_number = '{completed_number}' WHERE id = '{unpaid}'"
    ),
    "an order in an unknown state": "UPDATE orders SET status = 'lost' WHERE id = '{unpaid}'",
    "two parcels with one number": (
        "UPDATE shipments SET tracking_number = (SELECT tracking_number FROM shipments"
        " WHERE order_id = '{completed}') WHERE order_id = '{refunded}'"
    ),
}
ALLOWED = {
    "the same move of a hold again": (
        "UPDATE holds SET state = 'committed' WHERE id = '{completed_hold}'"
    ),
    "a hold that is extended": (
        "UPDATE holds SET expires_at = now() + interval '1 hour' WHERE id = '{unpaid_hold}'"
    ),
    "the same capture again": (
        "UPDATE payments SET captured_minor = captured_minor WHERE id = '{completed_payment}'"
    ),
}


@pytest.fixture(scope="module")
async def sessions(databases: Databases) -> AsyncIterator[Sessions]:
    engine = connect(await databases.copy(), pool_size=2)
    yield session_factory(engine)
    await engine.dispose()


@pytest.fixture(scope="module")
async def ids(sessions: Sessions) -> dict[str, str]:
    shop = Shop(sessions)
    orders = {
        "unpaid": await shop.waiting_for_payment(),
        "completed": await shop.completed(),
        "refunded": await shop.refunded(),
        "cancelled": await shop.cancelled(),
        "expired": await shop.expired(),
    }
    found = {}
    for stage, names in orders.items():
        found[stage] = names.order
        for part in fields(names):
            found[f"{stage}_{part.name}"] = getattr(names, part.name)
    return found


async def change(sessions: Sessions, statement: str) -> None:
    """Make a change, and ask what a commit would ask."""
    async with sessions() as session:
        await session.execute(text(statement))
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.parametrize("broken", REFUSED)
async def test_the_database_refuses(sessions: Sessions, ids: dict[str, str], broken: str) -> None:
    with pytest.raises(IntegrityError):
        await change(sessions, REFUSED[broken].format(**ids))


@pytest.mark.parametrize("harmless", ALLOWED)
async def test_the_database_allows(sessions: Sessions, ids: dict[str, str], harmless: str) -> None:
    await change(sessions, ALLOWED[harmless].format(**ids))
