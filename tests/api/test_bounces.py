"""Reports about mail arrive: genuine, forged, stale, twice, about nothing, and nonsense."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from domain.notification import Channel
from domain.unsubscribing import address_key
from tests.api.conftest import calling, codes
from tests.gateways.messaging.bounced import NOTIFICATION, report
from tests.house import House, Json
from tests.workflows.bouncing import PATH, signed, stand_ins


async def mailed(house: House, placed: Json, state: str = "sent") -> Any:
    """A mail about an order, as the worker leaves it behind; its row."""
    notification_id = f"N{uuid4().hex[:26].upper()}"
    async with house.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO notifications (id, order_id, kind, occasion, channel, state, provider,"
                " message_id, created_at, sent_at)"
                " VALUES (:id, :order, 'order_shipped', :id, 'email', :state,"
                " CASE WHEN :state = 'sent' THEN 'smtp' ELSE '' END,"
                " CASE WHEN :state = 'sent' THEN '<' || :id || '@shop.example.com>' ELSE '' END,"
                " now(), CASE WHEN :state = 'sent' THEN now() END)"
            ),
            {"id": notification_id, "order": placed["orderId"], "state": state},
        )
    return await found(house, notification_id)


async def found(house: House, notification_id: str) -> Any:
    (row,) = await house.rows("SELECT * FROM notifications WHERE id = :id", id=notification_id)
    return row


async def kept(house: House, notification_id: str) -> int:
    rows = await house.rows(
        "SELECT 1 FROM delivery_receipts WHERE notification_id = :id", id=notification_id
    )
    return len(rows)


def about(row: Any, name: str = "exim_mailbox_full") -> bytes:
    return report(name, {NOTIFICATION: row.id})


async def post(
    house: House, body: bytes, *, secret: str = "", at: datetime | None = None
) -> httpx.Response:
    headers = {"Content-Type": "message/rfc822", **signed(house, body, secret=secret, at=at)}
    return await house.http.post(house.api + PATH, content=body, headers=headers)


async def test_a_report_is_written_to_its_mail_once(house: House, placed: Json) -> None:
    row = await mailed(house, placed)

    answers = await asyncio.gather(*(post(house, about(row)) for _ in range(4)))

    assert [(one.status_code, one.json()) for one in answers] == [(200, {"status": "taken"})] * 4
    after = await found(house, row.id)
    assert (after.state, after.receipt, after.receipt_code) == ("sent", "undelivered", "5.2.2")
    assert await kept(house, row.id) == 1
    assert await stand_ins(house, row) == []


async def test_a_delay_is_noted_and_what_follows_it_counts(house: House, placed: Json) -> None:
    row = await mailed(house, placed)
    for name, receipt, code in (
        ("postfix_delayed", "sent", "4.4.1"),
        ("postfix_given_up", "undelivered", "4.4.1"),
        ("postfix_delayed", "undelivered", "4.4.1"),
        ("postfix_delivered", "delivered", "2.0.0"),
    ):
        assert (await post(house, about(row, name))).status_code == 200
        after = await found(house, row.id)
        assert (after.receipt, after.receipt_code) == (receipt, code)
    assert await kept(house, row.id) == 3


@pytest.mark.parametrize("state", ["sending", "unknown"])
async def test_a_bounce_proves_that_a_mail_was_taken(
    house: House, placed: Json, state: str
) -> None:
    """Its Message-ID alone names it: who never heard the relay's answer wrote none down."""
    row = await mailed(house, placed, state)
    assert row.message_id == ""

    assert (await post(house, about(row))).status_code == 200

    after = await found(house, row.id)
    assert (after.state, after.provider, after.receipt) == ("sent", "smtp", "undelivered")


