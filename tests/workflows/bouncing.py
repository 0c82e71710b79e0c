"""Mails that come back, and what else the customer is told then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from aiosmtpd.smtp import Envelope
from temporalio.client import WorkflowExecution

from domain.ids import stand_in_workflow_id
from domain.notification import Channel
from domain.unsubscribing import address_key
from gateways.signatures import SIGNATURE_HEADER, sign
from sandbox.mail.bounces import compose_report
from settings import reveal
from tests.house import House, Json, order_for
from tests.serving import eventually_async

PATH = "/callbacks/messages/email"


def somebody(product: str) -> Json:
    """A request of a customer whose addresses nobody else has."""
    number = uuid4().int
    info = order_for(product)["customerInfo"]
    return order_for(
        product,
        customerId=f"C-{number % 10**12}",
        customerInfo={
            **info,
            "email": f"li.{number % 10**12}@example.com",
            "phone": f"+86138{number % 10**8:08d}",
        },
    )


async def message(house: House, order_id: str, kind: str, channel: str = "email") -> Any:
    """The row of an order's one message of this kind; None if there is none."""
    rows = await house.rows(
        "SELECT * FROM notifications WHERE order_id = :id AND kind = :kind AND channel = :channel",
        id=order_id,
        kind=kind,
        channel=channel,
    )
    assert len(rows) < 2, rows
    return rows[0] if rows else None


async def until_message(
    house: House, order_id: str, kind: str, channel: str = "email", state: str = "sent"
) -> Any:
    """Wait until a message is in that state; its row."""
    last: Any = None

    async def look() -> bool:
        nonlocal last
        last = await message(house, order_id, kind, channel)
        return last is not None and last.state == state

    await eventually_async(look)
    return last


def written_report(house: House, row: Any, action: str, status: str) -> bytes:
    """What a mail system writes about a mail that our relay accepted."""
    mail = next(one for one in house.mailbox.envelopes if _is(one, row.message_id))
    assert mail.mail_from == "bounces@shop.example.com"
    assert isinstance(mail.content, bytes)
    trace = f"Delivered-To: {mail.rcpt_tos[0]}\r\nReturn-Path: <{mail.mail_from}>\r\n"
    return compose_report(trace.encode() + mail.content, action, status, datetime.now(UTC))


def signed(
    house: House, body: bytes, *, secret: str = "", at: datetime | None = None
) -> dict[str, str]:
    """The headers with which our mail server passes a report on."""
    key = secret or reveal(house.settings.smtp_bounce_secret)
    return {SIGNATURE_HEADER: sign(body, key, at or datetime.now(UTC))}


async def bounce(
    house: House, row: Any, action: str = "failed", status: str = "5.1.1"
) -> httpx.Response:
    """A report on a mail arrives; the API's answer."""
    body = written_report(house, row, action, status)
    return await house.http.post(house.api + PATH, content=body, headers=signed(house, body))


async def texts(house: House, row: Any) -> list[Json]:
    """The text messages that reached the phone for a message of ours."""
    state = (
        await house.http.get(f"{house.simulator}/_sim/state", params={"limit": 100_000})
    ).json()
    return [one for one in state["aliyunMessages"] if one["notificationId"] == row.id]


async def refused(house: House, email: str) -> list[Any]:
    """Why mail to an address is not tried any more."""
    return await house.rows(
        "SELECT * FROM channel_states WHERE address_key = :key",
        key=address_key(Channel.EMAIL, email),
    )


async def stand_ins(house: House, row: Any) -> list[WorkflowExecution]:
    """The runs of the workflow that tells in place of a message."""
    query = f"WorkflowId = '{stand_in_workflow_id(row.id)}'"
    return [run async for run in house.client.list_workflows(query)]


def _is(envelope: Envelope, message_id: str) -> bool:
    assert isinstance(envelope.content, bytes)
    return message_id.encode() in envelope.content
