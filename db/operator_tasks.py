"""What people have to do: one row each, opened by a rule, closed by a person or by events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, Column, Index, UniqueConstraint, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.ids import derived_id

_TASK = "T"


class TaskState(StrEnum):
    """`obsolete` is a task that solved itself."""

    OPEN = "open"
    DONE = "done"
    OBSOLETE = "obsolete"


class OperatorTask(SQLModel, table=True):
    """One thing to do about one order, and perhaps one of its parcels or payments.

    `task` says in words what to do, `decision` what was decided, `note` why, `decided_by` who says
    so. `dedupe_key` makes a repeated step open it once.
    """

    __tablename__ = "operator_tasks"
    __table_args__ = (
        base.one_of("state", TaskState),
        UniqueConstraint("order_id", "dedupe_key"),
        Index("ix_operator_tasks_open", "opened_at", postgresql_where=text("state = 'open'")),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    kind: str = Field(sa_column=base.text())
    order_id: str = Field(sa_column=base.reference("orders.id"))
    shipment_id: str | None = Field(
        default=None, sa_column=base.reference("shipments.id", nullable=True)
    )
    tracking_number: str = Field(default="", sa_column=base.text(""))
    payment_id: str | None = Field(
        default=None, sa_column=base.reference("payments.id", nullable=True)
    )
    state: str = Field(default=TaskState.OPEN, sa_column=base.text(TaskState.OPEN))
    urgent: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    task: str = Field(sa_column=base.text())
    dedupe_key: str = Field(sa_column=base.text())
    decision: str = Field(default="", sa_column=base.text(""))
    note: str = Field(default="", sa_column=base.text(""))
    decided_by: str = Field(default="", sa_column=base.text(""))
    opened_at: datetime = Field(sa_column=base.instant(nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))


async def open_task(
    session: AsyncSession,
    *,
    kind: str,
    order_id: str,
    task: str,
    dedupe_key: str,
    at: datetime,
    shipment_id: str | None = None,
    tracking_number: str = "",
    payment_id: str | None = None,
    urgent: bool = False,
) -> None:
    """Give people something to do, once per order and `dedupe_key`."""
    await session.execute(
        insert(OperatorTask)
        .values(
            id=derived_id(_TASK, order_id, dedupe_key),
            kind=kind,
            order_id=order_id,
            shipment_id=shipment_id,
            tracking_number=tracking_number,
            payment_id=payment_id,
            urgent=urgent,
            task=task,
            dedupe_key=dedupe_key,
            opened_at=at,
        )
        .on_conflict_do_nothing(index_elements=["order_id", "dedupe_key"])
    )


async def close_tasks(
    session: AsyncSession,
    shipment_id: str,
    at: datetime,
    kinds: Collection[str],
) -> None:
    """These tasks about a parcel have solved themselves."""
    await session.execute(
        update(OperatorTask)
        .where(
            col(OperatorTask.shipment_id) == shipment_id,
            col(OperatorTask.state) == TaskState.OPEN,
            col(OperatorTask.kind).in_(kinds),
        )
        .values(state=TaskState.OBSOLETE, closed_at=at)
        .execution_options(synchronize_session=False)
    )


async def close_task(session: AsyncSession, order_id: str, dedupe_key: str, at: datetime) -> None:
    """This task has been done by other means; one that is closed, or was never opened, stays so."""
    await session.execute(
        update(OperatorTask)
        .where(
            col(OperatorTask.order_id) == order_id,
            col(OperatorTask.dedupe_key) == dedupe_key,
            col(OperatorTask.state) == TaskState.OPEN,
        )
        .values(state=TaskState.OBSOLETE, closed_at=at)
        .execution_options(synchronize_session=False)
    )


async def reopen_task(session: AsyncSession, order_id: str, dedupe_key: str) -> None:
    """What had solved itself is there again; what a person has closed stays closed."""
    await session.execute(
        update(OperatorTask)
        .where(
            col(OperatorTask.order_id) == order_id,
            col(OperatorTask.dedupe_key) == dedupe_key,
            col(OperatorTask.state) == TaskState.OBSOLETE,
        )
        .values(state=TaskState.OPEN, closed_at=None)
        .execution_options(synchronize_session=False)
    )


async def reword_task(session: AsyncSession, order_id: str, dedupe_key: str, task: str) -> None:
    """There is more to say about an open task."""
    await session.execute(
        update(OperatorTask)
        .where(
            col(OperatorTask.order_id) == order_id,
            col(OperatorTask.dedupe_key) == dedupe_key,
            col(OperatorTask.state) == TaskState.OPEN,
        )
        .values(task=task)
        .execution_options(synchronize_session=False)
    )


async def lock_task(session: AsyncSession, task_id: str) -> OperatorTask | None:
    """The task, locked, or nothing."""
    return await session.get(OperatorTask, task_id, with_for_update=True)


async def tasks_of(session: AsyncSession, order_id: str) -> Sequence[OperatorTask]:
    """All tasks of an order, oldest first."""
    statement = select(OperatorTask).where(col(OperatorTask.order_id) == order_id)
    rows = await session.scalars(
        statement.order_by(col(OperatorTask.opened_at), col(OperatorTask.id))
    )
    return rows.all()


async def find_tasks(
    session: AsyncSession, *, state: str = TaskState.OPEN, limit: int = 100
) -> Sequence[OperatorTask]:
    """Tasks in one state, the urgent ones first, then the oldest."""
    rows = await session.scalars(
        select(OperatorTask)
        .where(col(OperatorTask.state) == state)
        .order_by(col(OperatorTask.urgent).desc(), col(OperatorTask.opened_at))
        .limit(limit)
    )
    return rows.all()
