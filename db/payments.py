"""Payment attempts and refunds: the intent before the call, the provider's answer after it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.errors import PermanentError
from domain.money import Money
from domain.payment import RefundRequest, RefundState


class AttemptState(StrEnum):
    """One attempt: `intended` until the provider's first answer is known."""

    INTENDED = "intended"
    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"
    REJECTED = "rejected"


class RefundRowState(StrEnum):
    """One refund: `intended` until the provider's first answer is known."""

    INTENDED = "intended"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MANUAL = "manual"


class Payment(SQLModel, table=True):
    """One attempt to be paid. `claimed_minor` is what refunds that have not failed ask back.

    A capture of another amount or currency than asked is stored only under `mismatch`; one that
    pays for nothing (too late, or once too often) is `surplus` and goes back.
    """

    __tablename__ = "payments"
    __table_args__ = (
        base.one_of("state", AttemptState),
        UniqueConstraint("order_id", "attempt"),
        UniqueConstraint("idempotency_key"),
        Index(
            "uq_payments_provider_ref",
            "gateway",
            "provider_ref",
            unique=True,
            postgresql_where=text("provider_ref <> ''"),
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "mismatch <> '' OR captured_minor IN (0, amount_minor)", name="captured_as_asked"
        ),
        CheckConstraint(
            "refunded_minor BETWEEN 0 AND captured_minor", name="refunded_within_captured"
        ),
        CheckConstraint(
            "claimed_minor BETWEEN refunded_minor AND captured_minor",
            name="claimed_within_captured",
        ),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    attempt: int = Field(sa_column=Column(Integer, nullable=False))
    gateway: str = Field(sa_column=base.text())
    state: str = Field(sa_column=base.text(AttemptState.INTENDED))
    amount_minor: int = Field(sa_column=base.amount())
    currency: str = Field(sa_column=base.text())
    captured_minor: int = Field(default=0, sa_column=base.amount("0"))
    refunded_minor: int = Field(default=0, sa_column=base.amount("0"))
    claimed_minor: int = Field(default=0, sa_column=base.amount("0"))
    mismatch: str = Field(default="", sa_column=base.text(""))
    surplus: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default="false")
    )
    provider_ref: str = Field(default="", sa_column=base.text(""))
    action_type: str = Field(default="", sa_column=base.text(""))
    action_value: str = Field(default="", sa_column=base.text(""))
    failure_code: str = Field(default="", sa_column=base.text(""))
    failure_message: str = Field(default="", sa_column=base.text(""))
    idempotency_key: str = Field(sa_column=base.text())
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    updated_at: datetime = Field(sa_column=base.instant(nullable=False))
    expires_at: datetime = Field(sa_column=base.instant(nullable=False))

    @property
    def asked(self) -> Money:
        """What the customer was asked to pay."""
        return Money(minor=self.amount_minor, currency=self.currency)


class Refund(SQLModel, table=True):
    """One refund of one payment."""

    __tablename__ = "refunds"
    __table_args__ = (
        base.one_of("state", RefundRowState),
        UniqueConstraint("idempotency_key"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
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
    idempotency_key: str = Field(sa_column=base.text())
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))

    @property
    def amount(self) -> Money:
        """How much is to go back."""
        return Money(minor=self.amount_minor, currency=self.currency)


class PaymentUnknown(PermanentError):
    """There is no payment with this id."""


class RefundExceedsCapture(PermanentError):
    """More would go back than was captured and not yet claimed by another refund."""


async def intend_payment(
    session: AsyncSession,
    *,
    payment_id: str,
    order_id: str,
    attempt: int,
    gateway: str,
    amount: Money,
    idempotency_key: str,
    expires_at: datetime,
    at: datetime,
) -> None:
    """Store what is about to be asked, before it is asked; an existing intent stays as it is."""
    await session.execute(
        insert(Payment)
        .values(
            id=payment_id,
            order_id=order_id,
            attempt=attempt,
            gateway=gateway,
            amount_minor=amount.minor,
            currency=amount.currency,
            idempotency_key=idempotency_key,
            created_at=at,
            updated_at=at,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )


async def lock_payment(session: AsyncSession, payment_id: str) -> Payment:
    """The payment's row, locked until the transaction ends.

    Raises:
        PaymentUnknown: there is none.
    """
    statement = select(Payment).where(col(Payment.id) == payment_id).with_for_update()
    row = (await session.scalars(statement)).one_or_none()
    if row is None:
        raise PaymentUnknown(payment_id)
    return row


async def find_payment(
    session: AsyncSession, *, gateway: str, payment_id: str, provider_ref: str
) -> Payment | None:
    """The payment that a callback is about: by our id, else by the provider's."""
    if payment_id:
        row = await session.get(Payment, payment_id)
        return row if row is not None and row.gateway == gateway else None
    if not provider_ref:
        return None
    statement = select(Payment).where(
        col(Payment.gateway) == gateway, col(Payment.provider_ref) == provider_ref
    )
    return (await session.scalars(statement)).one_or_none()


async def payments_of(session: AsyncSession, order_id: str) -> list[Payment]:
    """All attempts of an order, first to last."""
    rows = await session.scalars(
        select(Payment).where(col(Payment.order_id) == order_id).order_by(col(Payment.attempt))
    )
    return list(rows)


async def intend_refund(session: AsyncSession, request: RefundRequest, at: datetime) -> Refund:
    """Claim the amount on its payment and store the intent; an existing refund stays as it is.

    Raises:
        RefundExceedsCapture: the payment has not that much left.
    """
    payment = await lock_payment(session, request.payment_id)
    existing = await session.get(Refund, request.refund_id, with_for_update=True)
    if existing is not None:
        return existing
    left = payment.captured_minor - payment.claimed_minor
    if request.amount.minor > left or request.amount.currency != payment.currency:
        raise RefundExceedsCapture(
            f"{request.amount} asked back, {Money(minor=left, currency=payment.currency)} left"
        )
    payment.claimed_minor += request.amount.minor
    refund = Refund(
        id=request.refund_id,
        payment_id=payment.id,
        order_id=payment.order_id,
        state=RefundRowState.INTENDED,
        amount_minor=request.amount.minor,
        currency=request.amount.currency,
        reason=request.reason,
        idempotency_key=request.idempotency_key,
        created_at=at,
    )
    session.add(refund)
    await session.flush()
    return refund


def settle_refund(payment: Payment, refund: Refund, state: RefundState, at: datetime) -> int:
    """Record a refund's final state on locked rows; what it changes of the money kept, in minor.

    A refund that failed gives its claim back, also when it had counted as succeeded before.
    """
    before = refund.amount_minor if refund.state == RefundRowState.SUCCEEDED else 0
    after = refund.amount_minor if state == RefundState.SUCCEEDED else 0
    was_dead = refund.state == RefundRowState.FAILED
    refund.state = state
    if state != RefundState.PENDING:
        refund.settled_at = at
    if state == RefundState.FAILED and not was_dead:
        payment.claimed_minor -= refund.amount_minor
    payment.refunded_minor += after - before
    return before - after
