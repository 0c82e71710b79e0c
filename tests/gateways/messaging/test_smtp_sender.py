"""Mails as they come out at the other side of the socket."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from domain.notification import EmailContent, NotificationKind
from gateways.errors import GatewayRejected
from gateways.messaging.letters import render_email
from gateways.messaging.mime import parse_sender
from tests.gateways.messaging.relay import (
    PASSWORD,
    USER,
    Inbox,
    certificate,
    check_login,
    raw,
    relay,
)
from tests.gateways.messaging.samples import full_letter
from tests.gateways.messaging.senders import CONTENT, send, sender


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    assert isinstance(body, EmailMessage)
    content = body.get_content()
    assert isinstance(content, str)
    return content


async def test_a_mail_arrives_with_a_text_and_an_html_part_in_chinese() -> None:
    inbox = Inbox()
    with relay(inbox) as port:
        await send(sender(port), to_name="王堃玥")
    [message] = inbox.messages
    assert message["Subject"] == "订单确认 - EC-20261121-8F3K2M"
    assert message["From"].addresses[0].display_name == "示例商城"
    assert message["From"].addresses[0].addr_spec == "noreply@shop.example.com"
    assert message["To"].addresses[0].display_name == "王堃玥"
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert [p.get_content_charset() for p in message.iter_parts()] == ["utf-8", "utf-8"]
    assert part(message, "plain").splitlines() == CONTENT.text.splitlines()
    assert part(message, "html").splitlines() == CONTENT.html.splitlines()


@pytest.mark.parametrize(
    ("bounces_to", "return_path"),
    [("", "noreply@shop.example.com"), ("bounces@rück.example", "bounces@xn--rck-hoa.example")],
)
async def test_what_cannot_be_delivered_comes_back_to_an_address_of_its_own(
    bounces_to: str, return_path: str
) -> None:
    inbox = Inbox()
    with relay(inbox) as port:
        await send(sender(port, bounce_address=bounces_to))
    [envelope], [message] = inbox.envelopes, inbox.messages
    assert envelope.mail_from == return_path
    assert message["From"].addresses[0].addr_spec == "noreply@shop.example.com"
    assert message["Message-ID"] == "<N0001@shop.example.com>"


def test_a_return_path_that_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="@-sign"):
        sender(1, bounce_address="nowhere")


async def test_a_mail_is_seven_bit_with_short_lines() -> None:
    inbox = Inbox()
    letter = render_email(full_letter(NotificationKind.ORDER_CONFIRMED, "zh-CN"))
    with relay(inbox) as port:
        await send(sender(port), content=letter)
    content = raw(inbox.envelopes[0])
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998


async def test_a_mail_says_that_a_machine_wrote_it_when_and_what_it_is_about() -> None:
    inbox = Inbox()
    letter = render_email(full_letter(NotificationKind.ORDER_SHIPPED, "en"))
    with relay(inbox) as port:
        await send(sender(port), content=letter)
    [message] = inbox.messages
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Orderflow-Kind"] == "order_shipped"
    assert parsedate_to_datetime(message["Date"]).tzinfo is not None
    assert message["List-Unsubscribe"] is None


async def test_the_message_id_is_the_same_on_every_attempt() -> None:
    inbox = Inbox()
    with relay(inbox) as port:
        first = await send(sender(port), notification_id="O01JD7:order_shipped:email")
        await send(sender(port), notification_id="O01JD7:order_shipped:email")
        await send(sender(port), notification_id="O01JD7:order_delivered:email")
    ids = [message["Message-ID"] for message in inbox.messages]
    assert ids[0] == ids[1] == "<O01JD7%3Aorder_shipped%3Aemail@shop.example.com>"
    assert ids[2] != ids[0]
    assert (first.provider, first.message_id) == ("smtp", ids[0])


async def test_a_long_message_id_is_not_broken() -> None:
    inbox = Inbox()
    with relay(inbox) as port:
        accepted = await send(sender(port), notification_id="N" * 120)
    assert f"<{'N' * 120}@shop.example.com>".encode() in raw(inbox.envelopes[0])
    assert accepted.message_id == f"<{'N' * 120}@shop.example.com>"


async def test_a_promotion_can_be_unsubscribed_from_with_one_click() -> None:
    inbox = Inbox()
    letter = render_email(
        full_letter(NotificationKind.REVIEW_INVITATION, "en"),
        unsubscribe_url="https://shop.example.com/unsubscribe/abc",
    )
    with relay(inbox) as port:
        await send(sender(port), content=letter)
    [message] = inbox.messages
    assert message["List-Unsubscribe"] == "<https://shop.example.com/unsubscribe/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "https://shop.example.com/unsubscribe/abc" in part(message, "plain")


async def test_a_script_tag_in_a_customers_name_arrives_as_text() -> None:
    inbox = Inbox()
    name = "<script>alert('x')</script>"
    letter = full_letter(NotificationKind.ORDER_SHIPPED, "en", name=name)
    with relay(inbox) as port:
        await send(sender(port), to_name=name, content=render_email(letter))
    [message] = inbox.messages
    assert "<script" not in part(message, "html")
    assert "&lt;script&gt;" in part(message, "html")
    assert name in part(message, "plain")
    assert message["To"].addresses[0].display_name == name


@pytest.mark.parametrize(
    "name",
    [
        "Anna\r\nBcc: victim@example.com",
        "Anna\nSubject: other",
        "王\r\n\r\nbody",
        "a\u2028Bcc: x@example.com",
        "Anna\x00\x0b\x0c",
        '"; <victim@example.com>, ',
        "=?utf-8?q?Anna=0D=0ABcc:_victim=40example.com?=",
        "=?utf-8?b?QW5uYQ0KQmNjOiB2aWN0aW1AZXhhbXBsZS5jb20NCg0KYm9keQ==?=",
        "=?utf-8?q?Anna=E2=80=A8Bcc:_x=40example.com?= Li",
    ],
)
async def test_a_name_cannot_add_headers_or_recipients(name: str) -> None:
    inbox = Inbox()
    with relay(inbox) as port:
        await send(sender(port), to_name=name)
    [message], [envelope] = inbox.messages, inbox.envelopes
    assert envelope.rcpt_tos == ["anna@example.com"]
    assert [a.addr_spec for a in message["To"].addresses] == ["anna@example.com"]
    assert message["Bcc"] is None
    assert message.get_all("Subject") == [CONTENT.subject]
    assert message["Reply-To"] is None
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    "broken",
    ["订单\r\nBcc: victim@example.com", "order\nX: y", "=?utf-8?q?order=0D=0ABcc:_x=40a.example?="],
)
async def test_a_subject_with_a_line_break_is_refused(broken: str) -> None:
    inbox = Inbox()
    with relay(inbox) as port, pytest.raises(GatewayRejected) as refused:
        await send(sender(port), content=CONTENT.model_copy(update={"subject": broken}))
    assert refused.value.code == "invalid_header"
    assert inbox.envelopes == []


@pytest.mark.parametrize("broken", ["https://a.example/\r\nBcc: victim@example.com"])
async def test_an_unsubscribe_link_with_a_line_break_is_refused(broken: str) -> None:
    content = EmailContent(subject="s", text="t", html="h", unsubscribe_url=broken)
    with pytest.raises(GatewayRejected):
        await send(sender(1), content=content)


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.com\r\nRCPT TO:<victim@example.com>",
        "anna@example.com, victim@example.com",
        "no-at-sign",
        "用户@example.com",
        "",
    ],
)
async def test_an_impossible_address_is_refused_before_a_connection_is_made(address: str) -> None:
    with pytest.raises(GatewayRejected) as refused:
        await send(sender(1), to=address)
    assert refused.value.code == "invalid_address"


async def test_an_international_domain_travels_as_punycode() -> None:
    inbox = Inbox()
    with relay(inbox) as port:
        await send(sender(port), to="anna@例子.中国")
    assert inbox.envelopes[0].rcpt_tos == ["anna@xn--fsqu00a.xn--fiqs8s"]


async def test_implicit_tls_encrypts_from_the_first_byte(tmp_path: Path) -> None:
    inbox, cert = Inbox(), certificate(tmp_path)
    with relay(inbox, ssl_context=cert.server) as port:
        await send(sender(port, tls="implicit", tls_context=cert.client))
    assert len(inbox.envelopes) == 1


async def test_starttls_encrypts_before_login_and_mail(tmp_path: Path) -> None:
    inbox, cert = Inbox(), certificate(tmp_path)
    with relay(
        inbox,
        tls_context=cert.server,
        require_starttls=True,
        authenticator=check_login,
        auth_required=True,
    ) as port:
        await send(
            sender(port, tls="starttls", username=USER, password=PASSWORD, tls_context=cert.client)
        )
    assert inbox.encrypted == [True]


async def test_three_connections_allowed_are_three_connections_open_and_no_more() -> None:
    # The relay answers only when three mails are there together, so fewer would wait for ever.
    inbox = Inbox(barrier=asyncio.Barrier(3))
    with relay(inbox) as port:
        through = sender(port, max_connections=3)
        await asyncio.gather(*(send(through, notification_id=f"N{n}") for n in range(21)))
    assert len({message["Message-ID"] for message in inbox.messages}) == 21
    assert inbox.most_at_once == 3


@pytest.mark.parametrize("wrong", ["", "Orderflow", "Orderflow <noreply>"])
def test_a_sender_that_is_not_an_address_is_refused_when_the_worker_starts(wrong: str) -> None:
    with pytest.raises(ValueError, match="@"):
        parse_sender(wrong)
