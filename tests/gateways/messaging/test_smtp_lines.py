"""Lines to the relay are used again, for as long as they are good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateways.errors import OutcomeUnknown, RateLimited
from gateways.messaging import smtp_lines
from gateways.messaging.email import SmtpSender
from gateways.messaging.refusals import AddressRefused
from tests.gateways.messaging.relay import (
    PASSWORD,
    USER,
    Inbox,
    certificate,
    check_login,
    relay,
)
from tests.gateways.messaging.senders import CONTENT, sender


@asynccontextmanager
async def through(inbox: Inbox, **options: Any) -> AsyncIterator[SmtpSender]:
    """A sender that stays, as a worker's does."""
    with relay(inbox) as port:
        async with aclosing(sender(port, **options)) as staying:
            yield staying


async def mail(staying: SmtpSender, number: int = 1) -> None:
    await staying.send(
        to="anna@example.com", to_name="Anna", content=CONTENT, notification_id=f"N{number}"
    )


async def test_mails_that_follow_each_other_share_a_line() -> None:
    inbox = Inbox()
    async with through(inbox) as staying:
        for number in range(5):
            await mail(staying, number)
    assert len(inbox.messages) == 5
    assert inbox.lines_used == 1


async def test_mails_at_once_have_a_line_each_which_later_ones_share() -> None:
    inbox = Inbox(barrier=asyncio.Barrier(3))
    async with through(inbox, max_connections=3) as staying:
        for _ in range(4):
            await asyncio.gather(*(mail(staying, number) for number in range(3)))
    assert len(inbox.messages) == 12
    assert inbox.lines_used == 3


async def test_login_and_encryption_hold_for_the_whole_line(tmp_path: Path) -> None:
    inbox, cert = Inbox(), certificate(tmp_path)
    with relay(
        inbox,
        tls_context=cert.server,
        require_starttls=True,
        authenticator=check_login,
        auth_required=True,
    ) as port:
        async with aclosing(
            sender(port, tls="starttls", username=USER, password=PASSWORD, tls_context=cert.client)
        ) as staying:
            await mail(staying, 1)
            await mail(staying, 2)
    assert inbox.encrypted == [True, True]
    assert inbox.lines_used == 1


async def test_a_relay_that_hung_up_meanwhile_is_called_again() -> None:
    inbox = Inbox()
    async with through(inbox) as staying:
        await mail(staying, 1)
        inbox.hang_up()
        await mail(staying, 2)
    assert len(inbox.messages) == 2
    assert inbox.lines_used == 2


async def test_a_line_on_which_something_went_wrong_is_not_used_again() -> None:
    inbox = Inbox()
    async with through(inbox) as staying:
        for reply, error in (("451 later", RateLimited), ("550 5.1.1 nobody", AddressRefused)):
            await mail(staying)
            inbox.rcpt_reply = reply
            with pytest.raises(error):
                await mail(staying)
            inbox.rcpt_reply = ""
        inbox.drop = True
        with pytest.raises(OutcomeUnknown):
            await mail(staying)
        inbox.drop = False
        await mail(staying)
    # The dropped one was on the relay's side of a third line, which counts its mail as taken.
    assert inbox.lines_used == 4


@pytest.mark.parametrize(
    ("limit", "value"), [("_MAILS_AT_MOST", 1), ("_IDLE_AT_MOST", timedelta())]
)
async def test_a_line_that_is_old_is_given_up(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: object
) -> None:
    monkeypatch.setattr(smtp_lines, limit, value)
    inbox = Inbox()
    async with through(inbox) as staying:
        await mail(staying, 1)
        await mail(staying, 2)
    assert inbox.lines_used == 2


async def test_a_mail_that_is_cut_off_leaves_no_line_behind() -> None:
    inbox = Inbox()
    async with through(inbox, max_connections=1) as staying:
        inbox.hang = True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mail(staying, 1), 0.2)
        inbox.hang = False
        await mail(staying, 2)
    assert [message["Message-ID"] for message in inbox.messages] == ["<N2@shop.example.com>"]
