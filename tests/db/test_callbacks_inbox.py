"""The inbox: nothing in it is forgotten, nothing is applied twice, nothing holds up the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig
from temporalio.testing import ActivityEnvironment

from activities.inbox import (
    Courier,
    Inbox,
    Reception,
    RedeliverCallbacks,
    Redelivered,
    find_callback_payment,
    pause_after,
)
from db import callbacks
from db.callbacks import Callback
from db.engine import Sessions, connect, session_factory
from domain.tracking import TrackingSnapshot, TrackingStatus
from tests.api.test_callbacks import (
    from_stripe,
    from_warehouse,
    id_of,
    shipping_news,
    stripe_event,
)
from tests.db.healthy import Shop
from tests.house import House, Json
from tests.serving import eventually_async, free_port
from tests.workflows.journey import cancel, mishap, new_order, place, until_ended

AT_ONCE = RedeliverCallbacks(confirmation_time=timedelta())


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = connect(database_url, pool_size=4)
    yield session_factory(engine)
    await engine.dispose()


@pytest.fixture
async def courier(sessions: Sessions) -> Courier:
    """One who does not reach Temporal."""
    return Courier(sessions, await Client.connect(f"127.0.0.1:{free_port()}", lazy=True), "nobody")


@pytest.fixture
def inbox(sessions: Sessions, courier: Courier) -> Inbox:
    return Inbox(sessions, courier)


async def keep(
    sessions: Sessions,
    source: str = "payment:stripe",
    *,
    ago: timedelta = timedelta(minutes=1),
    **changes: Any,
) -> Callback:
    """Put a callback into the inbox."""
    values: Json = {
        "event_id": uuid4().hex,
        "kind": "payment_intent.succeeded",
        "subject": "",
        "order_id": "",
        "headers": {},
        "content": {},
        "body": b"{}",
        **changes,
    }
    async with sessions.begin() as session:
        return await callbacks.store_callback(
            session, source=source, at=datetime.now(UTC) - ago, **values
        )


async def parcel_news(
    sessions: Sessions, order_id: str, status: TrackingStatus, **changes: Any
) -> Callback:
    snapshot = TrackingSnapshot(
        tracking_number=f"SF{order_id}", carrier="sf-express", status=status
    )
    return await keep(
        sessions,
        "tracking:aftership",
        subject=snapshot.tracking_number,
        order_id=order_id,
        content=snapshot.model_dump(mode="json"),
        **changes,
    )


async def look(sessions: Sessions, callback: Callback) -> Callback:
    """The callback as it is stored now."""
    async with sessions() as session:
        return await session.get_one(Callback, callback.id)


async def sweep(inbox: Inbox) -> Redelivered:
    return await ActivityEnvironment().run(inbox.redeliver_callbacks, AT_ONCE)


async def until_applied(sessions: Sessions, callback: Callback) -> None:
    async def applied() -> bool:
        return (await look(sessions, callback)).applied_at is not None

    await eventually_async(applied)


async def stored(house: House, event_id: str) -> Callback:
    (row,) = await house.rows("SELECT id FROM callback_inbox WHERE event_id = :id", id=event_id)
    async with house.sessions() as session:
        return await session.get_one(Callback, row.id)


async def test_an_early_callback_is_kept_and_delivered_when_its_payment_appears(
    house: House,
) -> None:
    key, order_id = new_order(house)
    product = await house.add_product(stock=1)
    # The provider has made the payment, but its answers are lost: we do not know its name for it.
    await mishap(house, "stripe", "create", "error_after_commit", times=2, orderId=order_id)
    placing = asyncio.create_task(place(house, key, product))

    async def made() -> list[Json]:
        return await house.at_provider(order_id)

    (payment,) = await eventually_async(made)
    event = stripe_event(intent=payment["providerRef"])
    assert (await from_stripe(house, event)).status_code == 200
    early = await stored(house, id_of(event))
    assert (early.order_id, early.applied_at) == ("", None)

    await placing
    async with house.sessions.begin() as session:
        (await session.get_one(Callback, early.id)).received_at -= timedelta(minutes=1)
    await house.sweep()

    await until_applied(house.sessions, early)
    assert (await look(house.sessions, early)).order_id == order_id


async def test_a_callback_that_names_only_the_captured_money_finds_its_payment(
    sessions: Sessions,
) -> None:
    names = await Shop(sessions).confirmed()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE payments SET capture_ref = 'ch_1'"))
        content = {"payment_id": "", "provider_ref": "", "capture_ref": "ch_1"}

        payment = await find_callback_payment(session, "payment:stripe", content)
        of_another = await find_callback_payment(session, "payment:paypal", content)

    assert payment is not None
    assert (payment.id, of_another) == (names.payment, None)


async def test_callbacks_that_never_find_anybody_do_not_keep_others_waiting(
    sessions: Sessions, inbox: Inbox
) -> None:
    names = await Shop(sessions).shipped()
    for number in range(210):
        # The worst kind: an order is known, and what is stored cannot even be read.
        order_id = names.order if number % 2 else ""
        await keep(sessions, "warehouse", order_id=order_id, ago=timedelta(hours=1))
    newest = await parcel_news(sessions, names.order, TrackingStatus.IN_TRANSIT)

    swept = await sweep(inbox)
    assert 0 < swept.found <= 200
    assert (await look(sessions, newest)).applied_at is None
    sweeps = 1
    while swept.found and sweeps < 10:
        swept, sweeps = await sweep(inbox), sweeps + 1

    # Each was tried once and rests now; the newest needed one try only.
    assert (await look(sessions, newest)).applied_at is not None
    assert swept.unapplied == 210


async def test_among_those_whose_turn_has_come_the_least_tried_are_first(
    sessions: Sessions, inbox: Inbox
) -> None:
    tried = [await keep(sessions, ago=timedelta(hours=2)) for _ in range(3)]
    await sweep(inbox)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE callback_inbox SET next_attempt_at = now()"))
    new = await keep(sessions)

    async with sessions() as session:
        now = datetime.now(UTC)
        turn = await callbacks.due(session, now, received_before=now)

    assert [callback.id for callback in turn] == [new.id, *(callback.id for callback in tried)]


async def test_a_callback_rests_longer_after_each_try(sessions: Sessions, inbox: Inbox) -> None:
    callback = await keep(sessions)

    assert (await sweep(inbox)).found == 1
    again = await sweep(inbox)

    assert (again.found, again.unapplied) == (0, 1)
    rests = await look(sessions, callback)
    assert rests.delivery_attempts == 1
    assert rests.next_attempt_at is not None
    pause = rests.next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=50) < pause <= timedelta(minutes=1)
    minutes = [pause_after(attempts) / timedelta(minutes=1) for attempts in (0, 1, 2, 3, 4, 99)]
    assert minutes == [1, 2, 4, 8, 15, 15]


async def test_a_callback_that_may_still_be_confirmed_is_left_alone(
    sessions: Sessions, inbox: Inbox
) -> None:
    await keep(sessions, ago=timedelta(seconds=20))

    swept = await ActivityEnvironment().run(inbox.redeliver_callbacks, RedeliverCallbacks())

    assert (swept.found, swept.unapplied) == (0, 1)


async def test_a_sweep_that_does_not_reach_temporal_forgets_nothing(
    sessions: Sessions, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    names = await Shop(sessions).waiting_for_payment()
    callback = await keep(
        sessions, order_id=names.order, content={"topic": "payment", "payment_id": names.payment}
    )

    assert (await sweep(inbox)).unapplied == 1

    assert (await look(sessions, callback)).applied_at is None
    (record,) = [r for r in caplog.records if r.message == "callback_not_delivered"]
    assert record.__dict__["callback_id"] == callback.id


async def test_an_event_that_changes_nothing_is_put_away(sessions: Sessions, inbox: Inbox) -> None:
    await keep(sessions, content={"topic": "other"})

    assert (await sweep(inbox)).unapplied == 0


async def test_news_for_an_order_that_has_ended_is_noted_once(house: House) -> None:
    placed = await house.place(await house.add_product(stock=1))
    order_id = placed["orderId"]
    await cancel(house, order_id)
    await until_ended(house, order_id)
    news = shipping_news(order_id)

    await from_warehouse(house, news)
    callback = await stored(house, news["eventId"])
    courier = Courier(house.sessions, house.client, "orders")
    again = await courier.deliver(callback)

    assert callback.applied_at is not None
    assert again.reception is Reception.FILED
    kinds = [entry["kind"] for entry in (await house.order(order_id))["timeline"]]
    assert kinds.count("news_after_the_end") == 1


async def test_money_for_an_order_that_has_ended_is_looked_at_as_often_as_it_is_told(
    house: House,
) -> None:
    placed = await house.place(await house.add_product(stock=1))
    order_id = placed["orderId"]
    await cancel(house, order_id)
    await until_ended(house, order_id)
    event = stripe_event(placed["payment"]["paymentId"])

    await from_stripe(house, event)
    callback = await stored(house, id_of(event))
    await until_applied(house.sessions, callback)
    first = (await look(house.sessions, callback)).applied_at
    await house.client.get_workflow_handle(f"late-{callback.id}").result()
    again = await Courier(house.sessions, house.client, "orders").deliver(callback)

    assert (again.reception, again.order_id) == (Reception.LATE_MONEY, order_id)
    await house.client.get_workflow_handle(f"late-{callback.id}").result()
    assert (await look(house.sessions, callback)).applied_at == first
    assert (await house.order(order_id))["status"] == "cancelled"


async def test_a_parcel_is_not_turned_back_by_old_news_that_is_delivered_again(
    sessions: Sessions, courier: Courier
) -> None:
    names = await Shop(sessions).shipped()
    callback = await parcel_news(sessions, names.order, TrackingStatus.IN_TRANSIT)
    await courier.deliver(callback)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE shipments SET status = 'out_for_delivery'"))

    again = await courier.deliver(await look(sessions, callback))

    assert again.reception is Reception.FILED


async def test_the_workers_metrics_tell_how_much_waits_and_how_long(
    sessions: Sessions, inbox: Inbox
) -> None:
    buffer = MetricBuffer(1000)
    environment = ActivityEnvironment()
    environment.metric_meter = Runtime(telemetry=TelemetryConfig(metrics=buffer)).metric_meter
    await keep(sessions, ago=timedelta(minutes=3))
    await keep(sessions, "warehouse")

    await environment.run(inbox.redeliver_callbacks, AT_ONCE)

    told = {update.metric.name: update.value for update in buffer.retrieve_updates()}
    assert told["orderflow_callbacks_unapplied"] == 2
    assert 180 <= told["orderflow_callbacks_oldest_unapplied_seconds"] < 240
    swept = told["orderflow_callbacks_swept_timestamp_seconds"]
    assert abs(swept - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize(("minutes", "alarmed"), [(14, False), (16, True)])
async def test_one_that_waits_for_a_quarter_of_an_hour_is_an_error_in_the_log(
    sessions: Sessions,
    inbox: Inbox,
    caplog: pytest.LogCaptureFixture,
    minutes: int,
    *,
    alarmed: bool,
) -> None:
    await keep(sessions, ago=timedelta(minutes=minutes))

    await sweep(inbox)

    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [error.message for error in errors] == ["callbacks_stuck"] * alarmed
    for error in errors:
        assert error.__dict__["unapplied"] == {"payment:stripe": 1}
        assert error.__dict__["oldest_seconds"] >= 960
