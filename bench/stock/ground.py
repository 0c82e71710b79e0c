"""A PostgreSQL of the stock benchmark's own: durable as in production, gone afterwards."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import text

from db import migrate
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from db.laws import stock
from sandbox.environment import inherited_environment
from sandbox.ports import plan_ports
from sandbox.postgres import PostgresCluster
from sandbox.processes import Supervisor

# As many as a worker has.
CONNECTIONS = 10
_UNITS = 10_000_000

_WAREHOUSE = """
    INSERT INTO warehouses (id, name, province, country) VALUES ('BENCH', '', '浙江省', 'CN')
"""

_PRODUCTS = """
    INSERT INTO products (id, sku, name_zh, name_en, price_minor, currency, active, max_per_order,
                          weight_g, length_mm, width_mm, height_mm, fragile)
    SELECT sku, sku, sku, sku, 100, 'CNY', true, 10, 1, 1, 1, 1, false
    FROM (SELECT format('%s-%s', CAST(:lot AS text), number) AS sku
          FROM generate_series(0, :skus - 1) AS number) AS named
"""

_SHELVES = """
    INSERT INTO inventory (warehouse_id, sku, total, available, reorder_point)
    SELECT 'BENCH', sku, :units, :units, 0 FROM products WHERE starts_with(sku, :lot || '-')
"""

_RECEIPTS = """
    INSERT INTO stock_movements
        (at, warehouse_id, sku, reason, delta_available, delta_reserved, reference)
    SELECT now(), warehouse_id, sku, 'received', total, 0, 'opening'
    FROM inventory WHERE starts_with(sku, :lot || '-')
"""

_ORDERS = """
    INSERT INTO orders (id, order_number, customer_id, customer, locale, gateway, currency,
                        subtotal_minor, shipping_minor, tax_minor, discount_minor, total_minor,
                        created_at, updated_at)
    SELECT id, id, 'B-1', '{"name": "李薇", "address": {"province": "浙江省"}}', 'zh-CN', 'stripe',
           'CNY', 100, 0, 0, 0, 100, now(), now()
    FROM (SELECT format('%s-%s', CAST(:lot AS text), number) AS id
          FROM generate_series(0, :orders - 1) AS number) AS numbered
"""

_ITEMS = """
    INSERT INTO order_items (order_id, line_no, product_id, sku, name, quantity, unit_price_minor,
                             total_minor)
    SELECT format('%s-%s', CAST(:lot AS text), number), 1, sku, sku, sku, 1, 100, 100
    FROM generate_series(0, :orders - 1) AS number,
         LATERAL (SELECT format('%s-%s', CAST(:lot AS text), number % :skus) AS sku) AS wanted
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL."""

    dsn: str
    pid: int


@dataclass(frozen=True, slots=True)
class StockGround:
    """Where orders and stock are, and which process serves them."""

    sessions: Sessions
    postgres: int
    _lots: Iterator[int]

    async def lay_out(self, skus: int, orders: int) -> list[str]:
        """Stock of so many new SKUs, and so many orders for them by turns; the orders' ids."""
        lot = f"L{next(self._lots)}"
        names = {"lot": lot, "skus": skus, "orders": orders, "units": _UNITS}
        async with self.sessions.begin() as session:
            for statement in (_PRODUCTS, _SHELVES, _RECEIPTS, _ORDERS, _ITEMS):
                clause = text(statement)
                wanted = clause.compile().params
                await session.execute(clause, {name: names[name] for name in wanted})
            await session.execute(text("ANALYZE"))
        return [f"{lot}-{number}" for number in range(orders)]

    async def broken_laws(self) -> list[str]:
        """What the audit finds about stock."""
        async with self.sessions() as session:
            report = await audit(session, stock.CHECKS)
        return [violation for law in report.laws for violation in law.violations]


@asynccontextmanager
async def open_server() -> AsyncIterator[Server]:
    """Start a server with an empty, migrated database, and stop it again."""
    directory = _new_directory()
    cluster = PostgresCluster(
        directory / "postgres", plan_ports(0).postgres, inherited_environment()
    )
    supervisor = Supervisor([await cluster.child()], directory, lambda _: None)
    try:
        await supervisor.start("postgres")
        await cluster.create_database()
        await asyncio.to_thread(migrate.upgrade, cluster.dsn)
        yield Server(cluster.dsn, supervisor.pid("postgres"))
    finally:
        await supervisor.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _new_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="orderflow-bench-"))
    # PostgreSQL may run under an account of its own.
    directory.chmod(0o755)
    return directory


@asynccontextmanager
async def open_ground(server: Server) -> AsyncIterator[StockGround]:
    """Connect to the server as a worker does."""
    engine = connect(server.dsn, CONNECTIONS)
    sessions = session_factory(engine)
    try:
        async with sessions.begin() as session:
            await session.execute(text(_WAREHOUSE))
        yield StockGround(sessions, server.pid, count(1))
    finally:
        await engine.dispose()
