"""The inbox: every verified callback is stored before it is acknowledged, and applied once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base


class Callback(SQLModel, table=True):
    """One verified message from outside, as it came.

    `subject` is what it is about, for people; `content` is what our adapter read in it.
    `deliveries` counts how often it came to us, `delivery_attempts` how often the sweep tried to
    take it to its workflow; it does not try again before `next_attempt_at`.
    """

    __tablename__ = "callback_inbox"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        Index(
            "ix_callback_inbox_unapplied",
            "received_at",
            postgresql_where=text("applied_at IS NULL"),
        ),
        Index("ix_callback_inbox_order_id", "order_id", postgresql_where=text("order_id <> ''")),
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
    delivery_attempts: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    next_attempt_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


@dataclass(frozen=True)
class Backlog:
    """Callbacks that nobody has dealt with: how many of each source, and when the oldest came."""

    by_source: Mapping[str, int]
    oldest: datetime | None

    @property
    def count(self) -> int:
        """How many wait."""
        return sum(self.by_source.values())


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


async def callbacks_by_id(session: AsyncSession, callback_ids: Sequence[int]) -> list[Callback]:
    """The callbacks with these ids; what is not there is left out."""
    known = [callback_id for callback_id in callback_ids if callback_id]
    if not known:
        return []
    return list(await session.scalars(select(Callback).where(col(Callback.id).in_(known))))


async def due(
    session: AsyncSession, now: datetime, *, received_before: datetime, limit: int = 200
) -> list[Callback]:
    """Callbacks that nobody has dealt with and whose turn has come.

    The least tried come first, the oldest of them before the others: one that is tried in vain
    again and again cannot keep another one waiting.
    """
    turn = col(Callback.next_attempt_at)
    rows = await session.scalars(
        select(Callback)
        .where(
            col(Callback.applied_at).is_(None),
            col(Callback.received_at) < received_before,
            or_(turn.is_(None), turn <= now),
        )
        .order_by(col(Callback.delivery_attempts), col(Callback.received_at))
        .limit(limit)
    )
    return list(rows)


async def note_attempt(session: AsyncSession, callback_id: int, next_at: datetime) -> None:
    """One more try to deliver it begins; the next one, if it takes one, is not before `next_at`."""
    await session.execute(
        update(Callback)
        .where(col(Callback.id) == callback_id)
        .values(delivery_attempts=col(Callback.delivery_attempts) + 1, next_attempt_at=next_at)
        .execution_options(synchronize_session=False)
    )


async def backlog(session: AsyncSession) -> Backlog:
    """What waits in the inbox."""
    rows = await session.execute(
        select(col(Callback.source), func.count(), func.min(col(Callback.received_at)))
        .where(col(Callback.applied_at).is_(None))
        .group_by(col(Callback.source))
    )
    waiting = [(source, count, oldest) for source, count, oldest in rows]
    return Backlog(
        by_source={source: count for source, count, _ in waiting},
        oldest=min((oldest for _, _, oldest in waiting), default=None),
    )


async def find_callbacks(
    session: AsyncSession,
    *,
    unapplied: bool = False,
    source: str = "",
    order_id: str = "",
    limit: int = 50,
) -> list[Callback]:
    """The newest callbacks; of those that nobody has dealt with, the oldest.

    `source` may leave out the family: `stripe` is `payment:stripe`, too.
    """
    statement = select(Callback).limit(limit)
    if source:
        family = col(Callback.source).endswith(f":{source}", autoescape=True)
        statement = statement.where(or_(col(Callback.source) == source, family))
    if order_id:
        statement = statement.where(col(Callback.order_id) == order_id)
    if unapplied:
        waiting = statement.where(col(Callback.applied_at).is_(None))
        return list(await session.scalars(waiting.order_by(col(Callback.received_at))))
    return list(await session.scalars(statement.order_by(col(Callback.id).desc())))


async def unapplied_ids(session: AsyncSession, order_id: str = "") -> list[int]:
    """The callbacks that nobody has dealt with, of one order or of all, oldest first."""
    statement = select(col(Callback.id)).where(col(Callback.applied_at).is_(None))
    if order_id:
        statement = statement.where(col(Callback.order_id) == order_id)
    found = await session.scalars(statement.order_by(col(Callback.received_at)))
    return [callback_id for callback_id in found if callback_id is not None]
