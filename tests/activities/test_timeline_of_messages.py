"""What customers were told, as the order's timeline shows it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from rich.text import Text
from temporalio.exceptions import ApplicationError

from api.timeline import timeline
from cli import order_view
from db.notifications import Notification
from domain.notification import NotificationKind
from tests.activities.telling import AT, Counter
from tests.house import Json
from tests.serving import eventually_async

K = NotificationKind


async def told(counter: Counter) -> list[Json]:
    """The rows about messages; what happened to the order is not of interest here."""
    order = await counter.house.order(counter.order_id)
    return [entry for entry in order["timeline"] if entry["kind"].startswith("customer_")]


def line(entry: Json) -> str:
    """The row as an operator reads it at a terminal."""
    table = order_view.timeline({"payments": [], "timeline": [entry]})
    cells = [list(column.cells)[-1] for column in table.columns[1:]]
    return " | ".join(cell.plain for cell in cells if isinstance(cell, Text))


def channels(entry: Json) -> dict[str, tuple[str, str]]:
    return {one["channel"]: (one["state"], one["reason"]) for one in entry["channels"]}


async def test_one_row_tells_what_was_said_and_on_which_channels(counter: Counter) -> None:
    await counter.tell(K.ORDER_SHIPPED)

    (row,) = await told(counter)

    assert (row["kind"], row["message"], row["occasion"]) == ("customer_told", "order_shipped", "")
    assert channels(row) == {
        "email": ("sent", ""),
        "sms": ("sent", ""),
        "push": ("suppressed", "no_address"),
    }
    assert datetime.fromisoformat(row["at"]) == AT
    assert line(row) == "customer told: order shipped | e-mail, SMS"


async def test_a_message_that_waited_has_the_time_at_which_it_went_out(counter: Counter) -> None:
    counter.inbox.rcpt_reply = "451 later"
    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_PROCESSING)
    (waiting,) = await told(counter)
    assert (waiting["kind"], datetime.fromisoformat(waiting["at"])) == ("customer_to_be_told", AT)
    assert line(waiting) == "customer not told yet: order processing | e-mail: waits, rate limited"

    counter.inbox.rcpt_reply = ""
    later = AT + timedelta(minutes=30)
    await counter.tell(K.ORDER_PROCESSING, attempt=2, attempted_at=later)

    (row,) = await told(counter)
    assert (row["kind"], datetime.fromisoformat(row["at"])) == ("customer_told", later)
    assert line(row) == "customer told: order processing | e-mail"


async def test_what_no_channel_said_is_a_row_with_the_reasons(counter: Counter) -> None:
    counter.inbox.rcpt_reply = "550 5.1.1 no such user"
    counter.sms = None
    await counter.tell(K.ORDER_DELIVERED)
    await counter.execute(
        "UPDATE orders SET status = 'cancelled' WHERE id = :id", id=counter.order_id
    )
    await counter.tell(K.PAYMENT_DUE)

    delivered, due = await told(counter)

    assert delivered["kind"] == due["kind"] == "customer_not_told"
    assert channels(delivered)["email"][0] == "failed"
    assert channels(delivered)["sms"] == ("suppressed", "channel_off")
    assert line(delivered) == "customer not told: order delivered | e-mail: failed, address refused"
    assert line(due) == "customer not told: payment due | e-mail, SMS, push: no longer true"


async def test_a_channel_that_failed_is_named_beside_the_one_that_stepped_in(
    counter: Counter,
) -> None:
    counter.inbox.rcpt_reply = "550 5.1.1 no such user"
    await counter.tell(K.OUT_OF_STOCK)
    (row,) = await told(counter)
    assert line(row) == "customer told: out of stock | SMS; e-mail: failed, address refused"


async def test_the_operators_receipt_is_in_the_row(counter: Counter) -> None:
    await counter.tell(K.ORDER_SHIPPED)
    sent = (await counter.rows())["sms"]
    await counter.house.simulate(f"messages/{sent.provider}/{sent.message_id}/undelivered")

    async def arrived() -> bool:
        (row,) = await told(counter)
        receipts = {one["channel"]: one["receipt"] for one in row["channels"]}
        return receipts == {"email": "", "sms": "undelivered", "push": ""}

    await eventually_async(arrived)
    (row,) = await told(counter)
    assert line(row) == "customer told: order shipped | e-mail, SMS (undelivered)"


async def test_the_same_kind_on_two_occasions_is_two_rows(counter: Counter) -> None:
    for occasion in ("R1", "R2"):
        await counter.tell(K.ORDER_REFUNDED, occasion=occasion)
    assert [row["occasion"] for row in await told(counter)] == ["R1", "R2"]


async def test_a_kind_that_only_a_newer_worker_knows_is_shown_as_it_is() -> None:
    row = Notification(
        id="N1",
        order_id="O1",
        kind="order_praised",
        occasion="",
        channel="email",
        state="sent",
        created_at=AT,
        sent_at=AT,
        event={},
    )
    (entry,) = timeline([], [row])
    said = json.loads(entry.model_dump_json())
    assert (said["kind"], said["message"]) == ("customer_told", "order_praised")
    assert line(said) == "customer told: order praised | e-mail"
