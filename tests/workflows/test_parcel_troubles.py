"""What goes wrong with a parcel: an operator is asked, the customer told, the money seen to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    kinds,
    last_mail,
    mails,
    mishap,
    ship,
    until_mailed,
)
from tests.workflows.splitting import FAR, NEAR, move, picked, ship_from, until_parcel
from tests.workflows.troubles import assert_refunded, close, refunded, until_task


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def deliver(house: House, order_id: str, number: str) -> Json:
    await move(house, number, "delivered")
    order = await house.until(order_id, shippingStatus="delivered", paymentStatus="paid")
    assert not [task for task in order["tasks"] if task["state"] == "open"]
    return order


async def test_two_days_without_a_scan_are_told_once_and_end_with_the_next_scan(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await house.pass_time(order_id, timedelta(hours=47))
    assert (await house.order(order_id))["tasks"] == []

    await house.pass_time(order_id, timedelta(hours=6))

    task = await until_task(house, order_id, "parcel_no_scan")
    assert (task["trackingNumber"], task["urgent"]) == (number, False)
    await until_mailed(house, order_id, "delivery_update")
    assert "没有更新物流信息" in await last_mail(house, order_id, "delivery_update")
    await house.pass_time(order_id, timedelta(days=2))
    order = await house.order(order_id)
    assert len(order["tasks"]) == 1
    assert order["status"] == "shipped"

    await move(house, number, "out_for_delivery")
    await until_task(house, order_id, "parcel_no_scan", "obsolete")
    order = await deliver(house, order_id, number)
    assert kinds(order).count("task_opened") == 1
    assert (await mails(house, order_id))["delivery_update"] == 2


async def test_a_failed_attempt_is_a_task_until_the_courier_tries_again(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "attempt_failed")

    await until_task(house, order_id, "parcel_attempt_failed")
    await until_mailed(house, order_id, "delivery_update")
    assert "派送没有成功" in await last_mail(house, order_id, "delivery_update")

    await move(house, number, "out_for_delivery")
    await until_task(house, order_id, "parcel_attempt_failed", "obsolete")
    await deliver(house, order_id, number)


async def test_a_refused_parcel_is_refunded_once_it_is_back(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "refused")
    await until_task(house, order_id, "parcel_refused")
    await until_mailed(house, order_id, "delivery_update")
    assert "拒收" in await last_mail(house, order_id, "delivery_update")

    await move(house, number, "returning")
    await until_task(house, order_id, "parcel_returning")
    assert await refunded(house, order_id) == 0
    await move(house, number, "returned")

    order = await assert_refunded(house, order_id, product)
    states = {task["kind"]: task["state"] for task in order["tasks"]}
    assert states == {
        "parcel_refused": "obsolete",
        "parcel_returning": "obsolete",
        "parcel_returned": "open",
    }


async def test_a_lost_parcel_is_refunded_when_nobody_has_found_it_in_two_days(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "lost")
    task = await until_task(house, order_id, "parcel_lost")
    assert task["urgent"]
    await until_mailed(house, order_id, "delivery_update")
    assert "丢失" in await last_mail(house, order_id, "delivery_update")
    waiting = await house.until_waiting_for(order_id, "the carrier")
    assert waiting["waitingFor"]["then"] == "the lost parcel's money goes back"
    await house.pass_time(order_id, timedelta(hours=47))
    assert await refunded(house, order_id) == 0

    await house.pass_time(order_id, timedelta(hours=2))

    order = await assert_refunded(house, order_id, product)
    assert "parcel_given_up" in kinds(order)
    assert {task["state"] for task in order["tasks"]} == {"obsolete"}


async def test_a_lost_parcel_that_is_found_in_time_is_delivered(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "lost")
    await until_task(house, order_id, "parcel_lost")
    await house.pass_time(order_id, timedelta(hours=30))

    await move(house, number, "out_for_delivery")
    await until_task(house, order_id, "parcel_lost", "obsolete")
    await house.pass_time(order_id, timedelta(hours=30))

    await deliver(house, order_id, number)


async def test_an_operator_may_refund_a_lost_parcel_at_once(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "lost")
    task = await until_task(house, order_id, "parcel_lost")

    closed = await close(house, task, "refund")

    assert (closed["state"], closed["decision"]) == ("done", "refund")
    order = await assert_refunded(house, order_id, product)
    assert "task_done" in kinds(order)
    assert (await close(house, task, "refund"))["closedAt"] == closed["closedAt"]


async def test_an_operator_may_wait_for_a_lost_parcel(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "lost")
    await close(house, await until_task(house, order_id, "parcel_lost"), "wait")

    async def patient() -> bool:
        waiting = (await house.order(order_id))["waitingFor"]
        return bool(waiting and waiting["until"] is None)

    await eventually_async(patient)
    await house.pass_time(order_id, timedelta(days=5))
    assert await refunded(house, order_id) == 0
    await deliver(house, order_id, number)


async def test_after_silence_an_operator_decides_that_the_money_goes_back(
    house: House, product: str
) -> None:
    order_id, _ = await ship(house, product)
    await house.pass_time(order_id, timedelta(hours=53))
    task = await until_task(house, order_id, "parcel_no_scan")

    await close(house, task, "refund")

    await assert_refunded(house, order_id, product)


async def test_the_lost_one_of_two_parcels_is_refunded_alone(house: House) -> None:
    order = await picked(house)
    near, far = await ship_from(house, order, NEAR), await ship_from(house, order, FAR)
    await move(house, near, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")
    await move(house, far, "lost")
    task = await until_task(house, order.id, "parcel_lost")

    await close(house, task, "refund")

    done = await house.until(order.id, status="delivered", paymentStatus="partially_refunded")
    assert await refunded(house, order.id) == PRICE
    assert done["shippingStatus"] == "delivered"
    assert (await mails(house, order.id))["order_delivered"] == 1
    await house.assert_laws_hold()


async def test_a_parcel_that_nobody_can_be_asked_about_is_looked_for_by_a_person(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await mishap(house, "aftership", "register", "reject", times=99, orderId=order_id)
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)

    task = await until_task(house, order_id, "parcel_not_followed")

    assert (task["trackingNumber"], task["urgent"]) == (number, True)
    await house.until_waiting_for(order_id, "the carrier")


async def test_news_older_than_what_is_known_finds_its_place_and_moves_nothing(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await mishap(house, "aftership", "*", "drop_callbacks", orderId=order_id)
    await move(house, number, "in_transit")
    await move(house, number, "out_for_delivery")
    await house.until(order_id, shippingStatus="out_for_delivery")

    shown = await house.order(order_id)
    times = [event["occurredAt"] for event in shown["shipment"]["trackingEvents"]]
    assert times == sorted(times)
    assert len(times) == 3
