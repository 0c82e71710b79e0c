"""What providers said later of messages that they had accepted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from db.notifications import Notification, NotificationState
from domain.notification import Receipt, ReceiptStatus

_RANK = {status.value: rank for rank, status in enumerate(ReceiptStatus, start=1)}


class DeliveryReceipt(SQLModel, table=True):
    """One piece of news of one message, kept once however often it comes."""

    __tablename__ = "delivery_receipts"
    __table_args__ = (
        base.one_of("status", ReceiptStatus),
        UniqueConstraint("provider", "message_id", "status"),
    )

    id: int | None = Field(default=None, sa_column=base.amount(primary_key=True))
    provider: str = Field(sa_column=base.text())
    message_id: str = Field(sa_column=base.text())
    notification_id: str = Field(sa_column=base.text(""))
    status: str = Field(sa_column=base.text())
    code: str = Field(sa_column=base.text(""))
    at: datetime = Field(sa_column=base.instant(nullable=False))
    received_at: datetime = Field(sa_column=base.instant(nullable=False))


async def keep_receipt(session: AsyncSession, receipt: Receipt, now: datetime) -> bool:
    """Store a receipt; true if it had not come before."""
    inserted = await session.scalar(
        insert(DeliveryReceipt)
        .values(
            provider=receipt.provider,
            message_id=receipt.message_id,
            notification_id=receipt.notification_id,
            status=receipt.status,
            code=receipt.code,
            at=receipt.at,
            received_at=now,
        )
        .on_conflict_do_nothing(index_elements=["provider", "message_id", "status"])
        .returning(col(DeliveryReceipt.id))
    )
    return inserted is not None


async def apply_receipt(
    session: AsyncSession, receipt: Receipt, now: datetime
) -> Notification | None:
    """Write the news to its notification, unless more final news is there; None if unknown.

    A receipt also proves that a message whose acceptance nobody knew of was accepted.
    """
    found = await session.scalar(
        select(Notification)
        .where(
            col(Notification.channel) == receipt.channel,
            or_(
                (col(Notification.id) == receipt.notification_id),
                (col(Notification.provider) == receipt.provider)
                & (col(Notification.message_id) == receipt.message_id),
            ),
        )
        .order_by((col(Notification.id) == receipt.notification_id).desc())
        .limit(1)
        .with_for_update()
    )
    if found is None:
        return None
    if found.state in {NotificationState.SENDING, NotificationState.UNKNOWN}:
        found.state = NotificationState.SENT
        found.sent_at = now
        found.provider, found.message_id, found.error = receipt.provider, receipt.message_id, ""
    if _RANK[receipt.status] > _RANK.get(found.receipt, 0):
        found.receipt, found.receipt_code, found.receipt_at = (
            receipt.status,
            receipt.code,
            receipt.at,
        )
    session.add(found)
    return found
