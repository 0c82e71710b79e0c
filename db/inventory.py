"""How much of each SKU every warehouse has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, Column, Integer, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.inventory import StockLevel
from domain.nearness import nearest_first


class Inventory(SQLModel, table=True):
    """The counters of one SKU in one warehouse.

    A trigger adds up the ledger in `ledger_available` and `ledger_reserved`; no transaction is
    committed that leaves the counters without a movement that explains them.
    """

    __tablename__ = "inventory"
    __table_args__ = (
        CheckConstraint("total = available + reserved", name="total_adds_up"),
        CheckConstraint("least(total, available, reserved) >= 0", name="not_negative"),
    )

    warehouse_id: str = Field(sa_column=base.reference("warehouses.id", primary_key=True))
    sku: str = Field(sa_column=base.reference("products.sku", primary_key=True))
    total: int = Field(sa_column=Column(Integer, nullable=False))
    available: int = Field(sa_column=Column(Integer, nullable=False))
    reserved: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    ledger_available: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    ledger_reserved: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    reorder_point: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    bin: str = Field(sa_column=base.text(""))
    batch: str = Field(default="", sa_column=base.text(""))


@dataclass(frozen=True, slots=True)
class Level:
    """The counters of one SKU in one warehouse."""

    total: int
    available: int
    reserved: int


async def lock_stock(session: AsyncSession, skus: Sequence[str]) -> list[StockLevel]:
    """What every warehouse has of `skus`, locked until the transaction ends."""
    rows = await session.scalars(
        select(Inventory)
        .where(col(Inventory.sku).in_(skus))
        .order_by(col(Inventory.sku), col(Inventory.warehouse_id))
        .with_for_update()
    )
    return [
        StockLevel(warehouse_id=row.warehouse_id, sku=row.sku, available=row.available)
        for row in rows
    ]


async def level_at(session: AsyncSession, warehouse_id: str, sku: str) -> Level:
    """The counters of one SKU in one warehouse that keeps it."""
    row = await session.get_one(Inventory, (warehouse_id, sku), populate_existing=True)
    return Level(total=row.total, available=row.available, reserved=row.reserved)


async def warehouse_preference(session: AsyncSession, province: str) -> list[str]:
    """All warehouses, those nearest to the customer's province first."""
    rows = await session.execute(text("SELECT id, province FROM warehouses"))
    return nearest_first(province, {row.id: row.province for row in rows})
