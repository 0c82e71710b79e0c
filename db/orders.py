"""Orders, their lines and the timeline of what happened to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Integer, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain import statuses
from domain.errors import PermanentError
from domain.money import Money
from domain.order import CustomerInfo, Order, OrderLine, Pricing
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus


class OrderRow(SQLModel, table=True):
    """One order; amounts in minor units of `currency`.

    `kept_minor` is what providers captured for it less what they gave back; `replacement_of` is the
    order whose goods this one exchanges.
    """

    __tablename__ = "orders"
    __table_args__ = (
        base.one_of("status", OrderStatus),
        base.one_of("payment_status", PaymentStatus),
        base.one_of("shipping_status", ShippingStatus),
        CheckConstraint("service_level IN ('standard', 'express')", name="service_level_known"),
        CheckConstraint(
            "total_minor = subtotal_minor + shipping_minor + tax_minor - discount_minor",
            name="total_adds_up",
        ),
        CheckConstraint(
            "least(subtotal_minor, shipping_minor, tax_minor, discount_minor, total_minor) >= 0",
            name="amounts_not_negative",
        ),
        CheckConstraint("kept_minor >= 0", name="kept_not_negative"),
        CheckConstraint(
            "replacement_of IS NULL OR total_minor = 0", name="replacement_costs_nothing"
        ),
        CheckConstraint(
            "status NOT IN ('cancelled', 'refunded') OR kept_minor = 0"
            " OR payment_status IN ('paid', 'partially_refunded', 'review')",
            name="money_of_a_closed_order_is_accounted_for",
        ),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_number: str = Field(sa_column=base.text(unique=True))
    fingerprint: str = Field(sa_column=base.text(""))
    customer_id: str = Field(sa_column=base.text(index=True))
    customer: dict[str, Any] = Field(sa_column=base.document())
    locale: str = Field(sa_column=base.text())
    service_level: str = Field(default="standard", sa_column=base.text("standard"))
    gateway: str = Field(sa_column=base.text())
    coupon_code: str = Field(sa_column=base.text(""))
    special_instructions: str = Field(sa_column=base.text(""))
    status: str = Field(sa_column=base.text(OrderStatus.PENDING, index=True))
    payment_status: str = Field(sa_column=base.text(PaymentStatus.PENDING))
    shipping_status: str = Field(sa_column=base.text(ShippingStatus.PENDING))
    currency: str = Field(sa_column=base.text())
    subtotal_minor: int = Field(sa_column=base.amount())
    shipping_minor: int = Field(sa_column=base.amount())
    tax_minor: int = Field(sa_column=base.amount())
    discount_minor: int = Field(sa_column=base.amount())
    total_minor: int = Field(sa_column=base.amount())
    kept_minor: int = Field(default=0, sa_column=base.amount("0"))
    replacement_of: str | None = Field(
        default=None, sa_column=base.reference("orders.id", nullable=True)
    )
    created_at: datetime = Field(sa_column=base.instant(nullable=False, index=True))
    updated_at: datetime = Field(sa_column=base.instant(nullable=False))


class OrderItem(SQLModel, table=True):
    """One line of an order, priced when it was placed."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("total_minor = unit_price_minor * quantity", name="total_adds_up"),
    )

    order_id: str = Field(sa_column=base.reference("orders.id", primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, primary_key=True))
    product_id: str = Field(sa_column=base.reference("products.id"))
    sku: str = Field(sa_column=base.text())
    name: str = Field(sa_column=base.text())
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    unit_price_minor: int = Field(sa_column=base.amount())
    total_minor: int = Field(sa_column=base.amount())


class OrderEvent(SQLModel, table=True):
    """One row of an order's timeline; `dedupe_key` makes a repeated step write it once."""

    __tablename__ = "order_events"
    __table_args__ = (UniqueConstraint("order_id", "dedupe_key"),)

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    at: datetime = Field(sa_column=base.instant(nullable=False))
    kind: str = Field(sa_column=base.text())
    dedupe_key: str = Field(sa_column=base.text())
    detail: dict[str, Any] = Field(sa_column=base.document())


# What was lost may be sent again, be lost again, and so on.
_BOUGHT_AS = text(
    """
    WITH RECURSIVE way (order_id, steps) AS (
        SELECT CAST(:order_id AS text), 0
        UNION ALL
        SELECT parcel.order_id, steps + 1
        FROM way JOIN shipments AS parcel ON parcel.resent_as = way.order_id
    )
    SELECT order_id FROM way ORDER BY steps DESC LIMIT 1
    """
)


class OrderUnknown(PermanentError):
    """There is no order with this id."""


async def next_order_number(session: AsyncSession, at: datetime) -> str:
    """A new order number, `ORD`, the date and seven digits that do not show how many we sell.

    Multiplying by a number coprime with ten million visits every suffix once before repeating.
    """
    serial = await session.scalar(text("SELECT nextval('order_number_serial')"))
    assert serial is not None
    return f"ORD{at:%y%m%d}{serial * 7_654_321 % 10_000_000:07d}"


