"""What keeps each channel silent about a letter, asked in the moment of sending."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from activities.channels import Channels
from activities.letter_writing import Written, still_true
from db import devices, reachability
from db.reachability import Limits
from domain.notification import Channel
from domain.notification_rules import RULES, Purpose, Silence, Standing, silence


async def find_silences(
    session: AsyncSession, channels: Channels, written: Written
) -> Mapping[Channel, Silence | None]:
    """Why each channel must not carry the letter; None for one that may."""
    kind = written.letter.kind
    if not still_true(written):
        return dict.fromkeys(Channel, Silence.NO_LONGER_TRUE)
    purpose = RULES[kind].purpose
    if purpose is Purpose.PROMOTION and not channels.promotes:
        return dict.fromkeys(Channel, Silence.NO_WAY_OUT)
    addresses = {channel: written.address(channel) for channel in Channel}
    limits = await reachability.find_limits(session, written.letter.customer_id, purpose, addresses)
    if channels.is_on(Channel.PUSH) and Channel.PUSH in RULES[kind].channels:
        known = await devices.devices_of(session, addresses[Channel.PUSH])
        addresses[Channel.PUSH] = known[0].id if known else ""
    return {
        channel: silence(
            kind,
            channel,
            Standing(
                on=channels.is_on(channel),
                address=bool(addresses[channel]),
                refused=Limits.REFUSED in limits[channel],
                wanted=Limits.UNWANTED not in limits[channel],
                opted_out=Limits.OPTED_OUT in limits[channel],
            ),
        )
        for channel in Channel
    }
