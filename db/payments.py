"""Payment attempts: the intent before the call, the provider's answer after it."""

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
from domain.payment import PaymentRef
from domain.payment_review import ReviewDecision, ReviewKind


class AttemptState(StrEnum):
    """One attempt: `intended` until the provider's first answer is known."""

    INTENDED = "intended"
    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"
    REJECTED = "rejected"


class Payment(SQLModel, table=True):
    """One attempt to be paid. `claimed_minor` is what refunds that have not failed ask back.

    A capture of another amount or currency than asked is stored only under `mismatch`; one that
    pays for nothing (too late, or once too often) is `surplus` and goes back.

    `capture_key` is set while a capture of ours may be under way, `captures_begun` counts them.
    An attempt that was `given_up` is not captured any more. A `disputed` one the customer's bank
    wants back, until the dispute has an outcome.

    `decision` is what an operator said of a mismatch: to accept it as the payment of the order, or
    to give it back.
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
        Index(
            "ix_payments_capture_ref",
            "gateway",
            "capture_ref",
            postgresql_where=text("capture_ref <> ''"),
        ),
        Index("ix_payments_updated_at", "updated_at"),
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
        CheckConstraint(
            "decision IN ('', 'accept', 'refund')"
            " AND (decision = '' OR (mismatch <> '' AND decided_at IS NOT NULL))"
            " AND (decision <> 'accept' OR captured_minor > 0)",
            name="decided_mismatch",
        ),
        CheckConstraint(
            "dispute_outcome IN ('', 'won', 'lost') AND (dispute_outcome = '' OR disputed)",
            name="dispute_ended",
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
    capture_ref: str = Field(default="", sa_column=base.text(""))
    capture_key: str = Field(default="", sa_column=base.text(""))
    captures_begun: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default="0")
    )
    given_up: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default="false")
    )
    disputed: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default="false")
    )
    dispute_outcome: str = Field(default="", sa_column=base.text(""))
    decision: str = Field(default="", sa_column=base.text(""))
    decided_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
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

    @property
    def left(self) -> Money:
        """What was captured and no refund has claimed."""
        return Money(minor=self.captured_minor - self.claimed_minor, currency=self.currency)

    @property
    def accepted(self) -> bool:
        """Whether it pays for the order though it is not what was asked for."""
        return self.decision == ReviewDecision.ACCEPT

    @property
    def excess_minor(self) -> int:
        """How much more was captured than asked, of a payment that was accepted all the same."""
        return max(self.captured_minor - self.amount_minor, 0) if self.accepted else 0

    def in_review(self, kind: ReviewKind) -> bool:
        """Whether a person has to look; money that has gone back is out of question.

        What an operator wants given back stays in review until it is.
        """
        if self.captured_minor > 0 and self.captured_minor == self.refunded_minor:
            return False
        if kind is ReviewKind.DISPUTE:
            return self.disputed and not self.dispute_outcome and self.captured_minor > 0
        decided = self.accepted or (bool(self.decision) and self.captured_minor == 0)
        return bool(self.mismatch) and not decided

    @property
    def ref(self) -> PaymentRef:
        """How to name it to its provider."""
        return PaymentRef(
            payment_id=self.id,
            provider_ref=self.provider_ref,
            capture_ref=self.capture_ref,
            asked=self.asked,
            captured_before=self.captured_minor > 0,
        )


class PaymentUnknown(PermanentError):
    """There is no payment with this id."""


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
    session: AsyncSession,
    *,
    gateway: str,
    payment_id: str = "",
    provider_ref: str = "",
    capture_ref: str = "",
) -> Payment | None:
    """The payment that a callback is about: by our id, else by one of the provider's."""
    if payment_id:
        row = await session.get(Payment, payment_id)
        return row if row is not None and row.gateway == gateway else None
    for column, value in (
        (col(Payment.provider_ref), provider_ref),
        (col(Payment.capture_ref), capture_ref),
    ):
        if not value:
            continue
        found = await session.scalars(
            select(Payment).where(col(Payment.gateway) == gateway, column == value).limit(1)
        )
        if (row := found.one_or_none()) is not None:
            return row
    return None


async def payments_of(session: AsyncSession, order_id: str) -> list[Payment]:
    """All attempts of an order, first to last."""
    rows = await session.scalars(
        select(Payment).where(col(Payment.order_id) == order_id).order_by(col(Payment.attempt))
    )
    return list(rows)
