"""Returns and their lines, and what of an order has reached the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.returns import ReturnCase, ReturnKind, ReturnLine, ReturnState
from domain.statuses import ShippingStatus


class ReturnRow(SQLModel, table=True):
    """One return; see `domain.returns.ReturnCase`."""

    __tablename__ = "returns"
    __table_args__ = (
        base.one_of("kind", ReturnKind),
        base.one_of("state", ReturnState),
        CheckConstraint(
            "requested_by IN ('customer', 'operator', 'carrier')", name="requested_by_known"
        ),
        CheckConstraint(
            "decided_by IN ('', 'rule', 'operator', 'carrier')", name="decided_by_known"
        ),
        CheckConstraint(
            "(state IN ('received', 'refunded', 'exchanged')) = (received_at IS NOT NULL)",
            name="received_at_tells",
        ),
        CheckConstraint(
            "state <> 'exchanged' OR replacement_order_id IS NOT NULL", name="exchanged_for"
        ),
        Index("ix_returns_open", "requested_at", postgresql_where=text("settled_at IS NULL")),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id", index=True))
    kind: str = Field(sa_column=base.text())
    state: str = Field(sa_column=base.text(ReturnState.REQUESTED))
    reason: str = Field(sa_column=base.text(""))
    requested_by: str = Field(sa_column=base.text("customer"))
    decided_by: str = Field(default="", sa_column=base.text(""))
    decision: str = Field(default="", sa_column=base.text(""))
    expected_by: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    replacement_order_id: str | None = Field(
        default=None, sa_column=base.reference("orders.id", nullable=True, unique=True)
    )
    requested_at: datetime = Field(sa_column=base.instant(nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    received_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    settled_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


class ReturnLineRow(SQLModel, table=True):
    """Units of one line in a return; a trigger holds that no unit is in two of them."""

    __tablename__ = "return_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("least(resellable, damaged) >= 0", name="received_not_negative"),
        CheckConstraint("resellable + damaged <= quantity", name="received_was_announced"),
        ForeignKeyConstraint(
            ["order_id", "line_no"], ["order_items.order_id", "order_items.line_no"]
        ),
        Index("ix_return_lines_item", "order_id", "line_no"),
    )

    return_id: str = Field(sa_column=base.reference("returns.id", primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, primary_key=True))
    order_id: str = Field(sa_column=base.text())
    sku: str = Field(sa_column=base.text())
    quantity: int = Field(sa_column=Column(Integer, nullable=False))
    resellable: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    damaged: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))


# What each parcel really held: its part of the hold, less what the warehouse said it lacked. One
# that came back has not ended there as long as its goods may come in another one.
SENT_UNITS = """
    SELECT holds.order_id, item.line_no, line.sku, line.warehouse_id,
           CASE WHEN parcel.shipping_status = 'returned' AND again.status IS NOT NULL
                    AND again.status NOT IN ('cancelled', 'refunded') THEN 'exception'
                ELSE parcel.shipping_status END AS shipping_status,
           parcel.delivered_at, parcel.tracking_number, parcel.status AS tracking_status,
           line.quantity - coalesce(lacking.units, 0) AS units
    FROM holds
    JOIN hold_lines AS line ON line.hold_id = holds.id
    JOIN order_items AS item ON item.order_id = holds.order_id AND item.sku = line.sku
    JOIN picking_lists AS list
        ON list.order_id = holds.order_id AND list.warehouse_id = line.warehouse_id
    JOIN shipments AS parcel ON parcel.picking_list_id = list.id
    LEFT JOIN orders AS again ON again.id = parcel.resent_as
    LEFT JOIN LATERAL (
        SELECT sum(missing.value::int) AS units
        FROM order_events AS event, LATERAL (
            SELECT * FROM jsonb_each_text(event.detail -> 'written_off')
            UNION ALL SELECT * FROM jsonb_each_text(event.detail -> 'restocked')
        ) AS missing
        WHERE event.order_id = holds.order_id
            AND event.dedupe_key = 'lines_missing:' || list.id AND missing.key = line.sku
    ) AS lacking ON true
    WHERE holds.state = 'committed'
