"""`addresses` at the command line: what is known, lifted, and refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from domain.notification import NotificationKind
from tests.activities.telling import Counter, counter_with_relay
from tests.activities.test_telling import SENT, suffer
from tests.cli.terminal import Terminal
from tests.house import House
from tests.serving import free_port, serve

K = NotificationKind


@pytest.fixture
async def counter(house: House) -> AsyncIterator[Counter]:
    async with counter_with_relay(house) as counter:
        yield counter


async def refuse_mail(counter: Counter) -> str:
    """The relay says that there is no such mailbox, by mistake; its address."""
    counter.inbox.rcpt_reply = "550 5.1.1 no such user"
    await counter.tell(K.ORDER_PROCESSING)
    counter.inbox.rcpt_reply = ""
    return str(counter.order["email"])


async def test_a_refused_mailbox_is_shown_lifted_and_written_to(
    beside: Terminal, counter: Counter
) -> None:
    email = await refuse_mail(counter)

    refused = await beside.run("addresses", "show", email)

    assert refused.code == 0, refused.err
    assert "refused  no mails go there" in refused.out
    assert "the mail relay (550)" in refused.out
    assert "2026-11-21 12:00:00 UTC" in refused.out
    assert f"starter.py addresses lift {email}" in refused.out
    lifted = await beside.run("addresses", "lift", email.upper())
    assert lifted.code == 0, lifted.err
    assert "good  mails go there again" in lifted.out
    assert "refused by the mail relay (550), since 2026-11-21 12:00:00 UTC" in lifted.out
    assert (await counter.tell(K.ORDER_SHIPPED))["email"] == SENT
    again = await beside.run("addresses", "lift", email)
    assert (again.code, "nothing had to be lifted" in again.out) == (0, True)
    shown = await beside.run("addresses", "show", email, "--json")
    assert (shown.json["state"], shown.json["address"]) == ("good", email)


async def test_a_number_that_said_stop_needs_its_readers_word(
    beside: Terminal, counter: Counter
) -> None:
    match = {"ref": counter.phone.removeprefix("+86")}
    code = "isv.BLACK_KEY_CONTROL_LIMIT"
    await suffer(counter, "aliyun", "reject", code=code, match=match)
    await counter.tell(K.ORDER_CONFIRMED)
    spaced = f"{counter.phone[:3]} {counter.phone[3:]}"

    shown = await beside.run("addresses", "show", spaced)
    refused = await beside.run("addresses", "lift", spaced)
    lifted = await beside.run("addresses", "lift", spaced, "--customer-asked", "--json")

    assert "unsubscribed  no text messages go there" in shown.out
    assert f"Alibaba Cloud ({code})" in shown.out
    assert f"addresses lift {counter.phone} --customer-asked" in shown.out
    assert refused.code == 1
    assert "with --customer-asked" in refused.err
    assert lifted.json["before"]["state"] == "unsubscribed"
    assert (await counter.tell(K.ORDER_SHIPPED))["sms"] == SENT


async def test_an_address_that_nobody_knows_is_good(beside: Terminal) -> None:
    shown = await beside.run("addresses", "show", "nobody@example.com")
    assert shown.code == 0
    assert "good  mails go there" in shown.out


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("13800138000", "begin with + and the country's code"),
        ("li.wei@", "this is no e-mail address"),
        ("", "this field is required"),
    ],
)
async def test_what_is_no_address_is_refused(beside: Terminal, address: str, told: str) -> None:
    for command in ("show", "lift"):
        refused = await beside.run("addresses", command, address)
        assert refused.code == 1
        assert told in refused.err


async def test_the_address_is_in_no_url(beside: Terminal, house: House) -> None:
    app = create_app(house.settings, client=house.client)
    asked: list[str] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.append(f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}")
        await app(scope, receive, send)

    async with serve(watched, free_port()) as url:
        for command in ("show", "lift"):
            done = await beside.run("addresses", command, "li@example.com", ORDERFLOW_API=url)
            assert done.code == 0, done.err

    assert asked == ["/addresses/state?", "/addresses/lift?"]
