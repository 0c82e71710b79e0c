"""Fill an empty database with the sample catalog; what is there already stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from db.catalog import BlacklistEntry, CouponRow, Product, Warehouse
from db.engine import connect, session_factory
from db.inventory import Inventory, lock_stock
from db.ledger import StockMovement, move_stock
from domain.inventory import MovementReason, StockUnits
from domain.money import Money

CATALOG = Path(__file__).parent / "seed_catalog.json"
REFERENCE = "seed"

# A row as the catalog file has it: strings, numbers and booleans by name.
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows were added; nothing when the catalog was there already."""

    products: int
    warehouses: int
    coupons: int
    blacklist: int
    stock: int
    units: int

    def __str__(self) -> str:
        if not any((self.products, self.warehouses, self.coupons, self.blacklist, self.units)):
            return "the catalog is there already: nothing to do"
        return (
            f"added {self.products} products, {self.warehouses} warehouses, {self.units} units of"
            f" stock in {self.stock} places, {self.coupons} coupons and {self.blacklist}"
            " blacklisted addresses"
        )


async def seed(database_url: str, catalog: Path = CATALOG) -> Seeded:
    """Load `catalog` in one transaction; doing it again adds only what is missing."""
    content = _read(catalog)
    engine = connect(database_url, pool_size=1)
    try:
        async with session_factory(engine).begin() as session:
            return await _load(session, content, datetime.now(UTC))
    finally:
        await engine.dispose()


def _read(catalog: Path) -> dict[str, list[Entry]]:
    content: dict[str, list[Entry]] = json.loads(catalog.read_text(encoding="utf-8"))
    return content


async def _load(session: AsyncSession, content: Mapping[str, list[Entry]], at: datetime) -> Seeded:
    products = await _add(session, Product, content["products"], _product)
    warehouses = await _add(session, Warehouse, content["warehouses"], _warehouse)
    coupons = await _add(session, CouponRow, content["coupons"], _coupon)
    blacklist = await _add(
        session,
        BlacklistEntry,
        content["blacklist"],
        lambda entry: {**entry, "email": entry["email"].lower(), "created_at": at},
    )
    stock = await _add(session, Inventory, content["stock"], _empty_shelf)
    return Seeded(
        products=products,
        warehouses=warehouses,
        coupons=coupons,
        blacklist=blacklist,
        stock=stock,
        units=await _fill_shelves(session, content["stock"], at),
    )


async def _add(
    session: AsyncSession,
    table: type[SQLModel],
    entries: Sequence[Entry],
    to_row: Callable[[Entry], dict[str, Any]],
) -> int:
    if not entries:
        return 0
    primary_key = next(iter(table.__table__.primary_key))  # type: ignore[attr-defined]
    added = await session.scalars(
        insert(table)
        .values([to_row(entry) for entry in entries])
        .on_conflict_do_nothing()
        .returning(primary_key)
    )
    return len(added.all())


async def _fill_shelves(session: AsyncSession, entries: Sequence[Entry], at: datetime) -> int:
    """Stock enters through the ledger, so that ledger and counters agree from the first unit."""
    lines = [
        StockUnits(
            warehouse_id=entry["warehouse_id"],
            sku=entry["sku"],
            quantity=entry["total"],
        )
        for entry in entries
        if entry["total"] > 0
    ]
    await lock_stock(session, [line.sku for line in lines])
    before = await _units_seeded(session)
    await move_stock(session, MovementReason.RECEIVED, lines, REFERENCE, at)
    return await _units_seeded(session) - before


async def _units_seeded(session: AsyncSession) -> int:
    deltas = await session.scalars(
        select(col(StockMovement.delta_available)).where(
            col(StockMovement.reference) == REFERENCE,
            col(StockMovement.reason) == MovementReason.RECEIVED,
        )
    )
    return sum(deltas)


def _product(entry: Entry) -> dict[str, Any]:
    price = Money.of(entry["price"], entry["currency"])
    row = {name: value for name, value in entry.items() if name not in {"product_id", "price"}}
    return {**row, "id": entry["product_id"], "price_minor": price.minor}


def _warehouse(entry: Entry) -> dict[str, Any]:
    row = {name: value for name, value in entry.items() if name != "warehouse_id"}
    return {**row, "id": entry["warehouse_id"]}


def _coupon(entry: Entry) -> dict[str, Any]:
    currency = entry["currency"]
    return {
        "code": entry["code"],
        "percent": entry["percent"],
        "amount_minor": Money.of(entry["amount"], currency).minor if entry["amount"] else None,
        "minimum_minor": Money.of(entry["minimum_subtotal"], currency).minor,
        "currency": currency,
        "active": entry["active"],
    }


def _empty_shelf(entry: Entry) -> dict[str, Any]:
    counters = {"total": 0, "available": 0, "reserved": 0}
    place = {name: value for name, value in entry.items() if name != "total"}
    return {**place, **counters}
