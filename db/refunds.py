"""Refunds: claimed on their payment before the call, settled by the provider's answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.payments import Payment, lock_payment
from domain.errors import PermanentError
from domain.money import Money
from domain.payment import RefundState, RefundView


class RefundRowState(StrEnum):
    """One refund: `intended` until the provider's first answer is known."""

    INTENDED = "intended"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MANUAL = "manual"


class Refund(SQLModel, table=True):
    """One refund of one payment; one `made_by` the provider was made in its dashboard.

    What was `made_by` a bank is a lost dispute: the provider need not count it as a refund.
    `lines` says which units it gives the money back for, as `{line number: quantity}`; `retry_of`
    is the failed refund that it stands for.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        base.one_of("state", RefundRowState),
        UniqueConstraint("idempotency_key"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("made_by IN ('shop', 'provider', 'bank')", name="made_by_one_of"),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    payment_id: str = Field(sa_column=base.reference("payments.id", index=True))
    order_id: str = Field(sa_column=base.reference("orders.id", index=True))
    state: str = Field(sa_column=base.text(RefundRowState.INTENDED))
    amount_minor: int = Field(sa_column=base.amount())
    currency: str = Field(sa_column=base.text())
    reason: str = Field(sa_column=base.text(""))
    provider_ref: str = Field(default="", sa_column=base.text(""))
    failure_code: str = Field(default="", sa_column=base.text(""))
    made_by: str = Field(default="shop", sa_column=base.text("shop"))
    lines: dict[str, int] = Field(
        default_factory=dict,
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    )
    retry_of: str = Field(default="", sa_column=base.text(""))
    idempotency_key: str = Field(sa_column=base.text())
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))

    @property
    def amount(self) -> Money:
        """How much is to go back."""
        return Money(minor=self.amount_minor, currency=self.currency)


_UNLISTED = "unlisted-"


def unlisted_ref(payment_id: str, refunded_minor: int) -> str:
    """What we call a refund of which a provider tells only that its payment's sum has grown."""
    return f"{_UNLISTED}{payment_id}-{refunded_minor}"


def is_taken(refund: Refund) -> bool:
    """Whether the customer's bank took this money, after a dispute."""
    return refund.made_by == "bank"


def is_unlisted(refund: Refund) -> bool:
    """Whether nobody can ask for this refund, because it has no name."""
    return refund.provider_ref.startswith(_UNLISTED)


class RefundExceedsCapture(PermanentError):
    """More would go back than was captured and not yet claimed by another refund."""


async def refunds_of(session: AsyncSession, order_id: str) -> list[Refund]:
    """All refunds of an order, first to last."""
    rows = await session.scalars(
        select(Refund)
        .where(col(Refund.order_id) == order_id)
        .order_by(col(Refund.created_at), col(Refund.id))
    )
    return list(rows)


async def refunds_of_payment(session: AsyncSession, payment_id: str) -> list[Refund]:
    """All refunds of one payment, first to last."""
    rows = await session.scalars(
        select(Refund)
        .where(col(Refund.payment_id) == payment_id)
        .order_by(col(Refund.created_at), col(Refund.id))
    )
    return list(rows)


async def find_refund(session: AsyncSession, payment_id: str, view: RefundView) -> Refund | None:
    """The row of a refund as its provider names it: our number of it, else the provider's."""
    if view.refund_id:
        row = await session.get(Refund, view.refund_id)
        if row is not None and row.payment_id == payment_id:
            return row
    statement = select(Refund).where(
        col(Refund.payment_id) == payment_id,
        col(Refund.provider_ref) == view.provider_ref,
        col(Refund.provider_ref) != "",
    )
    return (await session.scalars(statement.limit(1))).one_or_none()


def told_before(refund: Refund) -> RefundState | None:
    """What the provider said of it last, if it has said anything."""
    intended = refund.state == RefundRowState.INTENDED
    return None if intended else RefundState(refund.state)


async def intend_refund(session: AsyncSession, refund: Refund) -> Refund:
    """Claim the amount on its payment and store the intent; an existing refund stays as it is.

    Raises:
        RefundExceedsCapture: the payment has not that much left.
    """
    payment = await lock_payment(session, refund.payment_id)
    existing = await session.get(Refund, refund.id, with_for_update=True)
    if existing is not None:
        return existing
    if refund.currency != payment.currency or refund.amount_minor > payment.left.minor:
        raise RefundExceedsCapture(f"{refund.amount} asked back, {payment.left} left")
    payment.claimed_minor += refund.amount_minor
    session.add(refund)
    await session.flush()
    return refund


def settle_refund(payment: Payment, refund: Refund, state: RefundState, at: datetime) -> int:
    """Record a refund's state on locked rows; what it changes of the money kept, in minor units.

    A refund that failed gives its claim back, also when it had counted as succeeded before. The
    same state again changes nothing, not even when the payment was changed last.
    """
    if refund.state == state:
        return 0
    before = refund.amount_minor if refund.state == RefundRowState.SUCCEEDED else 0
    after = refund.amount_minor if state == RefundState.SUCCEEDED else 0
    was_dead = refund.state == RefundRowState.FAILED
    refund.state = state
    if state != RefundState.PENDING:
        refund.settled_at = at
    payment.updated_at = at
    if state == RefundState.FAILED and not was_dead:
        payment.claimed_minor -= refund.amount_minor
    elif was_dead and state != RefundState.FAILED:
        payment.claimed_minor += refund.amount_minor
    payment.refunded_minor += after - before
    return before - after
