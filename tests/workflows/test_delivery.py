"""From the warehouse to the door, with news that is lost, late, doubled or bad."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    journal,
    kinds,
    mails,
    mishap,
    movements,
    new_order,
    pay_and_reach_the_warehouse,
    place,
    refunds,
    ship,
    until_ended,
    until_mailed,
    until_registered,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def move(house: House, number: str, status: str) -> None:
    await house.simulate(f"parcels/{number}/{status}")


async def until_shipping(house: House, order_id: str, status: str) -> None:
    await house.until(order_id, shippingStatus=status)


async def complete(house: House, order_id: str, product: str) -> Json:
    """Let a delivered order come to its end."""
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))
    return await completed(house, order_id, product)


async def completed(house: House, order_id: str, product: str) -> Json:
    """How a delivered order ends."""
    order = await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )
    told = await mails(house, order_id)
    assert (told["order_delivered"], told["review_invitation"]) == (1, 1)
    return order


async def test_a_delivery_whose_webhook_is_lost_is_found_by_polling(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await mishap(house, "aftership", "*", "drop_callbacks", times=99, orderId=order_id)
    await move(house, number, "delivered")
    await house.pass_time(order_id, timedelta(hours=5))
    await house.until(order_id, status="delivered")

    await complete(house, order_id, product)


async def test_each_move_of_the_parcel_is_told_once(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await mishap(
        house, "aftership", "*", "duplicate_callbacks", times=99, count=3, orderId=order_id
    )
    await move(house, number, "in_transit")
    await move(house, number, "out_for_delivery")
    await until_shipping(house, order_id, "out_for_delivery")
    await until_mailed(house, order_id, "delivery_update")
    await move(house, number, "delivered")
    await house.until(order_id, status="delivered")

    await complete(house, order_id, product)

    assert (await mails(house, order_id))["delivery_update"] == 1


async def test_a_parcel_in_trouble_is_delivered_in_the_end(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "exception")
    await until_shipping(house, order_id, "exception")
    await move(house, number, "out_for_delivery")
    await until_shipping(house, order_id, "out_for_delivery")
    await move(house, number, "attempt_failed")
    await until_shipping(house, order_id, "exception")
    await move(house, number, "delivered")
    await house.until(order_id, status="delivered", shippingStatus="delivered")

    order = await complete(house, order_id, product)

    assert kinds(order).count("parcel_moved") == 3
    assert (await mails(house, order_id))["delivery_update"] == 3


async def test_a_parcel_that_comes_back_is_refunded(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await move(house, number, "returning")
    await until_shipping(house, order_id, "exception")
    await move(house, number, "returned")

    order = await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        # What came back is not sold again before somebody has looked at it.
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )

    await until_ended(house, order_id)
    assert order["shippingStatus"] == "returned"
    assert len(refunds(await house.at_provider(order_id))) == 1
    told = await mails(house, order_id)
    assert (told["order_refunded"], told["review_invitation"]) == (1, 0)


async def assert_refused_and_refunded(house: House, order_id: str, product: str) -> None:
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1, "restocked": 1}
    told = await mails(house, order_id)
    assert (told["order_cancelled"], told["order_refunded"]) == (1, 1)


async def test_an_order_that_the_warehouse_refuses_is_refunded(house: House, product: str) -> None:
    key, order_id = new_order(house)
    await mishap(house, "warehouse", "picking_list", "refuse", orderId=order_id)
    placed = await place(house, key, product)
    await house.pay(placed["payment"]["paymentId"])

    await assert_refused_and_refunded(house, order_id, product)


async def test_an_order_that_the_warehouse_refuses_later_is_refunded(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    await pay_and_reach_the_warehouse(house, placed)
    await house.simulate(f"shipments/{placed['orderId']}/refuse", params={"reason": "broken"})

    await assert_refused_and_refunded(house, placed["orderId"], product)


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
async def test_a_picking_list_whose_answer_is_lost_is_picked_once(
    house: House, product: str, behavior: str
) -> None:
    key, order_id = new_order(house)
    await mishap(house, "warehouse", "picking_list", behavior, orderId=order_id)
    placed = await place(house, key, product)
    await pay_and_reach_the_warehouse(house, placed)

    calls = await journal(house, order_id, "picking_list")
    assert [call["verdict"] for call in calls] == [f"{behavior}+committed", "replayed"]
    number = await house.ship(order_id)
    await house.deliver(order_id, number)
    await complete(house, order_id, product)


async def test_a_warehouse_that_is_away_for_an_hour_gets_the_order_later(
    house: House, product: str
) -> None:
    key, order_id = new_order(house)
    await mishap(
        house, "warehouse", "picking_list", "fail_before_commit", times=15, orderId=order_id
    )
    placed = await place(house, key, product)
    await house.pay(placed["payment"]["paymentId"])
    # The customer hears of the confirmation although the warehouse is silent.
    await until_mailed(house, order_id, "order_confirmed")
    await house.pass_time(order_id, timedelta(hours=1))
    number = await house.ship(order_id)
    await house.deliver(order_id, number)

    await complete(house, order_id, product)


async def test_a_shipment_that_is_told_three_times_is_one_shipment(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    await mishap(house, "warehouse", "shipped", "duplicate_callbacks", count=3, orderId=order_id)
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")

    async def thrice() -> bool:
        return len(await journal(house, order_id, "shipped", "callback")) == 3

    await eventually_async(thrice)
    await until_registered(house, order_id)
    await house.deliver(order_id, number)
    order = await complete(house, order_id, product)
    assert kinds(order).count("order_shipped") == 1
    assert (await mails(house, order_id))["order_shipped"] == 1


async def test_a_parcel_is_delivered_before_the_warehouse_has_said_a_word(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    await mishap(house, "warehouse", "shipped", "drop_callbacks", orderId=order_id)
    number = await house.ship(order_id)
    await move(house, number, "delivered")
    assert (await house.order(order_id))["status"] == "processing"
    (lost,) = await journal(house, order_id, "shipped", "callback")
    await house.simulate(f"redeliver/{lost['eventId']}")
    await house.until(order_id, status="shipped")
    await until_registered(house, order_id)
    await house.pass_time(order_id, timedelta(hours=5))
    await house.until(order_id, status="delivered")

    await complete(house, order_id, product)


async def test_news_in_the_wrong_order_does_not_turn_a_parcel_back(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await mishap(house, "aftership", "*", "drop_callbacks", orderId=order_id)
    await move(house, number, "out_for_delivery")
    await move(house, number, "delivered")
    await house.until(order_id, status="delivered")
    updates = await journal(house, order_id, "tracking_update", "callback")
    (lost,) = [update for update in updates if update["verdict"] == "dropped"]
    await house.simulate(f"redeliver/{lost['eventId']}")

    async def redelivered() -> bool:
        rows = await house.rows(
            "SELECT applied_at FROM callback_inbox WHERE event_id LIKE :event",
            event=f"%{lost['eventId']}%",
        )
        return bool(rows)

    await eventually_async(redelivered)
    order = await complete(house, order_id, product)
    assert order["shippingStatus"] == "delivered"
    assert (await mails(house, order_id))["delivery_update"] == 0


_OF_THE_CLOCK = ("workflow_execution_time_skipping", "workflow_execution_options")


async def history(house: House, order_id: str) -> Counter[str]:
    """The events of an order's history by kind, without those of the tests' clock."""
    events = (await house.handle(order_id).fetch_history()).events
    kinds_ = Counter(str(event.WhichOneof("attributes")) for event in events)
    return Counter({kind: n for kind, n in kinds_.items() if not kind.startswith(_OF_THE_CLOCK)})


async def test_polling_ends_after_72_polls_without_growing_the_history(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await until_mailed(house, order_id, "order_shipped")
    # Two days without a scan are news, once; then there is none.
    await house.pass_time(order_id, timedelta(days=3))
    await until_mailed(house, order_id, "delivery_update")
    before = await history(house, order_id)
    await house.pass_time(order_id, timedelta(days=8))
    assert await history(house, order_id) == before
    await house.pass_time(order_id, timedelta(days=2))
    await house.until_waiting_for(order_id, "the carrier")
    polled = len(await polls(house, number))
    assert 70 <= polled <= 72
    order = await house.order(order_id)
    assert (order["status"], order["waitingFor"]["then"]) == (
        "shipped",
        "an operator looks for the parcel",
    )
    await house.pass_time(order_id, timedelta(days=3))
    assert len(await polls(house, number)) == polled

    await move(house, number, "delivered")

    # The carrier's day is long over by the order's clock: the review is due at once.
    await completed(house, order_id, product)


async def polls(house: House, number: str) -> list[Json]:
    answer = await house.http.get(
        f"{house.simulator}/_sim/journal", params={"party": "aftership", "limit": 10_000}
    )
    entries: list[Json] = answer.json()["entries"]
    return [e for e in entries if e["operation"] == "list" and e["ref"] == number]
