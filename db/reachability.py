"""How a customer may be reached: what they want, what they ended, and which addresses fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.notification import Channel
from domain.notification_rules import Purpose
from domain.unsubscribing import address_key


class Choice(StrEnum):
    """What a customer said about a channel."""

    WANTED = "wanted"
    UNWANTED = "unwanted"


class AddressState(StrEnum):
    """Why an address is not used any more."""

    REFUSED = "refused"
    UNSUBSCRIBED = "unsubscribed"


class NotificationPreference(SQLModel, table=True):
    """A customer's choice for one purpose on one channel; without a row, it is wanted."""

    __tablename__ = "notification_preferences"
    __table_args__ = (
        base.one_of("purpose", Purpose),
        base.one_of("channel", Channel),
        base.one_of("choice", Choice),
    )

    customer_id: str = Field(sa_column=base.text(primary_key=True))
    purpose: str = Field(sa_column=base.text(primary_key=True))
    channel: str = Field(sa_column=base.text(primary_key=True))
    choice: str = Field(sa_column=base.text())
    changed_at: datetime = Field(sa_column=base.instant(nullable=False))


class NotificationOptOut(SQLModel, table=True):
    """An address whose reader ended promotions; the address itself is not kept here."""

    __tablename__ = "notification_opt_outs"
    __table_args__ = (base.one_of("channel", Channel), base.one_of("purpose", Purpose))

    address_key: str = Field(sa_column=base.text(primary_key=True))
    channel: str = Field(sa_column=base.text(primary_key=True))
    purpose: str = Field(sa_column=base.text(primary_key=True))
    source: str = Field(sa_column=base.text())
    at: datetime = Field(sa_column=base.instant(nullable=False))


class ChannelState(SQLModel, table=True):
    """An address that a provider refused for good; `code` is the provider's own."""

    __tablename__ = "channel_states"
    __table_args__ = (base.one_of("channel", Channel), base.one_of("state", AddressState))

    channel: str = Field(sa_column=base.text(primary_key=True))
    address_key: str = Field(sa_column=base.text(primary_key=True))
    state: str = Field(sa_column=base.text())
    provider: str = Field(sa_column=base.text())
    code: str = Field(sa_column=base.text(""))
    since: datetime = Field(sa_column=base.instant(nullable=False))


class Limits(StrEnum):
    """The ways in which a channel may be closed to a message."""

    UNWANTED = "unwanted"
    OPTED_OUT = "opted_out"
    REFUSED = "refused"


_LIMITS = text("""
    SELECT 'unwanted' AS limitation, channel FROM notification_preferences
    WHERE customer_id = :customer AND purpose = :purpose AND choice = 'unwanted'
    UNION ALL
    SELECT 'opted_out', channel FROM notification_opt_outs
    WHERE address_key = ANY(:keys) AND purpose = :purpose
    UNION ALL
    SELECT 'refused', channel FROM channel_states WHERE address_key = ANY(:keys)
""")


async def find_limits(
    session: AsyncSession, customer_id: str, purpose: Purpose, addresses: Mapping[Channel, str]
) -> Mapping[Channel, frozenset[Limits]]:
    """What closes each channel to messages of this purpose; channels without limits are empty."""
    keys = [address_key(channel, address) for channel, address in addresses.items() if address]
    rows = await session.execute(
        _LIMITS, {"customer": customer_id, "purpose": purpose.value, "keys": keys}
    )
    found: defaultdict[Channel, set[Limits]] = defaultdict(set)
    for limitation, channel in rows:
        found[Channel(channel)].add(Limits(limitation))
    return {channel: frozenset(found[channel]) for channel in Channel}


async def refuse_address(
    session: AsyncSession,
    channel: Channel,
    key: str,
    state: AddressState,
    *,
    provider: str,
    code: str,
    at: datetime,
) -> None:
    """Remember that an address cannot be reached; the first reason stays."""
    await session.execute(
        insert(ChannelState)
        .values(
            channel=channel,
            address_key=key,
            state=state,
            provider=provider,
            code=code,
            since=at,
        )
        .on_conflict_do_nothing(index_elements=["channel", "address_key"])
    )


async def opt_out(
    session: AsyncSession, channel: Channel, key: str, source: str, at: datetime
) -> bool:
    """End promotions to an address; true if they had not been ended before."""
    inserted = await session.scalar(
        insert(NotificationOptOut)
        .values(address_key=key, channel=channel, purpose=Purpose.PROMOTION, source=source, at=at)
        .on_conflict_do_nothing(index_elements=["address_key", "channel", "purpose"])
        .returning(col(NotificationOptOut.address_key))
    )
    return inserted is not None


async def choose(
    session: AsyncSession,
    customer_id: str,
    purpose: Purpose,
    channel: Channel,
    choice: Choice,
    at: datetime,
) -> None:
    """Keep a customer's choice; the last one counts."""
    values = {"choice": choice, "changed_at": at}
    await session.execute(
        insert(NotificationPreference)
        .values(customer_id=customer_id, purpose=purpose, channel=channel, **values)
        .on_conflict_do_update(index_elements=["customer_id", "purpose", "channel"], set_=values)
    )


async def choices_of(
    session: AsyncSession, customer_id: str
) -> Mapping[tuple[Purpose, Channel], Choice]:
    """What a customer chose; what is not there is wanted."""
    rows = await session.scalars(
        select(NotificationPreference).where(col(NotificationPreference.customer_id) == customer_id)
    )
    return {(Purpose(row.purpose), Channel(row.channel)): Choice(row.choice) for row in rows}