"""

_SENT_OF_ORDER = text(f"{SENT_UNITS} AND holds.order_id = :order_id ORDER BY 2, 4")


@dataclass(frozen=True, slots=True)
class SentUnits:
    """Units of one line that left one warehouse, and where their parcel is.

    What was sent again for a lost parcel counts as that one's.
    """

    line_no: int
    sku: str
    warehouse_id: str
    status: ShippingStatus
    delivered_at: datetime | None
    tracking_number: str
    units: int


async def sent_units(session: AsyncSession, order_id: str) -> list[SentUnits]:
    """What has left of an order, by line and warehouse."""
    rows = await session.execute(_SENT_OF_ORDER, {"order_id": order_id})
    return [
        SentUnits(
            line_no=row.line_no,
            sku=row.sku,
            warehouse_id=row.warehouse_id,
            status=ShippingStatus(row.shipping_status),
            delivered_at=row.delivered_at,
            tracking_number=row.tracking_number,
            units=row.units,
        )
        for row in rows
    ]


async def insert_return(session: AsyncSession, case: ReturnCase) -> None:
    """Store a new return with its lines."""
    await session.execute(
        insert(ReturnRow).values(
            id=case.return_id,
            order_id=case.order_id,
            kind=case.kind,
            state=case.state,
            reason=case.reason,
            requested_by=case.requested_by,
            decided_by=case.decided_by,
            decision=case.decision,
            expected_by=case.expected_by,
            requested_at=case.requested_at,
            decided_at=case.decided_at,
        )
    )
    await session.execute(
        insert(ReturnLineRow),
        [
            {
                "return_id": case.return_id,
                "line_no": line.line_no,
                "order_id": case.order_id,
                "sku": line.sku,
                "quantity": line.quantity,
            }
            for line in case.lines
        ],
    )


async def lock_return(session: AsyncSession, return_id: str) -> ReturnRow | None:
    """The return's row, locked until the transaction ends; lock its order before."""
    return await session.get(ReturnRow, return_id, with_for_update=True, populate_existing=True)


async def lines_of(session: AsyncSession, return_id: str) -> list[ReturnLineRow]:
    """A return's lines."""
    rows = await session.scalars(
        select(ReturnLineRow)
        .where(col(ReturnLineRow.return_id) == return_id)
        .order_by(col(ReturnLineRow.line_no))
    )
    return list(rows)


async def find_return(session: AsyncSession, return_id: str) -> ReturnCase | None:
    """One return, or nothing."""
    row = await session.get(ReturnRow, return_id)
    return None if row is None else (await _with_lines(session, [row]))[0]


async def returns_of(session: AsyncSession, order_id: str) -> list[ReturnCase]:
    """All returns of an order, first to last."""
    rows = await session.scalars(
        select(ReturnRow)
        .where(col(ReturnRow.order_id) == order_id)
        .order_by(col(ReturnRow.requested_at), col(ReturnRow.id))
    )
    return await _with_lines(session, list(rows))


async def list_returns(
    session: AsyncSession, states: Sequence[ReturnState], limit: int
) -> list[ReturnCase]:
    """The newest returns in these states, newest first."""
    rows = await session.scalars(
        select(ReturnRow)
        .where(col(ReturnRow.state).in_(states))
        .order_by(col(ReturnRow.requested_at).desc(), col(ReturnRow.id))
        .limit(limit)
    )
    return await _with_lines(session, list(rows))


async def to_case(session: AsyncSession, row: ReturnRow) -> ReturnCase:
    """The domain's view of a row."""
    return (await _with_lines(session, [row]))[0]


async def _with_lines(session: AsyncSession, rows: Sequence[ReturnRow]) -> list[ReturnCase]:
    found = await session.scalars(
        select(ReturnLineRow)
        .where(col(ReturnLineRow.return_id).in_([row.id for row in rows]))
        .order_by(col(ReturnLineRow.line_no))
    )
    lines: dict[str, list[ReturnLineRow]] = {row.id: [] for row in rows}
    for line in found:
        lines[line.return_id].append(line)
    return [_case(row, lines) for row in rows]


def _case(row: ReturnRow, lines: Mapping[str, Sequence[ReturnLineRow]]) -> ReturnCase:
    known = row.model_dump(exclude={"id", "replacement_order_id"})
    return ReturnCase.model_validate(
        {
            **known,
            "return_id": row.id,
            "replacement_order_id": row.replacement_order_id or "",
            "lines": [ReturnLine.model_validate(line.model_dump()) for line in lines[row.id]],
        }
    )
