"""What the shop sells and to whom it does not: products, warehouses, coupons, the blacklist."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Integer, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.facts import ProductFact
from domain.money import Money
from domain.pricing import Coupon


class Product(SQLModel, table=True):
    """Something that can be ordered."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("max_per_order > 0", name="max_per_order_positive"),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    sku: str = Field(sa_column=base.text(unique=True))
    name_zh: str = Field(sa_column=base.text())
    name_en: str = Field(sa_column=base.text())
    price_minor: int = Field(sa_column=base.amount())
    currency: str = Field(sa_column=base.text())
    active: bool = True
    status: str = Field(sa_column=base.text("available"))
    max_per_order: int = Field(sa_column=Column(Integer, nullable=False))
    weight_g: int = Field(sa_column=Column(Integer, nullable=False))
    length_mm: int = Field(sa_column=Column(Integer, nullable=False))
    width_mm: int = Field(sa_column=Column(Integer, nullable=False))
    height_mm: int = Field(sa_column=Column(Integer, nullable=False))
    fragile: bool = False


class Warehouse(SQLModel, table=True):
    """A place that holds stock and ships parcels."""

    __tablename__ = "warehouses"

    id: str = Field(sa_column=base.text(primary_key=True))
    name: str = Field(sa_column=base.text())
    province: str = Field(sa_column=base.text())
    country: str = Field(sa_column=base.text())


class CouponRow(SQLModel, table=True):
    """A discount code: a percentage or an amount, never both."""

    __tablename__ = "coupons"
    __table_args__ = (
        CheckConstraint("num_nonnulls(percent, amount_minor) = 1", name="percent_or_amount"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_in_range"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    code: str = Field(sa_column=base.text(primary_key=True))
    percent: int | None = Field(default=None, sa_column=Column(Integer))
    amount_minor: int | None = Field(default=None, sa_column=base.amount(nullable=True))
    minimum_minor: int = Field(default=0, sa_column=base.amount("0"))
    currency: str = Field(sa_column=base.text())
    active: bool = True


class BlacklistEntry(SQLModel, table=True):
    """A customer whom the shop does not serve, by e-mail address in lower case."""

    __tablename__ = "blacklist"

    email: str = Field(sa_column=base.text(primary_key=True))
    reason: str = Field(sa_column=base.text())
    created_at: datetime = Field(sa_column=base.instant(nullable=False))


async def find_products(
    session: AsyncSession, product_ids: Collection[str], *, chinese: bool
) -> dict[str, ProductFact]:
    """The known ones of `product_ids`, named in the customer's language."""
    rows = await session.scalars(select(Product).where(col(Product.id).in_(product_ids)))
    return {
        row.id: ProductFact(
            product_id=row.id,
            sku=row.sku,
            name=row.name_zh if chinese else row.name_en,
            price=Money(minor=row.price_minor, currency=row.currency),
            active=row.active,
            status=row.status,
            max_per_order=row.max_per_order,
        )
        for row in rows
    }


async def warehouse_names(session: AsyncSession, warehouse_ids: Collection[str]) -> dict[str, str]:
    """What these warehouses are called, by id."""
    rows = await session.execute(
        select(col(Warehouse.id), col(Warehouse.name))
        .where(col(Warehouse.id).in_(warehouse_ids))
        .order_by(col(Warehouse.id))
    )
    return {row.id: row.name for row in rows}


async def find_coupon(session: AsyncSession, code: str) -> Coupon | None:
    """The coupon with exactly this code, active or not."""
    row = await session.get(CouponRow, code)
    if row is None:
        return None
    return Coupon(
        code=row.code,
        percent=row.percent,
        amount=None
        if row.amount_minor is None
        else Money(minor=row.amount_minor, currency=row.currency),
        minimum_subtotal=Money(minor=row.minimum_minor, currency=row.currency),
        active=row.active,
    )


async def is_blacklisted(session: AsyncSession, email: str) -> bool:
    """Whether the shop refuses to serve this address."""
    return await session.get(BlacklistEntry, email.lower()) is not None
