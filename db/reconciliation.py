"""What reconciliation found: where our books and a provider's view part, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import UniqueConstraint, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.payments import AttemptState, Payment
from db.refunds import Refund, RefundRowState
from domain.reconciliation import Finding


class FindingRow(SQLModel, table=True):
    """One difference that one run found; `repair` is empty if a person has to look at it."""

    __tablename__ = "reconciliation_findings"
    __table_args__ = (UniqueConstraint("run_id", "payment_id", "refund_id", "kind"),)

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    run_id: str = Field(sa_column=base.text())
    at: datetime = Field(sa_column=base.instant(nullable=False))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    payment_id: str = Field(sa_column=base.reference("payments.id"))
    refund_id: str = Field(default="", sa_column=base.text(""))
    kind: str = Field(sa_column=base.text())
    detail: str = Field(sa_column=base.text())
    repair: str = Field(default="", sa_column=base.text(""))


async def record_findings(
    session: AsyncSession, run_id: str, findings: Sequence[Finding], at: datetime
) -> None:
    """Store what a run found; the same finding of the same run is stored once."""
    if findings:
        rows = [
            finding.model_dump() | {"run_id": run_id, "at": at, "kind": str(finding.kind)}
            for finding in findings
        ]
        await session.execute(insert(FindingRow).on_conflict_do_nothing(), rows)


async def due_for_reconciliation(
    session: AsyncSession, *, since: datetime, before: datetime, after_id: str, limit: int
) -> list[Payment]:
    """Payments that changed between `since` and `before`, or are not at their end, by id.

    A payment whose refund is not at its end is looked at however old it is.
    """
    unsettled_refund = select(col(Refund.payment_id)).where(
        col(Refund.state).in_(
            (RefundRowState.INTENDED, RefundRowState.PENDING, RefundRowState.MANUAL)
        )
    )
    unsettled = col(Payment.state).in_(
        (AttemptState.INTENDED, AttemptState.PENDING, AttemptState.PROCESSING)
    )
    rows = await session.scalars(
        select(Payment)
        .where(
            col(Payment.id) > after_id,
            col(Payment.created_at) < before,
            or_(
                col(Payment.updated_at) >= since,
                unsettled,
                col(Payment.id).in_(unsettled_refund),
            ),
        )
        .order_by(col(Payment.id))
        .limit(limit)
    )
    return list(rows)


async def findings_of(session: AsyncSession, run_id: str) -> list[FindingRow]:
    """What a run found, in the order of its kinds."""
    rows = await session.scalars(
        select(FindingRow)
        .where(col(FindingRow.run_id) == run_id)
        .order_by(col(FindingRow.kind), col(FindingRow.payment_id))
    )
    return list(rows)
