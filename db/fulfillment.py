"""Picking lists, the parcels that come of them, and what carriers report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.catalog import Product
from db.holds import HoldLine
from db.inventory import Inventory
from domain.fulfillment import PickingLine
from domain.statuses import ShippingStatus
from domain.tracking import TrackingEvent, TrackingStatus


class PickingState(StrEnum):
    """A picking list: `intended` until the warehouse's answer is known."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"


# Lists whose parcel may still leave.
OPEN_LISTS = frozenset({PickingState.INTENDED, PickingState.ACCEPTED})


class PickingListRow(SQLModel, table=True):
    """One work order at one warehouse; `document` is what was sent."""

    __tablename__ = "picking_lists"
    __table_args__ = (
        base.one_of("state", PickingState),
        UniqueConstraint("order_id", "warehouse_id"),
        Index(
            "ix_picking_lists_open",
            "created_at",
            postgresql_where=text("state IN ('intended', 'accepted')"),
        ),
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
    """One parcel: what came of one picking list.

    `status` is the carrier's last word, `shipping_status` where that leaves the goods. Its tracking
    provider knows it since `watched_at`; one that was `given_up_at` does not reach anybody. What
    was in it was sent again as the order `resent_as`, and counts as delivered once that has been.
    """

    __tablename__ = "shipments"
    __table_args__ = (
        base.one_of("status", TrackingStatus),
        base.one_of("shipping_status", ShippingStatus),
        UniqueConstraint("carrier", "tracking_number"),
        UniqueConstraint("picking_list_id"),
        Index("ix_shipments_order_id", "order_id", "shipped_at"),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    picking_list_id: str | None = Field(
        default=None, sa_column=base.reference("picking_lists.id", nullable=True)
    )
    carrier: str = Field(sa_column=base.text())
    tracking_number: str = Field(sa_column=base.text())
    status: str = Field(sa_column=base.text(TrackingStatus.IN_TRANSIT))
    shipping_status: str = Field(
        default=ShippingStatus.IN_TRANSIT, sa_column=base.text(ShippingStatus.IN_TRANSIT)
    )
    shipped_at: datetime = Field(sa_column=base.instant(nullable=False))
    estimated_delivery: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    delivered_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    signed_by: str = Field(default="", sa_column=base.text(""))
    watched_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    given_up_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    resent_as: str | None = Field(
        default=None, sa_column=base.reference("orders.id", nullable=True, unique=True)
    )

    @property
    def settled(self) -> bool:
        """Whether nothing that a carrier says moves it: it was given up, or made good."""
        came_otherwise = self.shipping_status == ShippingStatus.DELIVERED
        made_good = came_otherwise and self.status != TrackingStatus.DELIVERED
        return self.given_up_at is not None or made_good


class TrackingEventRow(SQLModel, table=True):
    """One checkpoint of one parcel."""

    __tablename__ = "tracking_events"

    shipment_id: str = Field(sa_column=base.reference("shipments.id", primary_key=True))
    dedupe_key: str = Field(sa_column=base.text(primary_key=True))
    occurred_at: datetime = Field(sa_column=base.instant(nullable=False))
    status: str = Field(sa_column=base.text())
    description: str = Field(sa_column=base.text(""))
    location: str = Field(sa_column=base.text(""))
    raw_status: str = Field(default="", sa_column=base.text(""))


async def picking_lines(
    session: AsyncSession, lines: Sequence[HoldLine], *, chinese: bool
) -> tuple[PickingLine, ...]:
    """What to take from where, in the order of the bins."""
    by_sku = {line.sku: line for line in lines}
    rows = await session.execute(
        select(Product, col(Inventory.bin), col(Inventory.batch))
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
            batch=batch,
        )
        for product, bin_code, batch in rows
    )


async def insert_shipment(session: AsyncSession, shipment: Shipment) -> None:
    """Store a parcel; the same parcel again stays as it is."""
    await session.execute(
        insert(Shipment)
        .values(**shipment.model_dump(exclude_none=True))
        .on_conflict_do_nothing(index_elements=["id"])
    )


async def lock_shipment(
    session: AsyncSession, order_id: str, tracking_number: str
) -> Shipment | None:
    """The order's parcel with this number, locked; an order's only parcel whatever its number."""
    statement = (
        select(Shipment)
        .where(col(Shipment.order_id) == order_id)
        .order_by(col(Shipment.id))
        .with_for_update()
    )
    parcels = list(await session.scalars(statement))
    named = [parcel for parcel in parcels if parcel.tracking_number == tracking_number]
    return next(iter(named or parcels[: len(parcels) == 1]), None)


async def shipments_of(session: AsyncSession, order_id: str) -> list[Shipment]:
    """The order's parcels, the first to leave first."""
    rows = await session.scalars(
        select(Shipment)
        .where(col(Shipment.order_id) == order_id)
        .order_by(col(Shipment.shipped_at), col(Shipment.id))
    )
    return list(rows)


async def is_sent_again(session: AsyncSession, order_id: str) -> bool:
    """Whether goods of a lost parcel of this order are still to come in another one."""
    statement = select(col(Shipment.id)).where(
        col(Shipment.order_id) == order_id,
        col(Shipment.resent_as).is_not(None),
        col(Shipment.given_up_at).is_(None),
        col(Shipment.shipping_status) != ShippingStatus.DELIVERED,
    )
    return await session.scalar(statement.limit(1)) is not None


async def picking_lists_of(session: AsyncSession, order_id: str) -> list[PickingListRow]:
    """The order's picking lists, locked, oldest first."""
    rows = await session.scalars(
        select(PickingListRow)
        .where(col(PickingListRow.order_id) == order_id)
        .order_by(col(PickingListRow.created_at), col(PickingListRow.id))
        .with_for_update()
    )
    return list(rows)


async def find_picking_lists(session: AsyncSession, order_id: str) -> list[PickingListRow]:
    """The order's picking lists, oldest first, to be read only."""
    rows = await session.scalars(
        select(PickingListRow)
        .where(col(PickingListRow.order_id) == order_id)
        .order_by(col(PickingListRow.created_at), col(PickingListRow.id))
    )
    return list(rows)


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


async def latest_scan(session: AsyncSession, shipment_id: str) -> datetime | None:
    """When the parcel was scanned last, as far as we know."""
    return await session.scalar(
        select(func.max(col(TrackingEventRow.occurred_at))).where(
            col(TrackingEventRow.shipment_id) == shipment_id
        )
    )


async def note_watched(
    session: AsyncSession, order_id: str, tracking_number: str, at: datetime
) -> None:
    """The tracking provider knows the parcel; the first time counts."""
    await session.execute(
        update(Shipment)
        .where(
            col(Shipment.order_id) == order_id,
            col(Shipment.tracking_number) == tracking_number,
            col(Shipment.watched_at).is_(None),
        )
        .values(watched_at=at)
        .execution_options(synchronize_session=False)
    )


async def tracking_events(session: AsyncSession, shipment_id: str) -> list[TrackingEventRow]:
    """The parcel's checkpoints, oldest first."""
    rows = await session.scalars(
        select(TrackingEventRow)
        .where(col(TrackingEventRow.shipment_id) == shipment_id)
        .order_by(text("occurred_at"))
    )
    return list(rows)