async def test_a_report_about_mail_says_nothing_of_a_text_message(
    house: House, placed: Json
) -> None:
    """The ids of texts and pushes are seen by others, and anybody may write a report."""
    row = await mailed(house, placed)
    async with house.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE notifications SET channel = 'sms', state = 'pending', sent_at = NULL,"
                " provider = '', message_id = '' WHERE id = :id"
            ),
            {"id": row.id},
        )

    answer = await post(house, about(row, "postfix_no_such_user"))

    assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    after = await found(house, row.id)
    assert (after.state, after.receipt) == ("pending", "")
    (order,) = await house.rows(
        "SELECT customer ->> 'phone' AS phone FROM orders WHERE id = :id", id=placed["orderId"]
    )
    refused = "SELECT 1 FROM channel_states WHERE address_key = :key AND provider = 'smtp'"
    assert await house.rows(refused, key=address_key(Channel.SMS, order.phone)) == []


async def test_a_forged_or_changed_or_unsigned_report_changes_nothing(
    house: House, placed: Json
) -> None:
    row = await mailed(house, placed)
    body = about(row)
    changed = await house.http.post(
        house.api + PATH, content=body + b" ", headers=signed(house, body)
    )
    unsigned = await house.http.post(house.api + PATH, content=body)
    for answer in (await post(house, body, secret="wrong"), changed, unsigned):
        assert (answer.status_code, codes(answer)) == (401, ["callback_invalid"])
    assert (await found(house, row.id)).receipt == ""
    assert await kept(house, row.id) == 0


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
async def test_a_stale_report_and_one_from_the_future_are_refused(
    house: House, placed: Json, age: timedelta
) -> None:
    row = await mailed(house, placed)
    answer = await post(house, about(row), at=datetime.now(UTC) - age)
    assert (answer.status_code, codes(answer)) == (401, ["callback_invalid"])
    assert await kept(house, row.id) == 0


async def test_without_a_secret_nobody_listens(house: House) -> None:
    settings = house.settings.model_copy(update={"smtp_bounce_secret": None})
    body = report("postfix_no_such_user")
    async with calling(create_app(settings, client=house.client)) as api:
        answer = await api.post(PATH, content=body, headers=signed(house, body))
    assert (answer.status_code, codes(answer)) == (404, ["callbacks_off"])


@pytest.mark.parametrize("length", ["announced", "hidden"])
async def test_a_report_that_is_too_big_is_not_read(house: House, length: str) -> None:
    body = report("postfix_no_such_user") + b"x" * 256 * 1024

    async def pieces() -> Any:
        yield body

    answer = await house.http.post(
        house.api + PATH,
        content=body if length == "announced" else pieces(),
        headers=signed(house, body),
    )
    assert (answer.status_code, codes(answer)) == (413, ["body_too_large"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (report("out_of_office"), "it is no delivery report"),
        (report("read_receipt"), "it is no delivery report"),
        (b"\x00\xff" * 500, "it is no delivery report"),
        (b"", "it is no delivery report"),
        (b"Content-Type: message/rfc822\r\n\r\n" * 4000, "its parts are nested too deeply"),
    ],
)
async def test_a_mail_that_is_no_report_is_taken_and_says_why_nothing_comes_of_it(
    house: House, body: bytes, reason: str
) -> None:
    answer = await post(house, body)
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "reason": reason})


async def test_a_report_of_a_mail_that_nobody_knows_is_kept_and_acknowledged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = f"N{uuid4().hex[:26].upper()}"
    body = report("postfix_no_such_user", {NOTIFICATION: stranger})
    assert (await post(house, body)).json() == {"status": "taken"}
    assert await kept(house, stranger) == 1
    assert "receipt_of_unknown_message" in caplog.messages
    assert "li.wei" not in str([one.__dict__ for one in caplog.records if "orderflow" in one.name])


@pytest.mark.parametrize("identity", ["%00%00", "%ff%fe", "薇", "x" * 190, "%ED%A0%80"])
async def test_whatever_a_report_calls_its_mail_it_is_answered(house: House, identity: str) -> None:
    body = report("postfix_no_such_user", {NOTIFICATION: identity})
    assert (await post(house, body)).status_code == 200