async def insert_order(session: AsyncSession, order: Order, fingerprint: str) -> None:
    """Store an order with its lines; an order that is there already stays as it is."""
    pricing = order.pricing
    inserted = await session.scalar(
        insert(OrderRow)
        .values(
            id=order.order_id,
            order_number=order.order_number,
            fingerprint=fingerprint,
            customer_id=order.customer_id,
            customer=order.customer_info.model_dump(mode="json"),
            locale=order.locale,
            service_level=order.service_level,
            gateway=order.gateway,
            coupon_code=order.coupon_code,
            special_instructions=order.special_instructions,
            currency=pricing.total.currency,
            subtotal_minor=pricing.subtotal.minor,
            shipping_minor=pricing.shipping.minor,
            tax_minor=pricing.tax.minor,
            discount_minor=pricing.discount.minor,
            total_minor=pricing.total.minor,
            replacement_of=order.replacement_of or None,
            created_at=order.created_at,
            updated_at=order.created_at,
        )
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(col(OrderRow.id))
    )
    if inserted is None:
        return
    await session.execute(
        insert(OrderItem),
        [
            {
                "order_id": order.order_id,
                "line_no": line.line_no,
                "product_id": line.product_id,
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price.minor,
                "total_minor": line.total_price.minor,
            }
            for line in order.items
        ],
    )


async def add_event(
    session: AsyncSession,
    order_id: str,
    kind: str,
    at: datetime,
    *,
    dedupe_key: str = "",
    **detail: object,
) -> None:
    """Write a row of the timeline, once per `dedupe_key` (the kind itself if none is given)."""
    await session.execute(
        insert(OrderEvent)
        .values(order_id=order_id, at=at, kind=kind, dedupe_key=dedupe_key or kind, detail=detail)
        .on_conflict_do_nothing(index_elements=["order_id", "dedupe_key"])
    )


async def find_event(session: AsyncSession, order_id: str, kind: str) -> OrderEvent | None:
    """The row of the timeline that was written with this kind as its key, or nothing."""
    statement = select(OrderEvent).where(
        col(OrderEvent.order_id) == order_id, col(OrderEvent.dedupe_key) == kind
    )
    return (await session.scalars(statement)).one_or_none()


async def bought_as(session: AsyncSession, order_id: str) -> str:
    """The order that was placed for the goods, if this one sends them again; else itself."""
    return str(await session.scalar(_BOUGHT_AS, {"order_id": order_id}))


async def lock_order(session: AsyncSession, order_id: str) -> OrderRow:
    """The order's row, locked until the transaction ends.

    Raises:
        OrderUnknown: there is none.
    """
    statement = select(OrderRow).where(col(OrderRow.id) == order_id).with_for_update()
    row = (await session.scalars(statement)).one_or_none()
    if row is None:
        raise OrderUnknown(order_id)
    return row


def move(
    row: OrderRow,
    at: datetime,
    *,
    status: OrderStatus | None = None,
    payment: PaymentStatus | None = None,
    shipping: ShippingStatus | None = None,
) -> bool:
    """Move a locked order's statuses; true if any of them changed.

    Raises:
        IllegalTransition: a status cannot go that way.
    """
    before = (row.status, row.payment_status, row.shipping_status)
    if status is not None:
        statuses.check_order(OrderStatus(row.status), status)
        row.status = status
    if payment is not None:
        statuses.check_payment(PaymentStatus(row.payment_status), payment)
        row.payment_status = payment
    if shipping is not None:
        statuses.check_shipping(ShippingStatus(row.shipping_status), shipping)
        row.shipping_status = shipping
    changed = before != (row.status, row.payment_status, row.shipping_status)
    if changed:
        row.updated_at = at
    return changed


async def find_id_by_number(session: AsyncSession, order_number: str) -> str:
    """The id of the order with this number, or nothing."""
    statement = select(col(OrderRow.id)).where(col(OrderRow.order_number) == order_number)
    return await session.scalar(statement) or ""


async def order_numbers(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, str]:
    """The numbers of these orders, by id."""
    rows = await session.execute(
        select(col(OrderRow.id), col(OrderRow.order_number)).where(col(OrderRow.id).in_(order_ids))
    )
    return {row.id: row.order_number for row in rows}


async def find_order(session: AsyncSession, order_id: str) -> Order | None:
    """The order with its lines, or nothing."""
    row = await session.get(OrderRow, order_id)
    return None if row is None else await to_order(session, row)


async def to_order(session: AsyncSession, row: OrderRow) -> Order:
    """The domain's view of a row, with its lines."""
    lines = await session.scalars(
        select(OrderItem).where(col(OrderItem.order_id) == row.id).order_by(col(OrderItem.line_no))
    )

    def money(minor: int) -> Money:
        return Money(minor=minor, currency=row.currency)

    return Order(
        order_id=row.id,
        order_number=row.order_number,
        customer_id=row.customer_id,
        customer_info=CustomerInfo.model_validate(row.customer),
        items=tuple(
            OrderLine(
                line_no=line.line_no,
                product_id=line.product_id,
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=money(line.unit_price_minor),
                total_price=money(line.total_minor),
            )
            for line in lines
        ),
        pricing=Pricing(
            subtotal=money(row.subtotal_minor),
            shipping=money(row.shipping_minor),
            tax=money(row.tax_minor),
            discount=money(row.discount_minor),
            total=money(row.total_minor),
        ),
        gateway=row.gateway,
        locale=row.locale,
        service_level=row.service_level,
        coupon_code=row.coupon_code,
        special_instructions=row.special_instructions,
        replacement_of=row.replacement_of or "",
        status=OrderStatus(row.status),
        payment_status=PaymentStatus(row.payment_status),
        shipping_status=ShippingStatus(row.shipping_status),
        created_at=row.created_at,
    )
