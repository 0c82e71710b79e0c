"""The simulated WeChat Pay's notifications, verified and decrypted by somebody else's SDK."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.simulator_kit import Delivery, eventually
from tests.sandbox.wechatpay_kit import PUBLIC_KEY_ID, Merchant, merchant, new_number


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


def callbacks(shop: Merchant, number: str) -> list[tuple[int | None, str]]:
    return [(e.status, e.verdict) for e in shop.journal(number, "callback")]


async def test_a_payment_is_told_at_the_address_of_its_request(shop: Merchant) -> None:
    number = await shop.paid()
    (delivery,) = await shop.told(number)
    event = shop.opened(delivery)
    query = await shop.call("query", out_trade_no=number)

    assert event is not None
    assert str(event["id"]).startswith("EV-")
    assert (event["event_type"], event["resource_type"], event["summary"]) == (
        "TRANSACTION.SUCCESS",
        "encrypt-resource",
        "支付成功",
    )
    assert event["resource"] == query.body
    assert shop.async_sdk.callback(delivery.headers, delivery.raw) == event


async def test_a_notification_proves_itself_and_hides_its_content(shop: Merchant) -> None:
    number = await shop.paid()
    (delivery,) = await shop.told(number)
    resource = delivery.body["resource"]

    assert delivery.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    assert abs(time.time() - int(delivery.headers["wechatpay-timestamp"])) < 60
    assert isinstance(resource, dict)
    assert len(resource["nonce"]) == 12
    assert (resource["original_type"], resource["associated_data"]) == (
        "transaction",
        "transaction",
    )
    assert number.encode() not in delivery.raw


async def test_a_changed_notification_is_not_believed(shop: Merchant) -> None:
    (delivery,) = await shop.told(await shop.paid())
    parsed = json.loads(delivery.raw)
    changed = json.dumps({**parsed, "event_type": "REFUND.SUCCESS"}).encode()
    reordered = json.dumps(parsed).encode()

    for raw in (changed, reordered):
        assert shop.opened(dataclasses.replace(delivery, raw=raw)) is None


async def test_a_notification_that_is_not_taken_comes_again_signed_anew(shop: Merchant) -> None:
    number = await shop.order()
    shop.answers[number] = [500, 404, 202]
    shop.pays(number)
    deliveries = await shop.told(number, 4)
    await eventually(lambda: len(callbacks(shop, number)) == 4)

    events = [shop.opened(delivery) for delivery in deliveries]
    assert [event["id"] for event in events if event] == [deliveries[0].body["id"]] * 4
    assert len({delivery.headers["wechatpay-nonce"] for delivery in deliveries}) == 4
    # Only 200 and 204 count as taken.
    assert callbacks(shop, number) == [
        (500, "retrying"),
        (404, "retrying"),
        (202, "retrying"),
        (200, "delivered"),
    ]


async def test_a_204_is_as_good_as_a_200(shop: Merchant) -> None:
    number = await shop.order()
    shop.answers[number] = [204]
    shop.pays(number)
    await eventually(lambda: callbacks(shop, number) == [(204, "delivered")])


async def test_a_probe_must_fail_and_the_true_one_follows(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("bad_signature", "TRANSACTION.SUCCESS", match={"paymentId": number})
    shop.answers[number] = [401]
    shop.pays(number)
    probe, true = await shop.told(number, 2)

    assert probe.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
    assert shop.opened(probe) is None
    assert shop.opened(true) is not None


async def test_duplicates_are_one_event(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("duplicate_callbacks", "TRANSACTION.SUCCESS", count=3, match={"paymentId": number})
    shop.pays(number)

    assert len({str(d.body["id"]) for d in await shop.told(number, 3)}) == 1


async def test_a_lost_notification_leaves_only_the_query(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("drop_callbacks", "TRANSACTION.SUCCESS", match={"orderId": "O" + number[1:]})
    shop.pays(number)

    assert callbacks(shop, number) == [(None, "dropped")]
    assert await shop.state(number) == "SUCCESS"
    assert shop.about(number) == []


async def test_a_late_notification_is_overtaken_by_its_refund(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("delay_callbacks", "TRANSACTION.SUCCESS", seconds=0.8, match={"paymentId": number})
    shop.pays(number)
    await shop.refund(number, 8888)
    events = [shop.opened(delivery) for delivery in await shop.told(number, 2)]

    assert [event["event_type"] for event in events if event] == [
        "REFUND.SUCCESS",
        "TRANSACTION.SUCCESS",
    ]
    # What is told is what was true then, not what is true now.
    assert events[1] is not None
    resource = events[1]["resource"]
    assert isinstance(resource, dict)
    assert resource["trade_state"] == "SUCCESS"


async def test_nothing_is_told_about_a_close(shop: Merchant) -> None:
    number = await shop.order()
    await shop.call("close", out_trade_no=number)

    assert callbacks(shop, number) == []


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    state, refund_no = tmp_path / "simulator.db", new_number("R")
    async with merchant(state) as before:
        number = await before.order()
        before.answers[number] = [500]
        before.pays(number)
        await before.refund(number, 100, out_refund_no=refund_no, notify_url=None)
        await before.told(number)

    async with merchant(state) as after:
        await eventually(lambda: after.held(number)["refunded"] == 100)
        again = await after.refund(number, 100, out_refund_no=refund_no)
        same = await after.call("query_refund", out_refund_no=refund_no)
        # The receiver has another port now: what is undelivered stays on its way.
        (undelivered,) = after.world.outbox.undelivered()

    assert (again.status, same.body["status"]) == (200, "SUCCESS")
    assert again.body["refund_id"] == same.body["refund_id"]
    assert undelivered.event.type == "TRANSACTION.SUCCESS"
    assert undelivered.attempt >= 1


async def test_customers_may_pay_by_themselves(shop: Merchant) -> None:
    defaults = shop.world.schedule.defaults
    shop.world.schedule.defaults = defaults.model_copy(update={"auto_pay": 0.05})
    try:
        number = await shop.order()
        deliveries: list[Delivery] = await shop.told(number)
    finally:
        shop.world.schedule.defaults = defaults

    assert shop.opened(deliveries[0]) is not None
    assert shop.held(number)["captured"] == 8888
