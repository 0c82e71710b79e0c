"""What a sender raises for everything that a relay can do to it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from domain.errors import PermanentError
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from tests.gateways.messaging.relay import (
    PASSWORD,
    USER,
    Inbox,
    certificate,
    check_login,
    free_port,
    relay,
)
from tests.gateways.messaging.senders import send, sender


@pytest.mark.parametrize(
    ("inbox", "code"),
    [
        (Inbox(rcpt_reply="550 no such mailbox"), "550"),
        (Inbox(mail_reply="552 message too big"), "552"),
        (Inbox(mail_reply="553 sender not allowed"), "553"),
        (Inbox(data_reply="554 looks like spam"), "554"),
    ],
)
async def test_a_5xx_reply_is_for_good_and_keeps_its_code(inbox: Inbox, code: str) -> None:
    with relay(inbox) as port, pytest.raises(GatewayRejected) as refused:
        await send(sender(port))
    assert refused.value.code == code


async def test_a_mail_over_the_relays_size_limit_is_refused_for_good() -> None:
    with relay(Inbox(), data_size_limit=100) as port, pytest.raises(GatewayRejected) as refused:
        await send(sender(port))
    assert refused.value.code == "552"


@pytest.mark.parametrize(
    "inbox",
    [
        Inbox(mail_reply="421 too busy"),
        Inbox(mail_reply="452 too many connections"),
        Inbox(rcpt_reply="450 mailbox busy"),
        Inbox(rcpt_reply="451 greylisted"),
        Inbox(data_reply="451 local error"),
        Inbox(data_reply="452 disk full"),
    ],
)
async def test_a_4xx_reply_may_pass(inbox: Inbox) -> None:
    with relay(inbox) as port, pytest.raises(RateLimited):
        await send(sender(port))


@pytest.mark.parametrize("code", ["530", "535", "538"])
async def test_a_reply_that_asks_for_credentials_is_our_configuration(code: str) -> None:
    inbox = Inbox(mail_reply=f"{code} authentication required")
    with relay(inbox) as port, pytest.raises(GatewayAuthError, match=code):
        await send(sender(port))


async def test_wrong_credentials_are_our_configuration(tmp_path: Path) -> None:
    cert = certificate(tmp_path)
    with (
        relay(Inbox(), tls_context=cert.server, authenticator=check_login) as port,
        pytest.raises(GatewayAuthError, match="535"),
    ):
        await send(
            sender(port, tls="starttls", username=USER, password="x", tls_context=cert.client)
        )


async def test_a_relay_that_wants_a_login_is_our_configuration(tmp_path: Path) -> None:
    cert = certificate(tmp_path)
    with (
        relay(
            Inbox(), tls_context=cert.server, authenticator=check_login, auth_required=True
        ) as port,
        pytest.raises(GatewayAuthError, match="530"),
    ):
        await send(sender(port, tls="starttls", tls_context=cert.client))


async def test_a_relay_that_wants_starttls_is_our_configuration(tmp_path: Path) -> None:
    cert = certificate(tmp_path)
    with (
        relay(Inbox(), tls_context=cert.server, require_starttls=True) as port,
        pytest.raises(GatewayAuthError, match="530"),
    ):
        await send(sender(port))


async def test_a_mail_never_goes_out_in_clear_text_when_starttls_is_missing() -> None:
    inbox = Inbox()
    with relay(inbox) as port, pytest.raises(GatewayAuthError, match="STARTTLS"):
        await send(sender(port, tls="starttls"))
    assert inbox.envelopes == []


async def test_a_relay_without_login_is_our_configuration() -> None:
    with relay(Inbox()) as port, pytest.raises(GatewayAuthError, match="AUTH"):
        await send(sender(port, username=USER, password=PASSWORD))


async def test_an_untrusted_certificate_with_starttls_is_our_configuration(tmp_path: Path) -> None:
    cert = certificate(tmp_path)
    with (
        relay(Inbox(), tls_context=cert.server) as port,
        pytest.raises(GatewayAuthError, match="certificate"),
    ):
        await send(sender(port, tls="starttls"))


async def test_an_untrusted_certificate_with_implicit_tls_is_our_configuration(
    tmp_path: Path,
) -> None:
    inbox, cert = Inbox(), certificate(tmp_path)
    with (
        relay(inbox, ssl_context=cert.server) as port,
        pytest.raises(GatewayAuthError, match="certificate"),
    ):
        await send(sender(port, tls="implicit"))


async def test_a_relay_that_is_not_there_may_come_back() -> None:
    with pytest.raises(ConnectionError) as refused:
        await send(sender(free_port()))
    assert not isinstance(refused.value, PermanentError)


async def test_a_relay_that_accepts_but_never_greets_may_come_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(ConnectionError):
            await send(sender(port, timeout=0.2))


async def test_silence_after_the_mail_was_handed_over_is_an_unknown_outcome() -> None:
    with relay(Inbox(hang=True)) as port, pytest.raises(OutcomeUnknown):
        await send(sender(port, timeout=0.3))


async def test_a_line_lost_after_the_mail_was_handed_over_is_an_unknown_outcome() -> None:
    with relay(Inbox(drop=True)) as port, pytest.raises(OutcomeUnknown):
        await send(sender(port))


async def test_a_slot_is_free_again_after_a_failure() -> None:
    inbox = Inbox(rcpt_reply="451 later")
    with relay(inbox) as port:
        through = sender(port, max_connections=1)
        with pytest.raises(RateLimited):
            await send(through)
        inbox.rcpt_reply = ""
        await send(through)
    assert len(inbox.envelopes) == 1
