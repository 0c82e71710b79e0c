"""One mail address or phone number: what is known of it, and making it good again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db.reachability import AddressState, ChannelState, NotificationOptOut
from domain.notification import Channel
from domain.notification_rules import Purpose
from domain.order import Value


class KnownAddress(Value):
    """What is known of an address; it is good without a `state`. `code` is the provider's own."""

    state: AddressState | None = None
    provider: str = ""
    code: str = ""
    since: datetime | None = None
    promotions_ended_at: datetime | None = None


async def look_up(session: AsyncSession, channel: Channel, key: str) -> KnownAddress:
    """What is known of the address that `key` stands for."""
    return await _known(session, channel, key, await session.get(ChannelState, (channel, key)))


async def make_good(
    session: AsyncSession, channel: Channel, key: str, *, though_unsubscribed: bool
) -> KnownAddress:
    """Let messages go to an address again; what was known of it before.

    One that unsubscribed stays as it is, unless told otherwise. Promotions that its reader ended
    stay ended in any case.
    """
    row = await session.get(ChannelState, (channel, key), with_for_update=True)
    known = await _known(session, channel, key, row)
    if row and (though_unsubscribed or known.state is not AddressState.UNSUBSCRIBED):
        await session.delete(row)
    return known


async def _known(
    session: AsyncSession, channel: Channel, key: str, row: ChannelState | None
) -> KnownAddress:
    ended = await session.get(NotificationOptOut, (key, channel, Purpose.PROMOTION))
    ended_at = ended.at if ended else None
    if row is None:
        return KnownAddress(promotions_ended_at=ended_at)
    return KnownAddress(
        state=AddressState(row.state),
        provider=row.provider,
        code=row.code,
        since=row.since,
        promotions_ended_at=ended_at,
    )
