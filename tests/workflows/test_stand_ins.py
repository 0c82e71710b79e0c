"""A mail that was accepted comes back: a text message steps in, once, however late."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from domain.ids import after_sales_workflow_id, stand_in_workflow_id
from tests.api.test_outages import assert_unavailable, without_temporal
from tests.faults import When
from tests.house import House, Json
from tests.workflows.bouncing import (
    PATH,
    bounce,
    message,
    refused,
    signed,
    somebody,
    stand_ins,
    texts,
    until_message,
    written_report,
)
from tests.workflows.journey import cancel
from tests.workflows.returning import delivered_order, pass_time, returned

OURS = ("orderflow.api", "orderflow.worker", "temporalio.activity", "temporalio.workflow")


async def out_of_stock(house: House) -> Json:
    """An order that waits for goods, whose customer was told so by mail; the request and answer."""
    body = somebody(await house.add_product(stock=0))
    answer = await house.call("POST", "/orders", json=body)
    assert answer.status_code == 202, answer.text
    placed: Json = {**body, **answer.json()}
    await until_message(house, placed["orderId"], "out_of_stock")
    return placed


async def done(house: House, notification_id: str) -> None:
    """Wait until what was started for a lost message has ended."""
    await house.client.get_workflow_handle(stand_in_workflow_id(notification_id)).result()


async def test_an_address_that_does_not_exist_is_refused_and_a_text_steps_in_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    placed = await out_of_stock(house)
    order_id, email = placed["orderId"], placed["customerInfo"]["email"]
    mail = await message(house, order_id, "out_of_stock")
    assert await message(house, order_id, "out_of_stock", "sms") is None

    for _ in range(3):
        answer = await bounce(house, mail)
        assert (answer.status_code, answer.json()) == (200, {"status": "taken"})
    await done(house, mail.id)

    lost = await message(house, order_id, "out_of_stock")
    assert (lost.state, lost.receipt, lost.receipt_code) == ("sent", "undelivered", "5.1.1")
    text = await message(house, order_id, "out_of_stock", "sms")
    assert text.state == "sent"
    (sms,) = await texts(house, text)
    assert sms["to"] == placed["customerInfo"]["phone"].removeprefix("+86")
    assert len(await stand_ins(house, mail)) == 1
    (reason,) = await refused(house, email)
    assert (reason.state, reason.provider, reason.code) == ("refused", "smtp", "5.1.1")
    shown = (await house.order(order_id))["notifications"]
    assert {(one["channel"], one["receipt"]) for one in shown} >= {("email", "undelivered")}

    await cancel(house, order_id)
    later = await until_message(house, order_id, "order_cancelled", state="suppressed")
    assert later.error == "address_refused"
    history = await house.client.get_workflow_handle(stand_in_workflow_id(mail.id)).fetch_history()
    logs = [str(record.__dict__) for record in caplog.records if record.name in OURS]
    written = history.to_json() + "".join(logs)
    for personal in (email, placed["customerInfo"]["phone"], "李薇"):
        assert personal not in written
    await house.assert_laws_hold()


async def test_an_order_that_was_completed_long_ago_is_still_told(house: House) -> None:
    body = somebody(await house.add_product(stock=2))
    order = await delivered_order(house, body)
    order_id = order["orderId"]
    await house.pass_time(order_id, timedelta(hours=25))
    await house.handle(order_id).result()
    case = await returned(house, order, {1: 1})
    assert case["state"] == "approved"
    mail = await until_message(house, order_id, "return_approved")
    # The goods do not come back, and after-sales ends as well.
    await pass_time(house, order, timedelta(days=15))
    await house.client.get_workflow_handle(after_sales_workflow_id(order_id)).result()

    assert (await bounce(house, mail)).status_code == 200
    await done(house, mail.id)

    text = await message(house, order_id, "return_approved", "sms")
    assert len(await texts(house, text)) == 1
    assert text.sent_at > mail.sent_at
    await house.assert_laws_hold()


async def test_a_full_mailbox_is_told_by_text_and_mailed_again_later(house: House) -> None:
    placed = await out_of_stock(house)
    order_id = placed["orderId"]
    mail = await message(house, order_id, "out_of_stock")

    assert (await bounce(house, mail, "failed", "5.2.2")).status_code == 200
    await done(house, mail.id)

    assert (await message(house, order_id, "out_of_stock", "sms")).state == "sent"
    assert await refused(house, placed["customerInfo"]["email"]) == []
    await cancel(house, order_id)
    await until_message(house, order_id, "order_cancelled")


@pytest.mark.parametrize(
    ("action", "status", "receipt"),
    [
        ("delayed", "4.4.1", "sent"),
        ("relayed", "2.0.0", "sent"),
        ("delivered", "2.0.0", "delivered"),
    ],
)
async def test_a_mail_that_is_on_its_way_or_there_needs_no_stand_in(
    house: House, action: str, status: str, receipt: str
) -> None:
    placed = await out_of_stock(house)
    mail = await message(house, placed["orderId"], "out_of_stock")

    assert (await bounce(house, mail, action, status)).status_code == 200

    assert (await message(house, placed["orderId"], "out_of_stock")).receipt == receipt
    assert await stand_ins(house, mail) == []
    assert await refused(house, placed["customerInfo"]["email"]) == []
    await cancel(house, placed["orderId"])


async def test_a_kind_that_nobody_steps_in_for_starts_nothing(house: House) -> None:
    """A cancellation's mail and text go out side by side."""
    placed = await out_of_stock(house)
    order_id = placed["orderId"]
    await cancel(house, order_id)
    mail = await until_message(house, order_id, "order_cancelled")
    text = await until_message(house, order_id, "order_cancelled", "sms")

    assert (await bounce(house, mail)).status_code == 200

    assert (await message(house, order_id, "order_cancelled")).receipt == "undelivered"
    assert mail.event == {}
    assert await stand_ins(house, mail) == []
    assert len(await texts(house, text)) == 1
    assert len(await refused(house, placed["customerInfo"]["email"])) == 1


