"""`bounce` as a mail server's pipe runs it: what it hands over, and how it ends."""

from __future__ import annotations

from uuid import uuid4

import pytest

from settings import reveal
from tests.cli.terminal import Outcome, Terminal
from tests.gateways.messaging.bounced import NOTIFICATION, report
from tests.house import House
from tests.serving import free_port

WHOLE = report("postfix_no_such_user").decode()


@pytest.fixture
def secret(house: House) -> str:
    return reveal(house.settings.smtp_bounce_secret)


async def bounce(terminal: Terminal, mail: str, **variables: str) -> Outcome:
    return await terminal.run("bounce", stdin=mail, **variables)


async def test_a_report_is_signed_and_handed_over(
    house: House, beside: Terminal, secret: str
) -> None:
    notification_id = f"N{uuid4().hex[:26].upper()}"

    told = await bounce(
        beside, WHOLE.replace(NOTIFICATION, notification_id), SMTP_BOUNCE_SECRET=secret
    )

    assert (told.code, told.out.strip(), told.err) == (0, "taken", "")
    (kept,) = await house.rows(
        "SELECT * FROM delivery_receipts WHERE notification_id = :id", id=notification_id
    )
    assert (kept.provider, kept.status, kept.code) == ("smtp", "undelivered", "5.1.1")


async def test_an_automatic_answer_is_dealt_with(beside: Terminal, secret: str) -> None:
    told = await bounce(beside, report("out_of_office").decode(), SMTP_BOUNCE_SECRET=secret)
    assert (told.code, told.out.strip()) == (0, "ignored: it is no delivery report")


async def test_of_a_long_mail_the_beginning_is_enough(
    house: House, beside: Terminal, secret: str
) -> None:
    notification_id = f"N{uuid4().hex[:26].upper()}"
    mail = report("exim_no_such_user", {NOTIFICATION: notification_id}).decode()
    long = mail.replace("<p>Your order", "<p>" + ("Your order" * 7 + "\r\n") * 20_000)
    assert len(long) > 1_000_000
    told = await bounce(beside, long, SMTP_BOUNCE_SECRET=secret)
    assert (told.code, told.out.strip()) == (0, "taken")


@pytest.mark.parametrize("mail", ["", "\r\n \r\n"])
async def test_nothing_on_stdin_is_a_data_error(beside: Terminal, secret: str, mail: str) -> None:
    told = await bounce(beside, mail, SMTP_BOUNCE_SECRET=secret)
    assert told.code == 65
    assert "no mail on stdin" in told.err


async def test_an_api_that_is_not_there_makes_the_mail_server_try_again(
    beside: Terminal, secret: str
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    told = await bounce(beside, WHOLE, SMTP_BOUNCE_SECRET=secret, ORDERFLOW_API=nowhere)
    assert told.code == 75
    assert "does not answer" in told.err


async def test_what_an_operator_can_mend_loses_no_mail(
    beside: Terminal, terminal: Terminal, secret: str
) -> None:
    wrong = await bounce(beside, WHOLE, SMTP_BOUNCE_SECRET="wrong")
    assert (wrong.code, "signature does not match" in wrong.err) == (75, True)
    unset = await bounce(beside, WHOLE)
    assert (unset.code, "SMTP_BOUNCE_SECRET is not set" in unset.err) == (75, True)
    lost = await bounce(terminal, WHOLE, SMTP_BOUNCE_SECRET=secret)
    assert (lost.code, "Where is the API?" in lost.err) == (75, True)
