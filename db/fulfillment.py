"""Picking lists, the parcels that come of them, and what carriers report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.catalog import Product
from db.inventory import HoldLine, Inventory
from domain.fulfillment import PickingLine
from domain.tracking import TrackingEvent, TrackingStatus


class PickingState(StrEnum):
    """A picking list: `intended` until the warehouse's answer is known."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"


class PickingListRow(SQLModel, table=True):
    """One work order at one warehouse; `document` is what was sent."""

    __tablename__ = "picking_lists"
    __table_args__ = (
        base.one_of("state", PickingState),
        UniqueConstraint("order_id", "warehouse_id"),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    warehouse_id: str = Field(sa_column=base.reference("warehouses.id"))
    state: str = Field(sa_column=base.text(PickingState.INTENDED))
    document: dict[str, Any] = Field(sa_column=base.document())
    reason: str = Field(default="", sa_column=base.text(""))
    estimated_ship_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    updated_at: datetime = Field(sa_column=base.instant(nullable=False))


class Shipment(SQLModel, table=True):
    """One parcel."""

    __tablename__ = "shipments"
    __table_args__ = (
        base.one_of("status", TrackingStatus),
        UniqueConstraint("carrier", "tracking_number"),
        Index("uq_shipments_order", "order_id", unique=True),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    carrier: str = Field(sa_column=base.text())
    tracking_number: str = Field(sa_column=base.text())
    status: str = Field(sa_column=base.text(TrackingStatus.IN_TRANSIT))
    shipped_at: datetime = Field(sa_column=base.instant(nullable=False))
    estimated_delivery: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    delivered_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    signed_by: str = Field(default="", sa_column=base.text(""))


class TrackingEventRow(SQLModel, table=True):
    """One checkpoint of one parcel."""

    __tablename__ = "tracking_events"

    shipment_id: str = Field(sa_column=base.reference("shipments.id", primary_key=True))
    dedupe_key: str = Field(sa_column=base.text(primary_key=True))
    occurred_at: datetime = Field(sa_column=base.instant(nullable=False))
    status: str = Field(sa_column=base.text())
    description: str = Field(sa_column=base.text(""))
    location: str = Field(sa_column=base.text(""))


async def picking_lines(
    session: AsyncSession, lines: Sequence[HoldLine], *, chinese: bool
) -> tuple[PickingLine, ...]:
    """What to take from where, in the order of the bins."""
    by_sku = {line.sku: line for line in lines}
    rows = await session.execute(
        select(Product, col(Inventory.bin))
        .join(Inventory, col(Inventory.sku) == col(Product.sku))
        .where(
            col(Product.sku).in_(by_sku),
            col(Inventory.warehouse_id) == lines[0].warehouse_id,
        )
        .order_by(col(Inventory.bin), col(Product.sku))
    )
    return tuple(
        PickingLine(
            sku=product.sku,
            product_id=product.id,
            name=product.name_zh if chinese else product.name_en,
            quantity=by_sku[product.sku].quantity,
            bin=bin_code,
            weight_g=product.weight_g,
            length_mm=product.length_mm,
            width_mm=product.width_mm,
            height_mm=product.height_mm,
            fragile=product.fragile,
        )
        for product, bin_code in rows
    )


async def insert_shipment(session: AsyncSession, shipment: Shipment) -> None:
    """Store a parcel; the same parcel again stays as it is."""
    await session.execute(
        insert(Shipment)
        .values(**shipment.model_dump(exclude_none=True))
        .on_conflict_do_nothing(index_elements=["id"])
    )


async def lock_shipment(session: AsyncSession, order_id: str) -> Shipment | None:
    """The order's parcel, locked until the transaction ends."""
    statement = select(Shipment).where(col(Shipment.order_id) == order_id).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def find_shipment(session: AsyncSession, order_id: str) -> Shipment | None:
    """The order's parcel."""
    statement = select(Shipment).where(col(Shipment.order_id) == order_id)
    return (await session.scalars(statement)).one_or_none()


async def find_shipment_by_number(session: AsyncSession, tracking_number: str) -> Shipment | None:
    """The parcel with this number."""
    statement = select(Shipment).where(col(Shipment.tracking_number) == tracking_number)
    return (await session.scalars(statement)).first()


async def add_tracking_events(
    session: AsyncSession, shipment_id: str, events: Sequence[TrackingEvent]
) -> None:
    """Store checkpoints; those that are known already stay as they are."""
    if events:
        await session.execute(
            insert(TrackingEventRow).on_conflict_do_nothing(),
            [{"shipment_id": shipment_id, **event.model_dump(mode="python")} for event in events],
        )


async def tracking_events(session: AsyncSession, shipment_id: str) -> list[TrackingEventRow]:
    """The parcel's checkpoints, oldest first."""
    rows = await session.scalars(
        select(TrackingEventRow)
        .where(col(TrackingEventRow.shipment_id) == shipment_id)
        .order_by(text("occurred_at"))
    )
    return list(rows)
