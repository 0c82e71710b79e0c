"""What customers were told: at most one accepted message per (order, event, channel)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.ids import derived_id
from domain.notification import Accepted, Channel, NotificationKind


class NotificationState(StrEnum):
    """What became of one message.

    `sending` is a call whose outcome is not written down yet: the provider may have taken the
    message. `unknown` is the same for good.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


_OPEN = (NotificationState.PENDING, NotificationState.SENDING)

# Longer than an attempt can last: whoever took the message up is gone.
_CLAIM_LASTS = timedelta(minutes=2)


class Notification(SQLModel, table=True):
    """One message on one channel. `occasion` tells repeated events of a kind apart.

    `error` is why it did not go out; `receipt` is what the provider said of it later. `event` is
    what the customer is told, kept where another channel can step in for this one. Nobody but
    `lease_holder` may send it, for as long as an attempt can last; empty: whoever comes first.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        base.one_of("state", NotificationState),
        base.one_of("kind", NotificationKind),
        base.one_of("channel", Channel),
        UniqueConstraint("order_id", "kind", "occasion", "channel"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at_tells"),
    )

    id: str = Field(sa_column=base.text(primary_key=True))
    order_id: str = Field(sa_column=base.reference("orders.id"))
    kind: str = Field(sa_column=base.text())
    occasion: str = Field(sa_column=base.text(""))
    channel: str = Field(sa_column=base.text())
    state: str = Field(sa_column=base.text(NotificationState.PENDING))
    provider: str = Field(default="", sa_column=base.text(""))
    message_id: str = Field(default="", sa_column=base.text("", index=True))
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    error: str = Field(default="", sa_column=base.text(""))
    created_at: datetime = Field(sa_column=base.instant(nullable=False))
    sent_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    claimed_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    receipt: str = Field(default="", sa_column=base.text(""))
    receipt_code: str = Field(default="", sa_column=base.text(""))
    receipt_at: datetime | None = Field(default=None, sa_column=base.instant(nullable=True))
    event: dict[str, Any] = Field(sa_column=base.document(server_default="{}"))
    lease_holder: str = Field(default="", sa_column=base.text(""))
    leased_at: datetime | None = Field(
        default=None, sa_column=base.instant(nullable=False, server_default=func.now())
    )


async def intend_notifications(
    session: AsyncSession,
    order_id: str,
    kind: NotificationKind,
    occasion: str,
    channels: Sequence[Channel],
    at: datetime,
    *,
    holder: str,
    events: Mapping[Channel, Mapping[str, Any]],
) -> list[Notification]:
    """Store what is about to be sent; the rows of the event, old and new.

    Those of `channels` which are still to be sent are leased to `holder`, unless somebody else is
    at it. `events` are to be kept with the messages of those channels.
    """
    intended = insert(Notification)
    # One by one: lists in place of `in_` cannot be sent with many rows of parameters.
    still_to_send = or_(*(col(Notification.state) == state for state in _OPEN))
    free = or_(
        col(Notification.lease_holder) == "",
        col(Notification.lease_holder) == intended.excluded.lease_holder,
        col(Notification.leased_at) < func.now() - _CLAIM_LASTS,
    )
    # As parameters, not as VALUES: SQLAlchemy would compile a list of VALUES anew each time.
    await session.execute(
        intended.on_conflict_do_update(
            index_elements=["order_id", "kind", "occasion", "channel"],
            set_={"lease_holder": intended.excluded.lease_holder, "leased_at": func.now()},
            where=and_(still_to_send, free),
        ),
        [
            {
                "id": derived_id("N", order_id, kind, occasion, channel),
                "order_id": order_id,
                "kind": kind,
                "occasion": occasion,
                "channel": channel,
                "created_at": at,
                "event": dict(events.get(channel, {})),
                "lease_holder": holder,
            }
            for channel in channels
        ],
    )
    rows = await session.scalars(
        select(Notification).where(
            col(Notification.order_id) == order_id,
            col(Notification.kind) == kind,
            col(Notification.occasion) == occasion,
        )
    )
    return list(rows)


async def claim(session: AsyncSession, notification_id: str, *, again: bool = False) -> bool:
    """Take a message for sending, before the call; false if somebody else has it.

    With `again`, a message counts as free too whose claim is so old that its holder is gone: only
    for who has asked the provider, and was told that it was not taken.
    """
    free = col(Notification.state) == NotificationState.PENDING
    if again:
        left = and_(
            col(Notification.state) == NotificationState.SENDING,
            col(Notification.claimed_at) < func.now() - _CLAIM_LASTS,
        )
        free = or_(free, left)
    claimed = await session.scalar(
        update(Notification)
        .where(col(Notification.id) == notification_id, free)
        .values(state=NotificationState.SENDING, claimed_at=func.now())
        .returning(col(Notification.id))
        .execution_options(synchronize_session=False)
    )
    return claimed is not None


async def release(session: AsyncSession, order_id: str, kind: str, holder: str) -> None:
    """Leave messages that are not to be sent now to whoever comes next."""
    await session.execute(
        update(Notification)
        .where(
            col(Notification.order_id) == order_id,
            col(Notification.kind) == kind,
            col(Notification.lease_holder) == holder,
        )
        .values(lease_holder="")
        .execution_options(synchronize_session=False)
    )


async def record_attempt(
    session: AsyncSession,
    notification_id: str,
    state: NotificationState,
    *,
    error: str = "",
    accepted: Accepted | None = None,
    at: datetime,
) -> Notification:
    """Write what came of an attempt, in one statement; what is decided already stays as it is.

    What is still to be sent is free for whoever comes next.
    """
    attempted = (
        update(Notification)
        .where(
            col(Notification.id) == notification_id,
            col(Notification.state).in_(_OPEN),
        )
        .values(
            state=state,
            attempts=col(Notification.attempts) + 1,
            error=error,
            provider=accepted.provider if accepted else "",
            message_id=accepted.message_id if accepted else "",
            sent_at=at if accepted else None,
            lease_holder="",
        )
        .returning(Notification)
        .execution_options(synchronize_session=False)
    )
    row = (await session.scalars(attempted)).one_or_none()
    return row if row is not None else await session.get_one(Notification, notification_id)


async def find_notification(session: AsyncSession, notification_id: str) -> Notification | None:
    """One message."""
    return await session.get(Notification, notification_id)


async def notifications_of(session: AsyncSession, order_id: str) -> list[Notification]:
    """Everything that a customer was told about an order, oldest first."""
    rows = await session.scalars(
        select(Notification)
        .where(col(Notification.order_id) == order_id)
        .order_by(col(Notification.created_at))
    )
    return list(rows)