async def test_what_is_no_longer_true_is_not_told_in_place_of_a_lost_mail(house: House) -> None:
    placed = await out_of_stock(house)
    order_id = placed["orderId"]
    mail = await message(house, order_id, "out_of_stock")
    await cancel(house, order_id)
    await house.until(order_id, status="cancelled")

    assert (await bounce(house, mail)).status_code == 200
    await done(house, mail.id)

    text = await message(house, order_id, "out_of_stock", "sms")
    assert (text.state, text.error) == ("suppressed", "no_longer_true")
    assert await texts(house, text) == []


async def test_a_message_that_was_stored_without_its_event_has_no_stand_in(house: House) -> None:
    """As those that were sent before there were any."""
    placed = await out_of_stock(house)
    mail = await message(house, placed["orderId"], "out_of_stock")
    await house.rows_changed("UPDATE notifications SET event = '{}' WHERE id = :id", id=mail.id)

    assert (await bounce(house, mail)).status_code == 200

    assert (await message(house, placed["orderId"], "out_of_stock")).receipt == "undelivered"
    assert await stand_ins(house, mail) == []
    await cancel(house, placed["orderId"])


async def test_without_temporal_the_report_is_stored_and_must_come_again(house: House) -> None:
    placed = await out_of_stock(house)
    order_id = placed["orderId"]
    mail = await message(house, order_id, "out_of_stock")

    async with without_temporal(house) as api:
        body = written_report(house, mail, "failed", "5.1.1")
        answer = await api.post(PATH, content=body, headers=signed(house, body))
    assert_unavailable(answer)
    assert (await message(house, order_id, "out_of_stock")).receipt == "undelivered"
    assert await stand_ins(house, mail) == []

    assert (await bounce(house, mail)).status_code == 200
    await done(house, mail.id)
    assert len(await texts(house, await message(house, order_id, "out_of_stock", "sms"))) == 1
    await cancel(house, order_id)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_worker_that_loses_its_answer_texts_once(house: House, when: When) -> None:
    placed = await out_of_stock(house)
    order_id = placed["orderId"]
    mail = await message(house, order_id, "out_of_stock")
    fault = house.faults.add(stand_in_workflow_id(mail.id), "tell_instead", when)

    await asyncio.gather(*(bounce(house, mail) for _ in range(4)))
    await done(house, mail.id)

    assert fault.hits == 1
    assert len(await texts(house, await message(house, order_id, "out_of_stock", "sms"))) == 1
    await cancel(house, order_id)


async def test_a_stand_in_that_failed_for_good_is_begun_again_by_the_next_report(
    house: House,
) -> None:
    placed = await out_of_stock(house)
    order_id = placed["orderId"]
    mail = await message(house, order_id, "out_of_stock")
    await house.worker.stop()
    try:
        await bounce(house, mail)
        await house.client.get_workflow_handle(stand_in_workflow_id(mail.id)).terminate("lost")
    finally:
        await house.worker.start()

    await bounce(house, mail)
    await done(house, mail.id)

    states = [run.status for run in await stand_ins(house, mail)]
    assert sorted(states, key=str) == sorted(
        [WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.TERMINATED], key=str
    )
    assert len(await texts(house, await message(house, order_id, "out_of_stock", "sms"))) == 1
    await cancel(house, order_id)
