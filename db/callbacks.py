"""The inbox: every verified callback is stored before it is acknowledged, and applied once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, UniqueConstraint, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base


class Callback(SQLModel, table=True):
    """One verified message from outside, as it came.

    `subject` is what it is about, for people; `content` is what our adapter read in it.
    """

    __tablename__ = "callback_inbox"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        Index(
            "ix_callback_inbox_unapplied",
            "received_at",
            postgresql_where=text("applied_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    source: str = Field(sa_column=base.text())
    event_id: str = Field(sa_column=base.text())
    kind: str = Field(sa_column=base.text())
    subject: str = Field(sa_column=base.text(""))
    order_id: str = Field(sa_column=base.text(""))
    headers: dict[str, Any] = Field(sa_column=base.document())
    content: dict[str, Any] = Field(sa_column=base.document())
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime = Field(sa_column=base.instant(nullable=False))
    deliveries: int = Field(
        default=1, sa_column=Column(Integer, nullable=False, server_default="1")
    )
    applied_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


async def store_callback(
    session: AsyncSession,
    *,
    source: str,
    event_id: str,
    kind: str,
    subject: str,
    order_id: str,
    headers: dict[str, str],
    content: dict[str, Any],
    body: bytes,
    at: datetime,
) -> Callback:
    """Store a callback; a repeated one is counted on the row that is already there."""
    statement = (
        insert(Callback)
        .values(
            source=source,
            event_id=event_id,
            kind=kind,
            subject=subject,
            order_id=order_id,
            headers=headers,
            content=content,
            body=body,
            received_at=at,
        )
        .on_conflict_do_update(
            index_elements=["source", "event_id"],
            set_={"deliveries": Callback.__table__.c.deliveries + 1},  # type: ignore[attr-defined]
        )
        .returning(Callback)
    )
    return (await session.scalars(statement)).one()


async def mark_applied(session: AsyncSession, callback_ids: Sequence[int], at: datetime) -> None:
    """The workflow has dealt with these; the first time counts."""
    known = [callback_id for callback_id in callback_ids if callback_id]
    if known:
        await session.execute(
            update(Callback)
            .where(col(Callback.id).in_(known), col(Callback.applied_at).is_(None))
            .values(applied_at=at)
            .execution_options(synchronize_session=False)
        )


async def unapplied(session: AsyncSession, before: datetime, limit: int = 200) -> list[Callback]:
    """Callbacks received before `before` that nobody has dealt with, oldest first.

    Those whose order is known come before those whose order is not.
    """
    rows = await session.scalars(
        select(Callback)
        .where(col(Callback.applied_at).is_(None), col(Callback.received_at) < before)
        # Those that nobody can take yet must not keep the others waiting.
        .order_by(col(Callback.order_id) == "", col(Callback.received_at))
        .limit(limit)
    )
    return list(rows)
