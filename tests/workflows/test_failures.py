"""Every step fails once, or its answer is lost once, and the order does not notice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.faults import When
from tests.house import House, Json
from tests.serving import eventually, eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    kinds,
    mails,
    mishap,
    movements,
    new_order,
    pay_and_reach_the_warehouse,
    place,
    refunds,
    until_ended,
    until_mailed,
)

STEPS_TO_THE_DOOR = (
    "validate_order",
    "place_order",
    "reserve_stock",
    "intend_payment",
    "create_payment",
    "settle_payment",
    "send_picking_list",
    "send_notifications",
    "record_shipment",
    "record_tracking",
    "poll_parcel",
    "complete_order",
)
STEPS_OF_THE_WAY_BACK = (
    "close_order",
    "release_stock",
    "refund_payment",
    "recall_picking_list",
    "settle_payment",
)
TO_THE_DOOR = [
    "order_placed",
    "stock_reserved",
    "payment_created",
    "payment_paid",
    "order_confirmed",
    "picking_accepted",
    "order_shipped",
    "order_delivered",
    "order_completed",
]
THE_WAY_BACK = [
    *TO_THE_DOOR[:6],
    "picking_recalled",
    "stock_returned",
    "refund_requested",
    "refund_succeeded",
    "order_cancelled",
]
UNDO_PAUSE = timedelta(minutes=5, seconds=10)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS_TO_THE_DOOR)
async def test_a_step_that_fails_once_leaves_no_trace(
    house: House, product: str, step: str, when: When
) -> None:
    key, order_id = new_order(house)
    fault = house.faults.add(order_id, step, when)
    placed = await place(house, key, product)
    if step == "poll_parcel":
        await mishap(house, "aftership", "*", "drop_callbacks", times=99, orderId=order_id)
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")
    await house.simulate(f"parcels/{number}/delivered")
    await house.pass_time(order_id, timedelta(hours=9))
    await house.until(order_id, status="delivered")
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))

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

    assert fault.hits == 1
    assert kinds(order) == TO_THE_DOOR
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}
    assert len(await house.at_provider(order_id)) == 1
    assert await mails(house, order_id) == {
        "order_confirmed": 1,
        "order_processing": 1,
        "order_shipped": 1,
        "order_delivered": 1,
        "review_invitation": 1,
    }


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS_OF_THE_WAY_BACK)
async def test_an_undo_that_fails_once_leaves_no_trace(
    house: House, product: str, step: str, when: When
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    fault = house.faults.add(order_id, step, when)
    await pay_and_reach_the_warehouse(house, placed)
    await cancel(house, order_id)

    order = await assert_refunded(house, order_id, product)

    assert fault.hits == 1
    assert kinds(order) == THE_WAY_BACK
    told = await mails(house, order_id)
    assert (told["order_cancelled"], told["order_refunded"]) == (1, 1)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["close_order", "release_stock", "settle_payment"])
async def test_an_expiry_whose_step_fails_once_leaves_no_trace(
    house: House, product: str, step: str, when: When
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    fault = house.faults.add(order_id, step, when)
    await house.pass_time(order_id, timedelta(minutes=16))

    await assert_unpaid(house, order_id, product)

    assert fault.hits == 1
    assert await movements(house, order_id) == {"reserved": 1, "expired": 1}
    assert (await mails(house, order_id))["order_cancelled"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_payment_that_cannot_be_created_is_closed_when_the_hold_expires(
    house: House, product: str, when: When
) -> None:
    key, order_id = new_order(house)
    house.faults.add(order_id, "create_payment", when, permanent=True)
    placed = await place(house, key, product)
    assert placed["payment"] is None
    assert [warning["code"] for warning in placed["warnings"]] == ["payment_not_created"]
    await house.pass_time(order_id, timedelta(minutes=16))

    await assert_unpaid(house, order_id, product)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_order_that_can_never_be_handed_to_the_warehouse_is_undone(
    house: House, product: str, when: When
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    house.faults.add(order_id, "send_picking_list", when, times=2, permanent=True)
    await house.pay(placed["payment"]["paymentId"])

    order = await assert_refunded(house, order_id, product)

    assert await until_ended(house, order_id) is WorkflowExecutionStatus.FAILED
    assert in_order(order, "picking_recalled", "stock_returned", "refund_succeeded")
    assert (await mails(house, order_id))["order_cancelled"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_payment_that_cannot_be_settled_is_looked_at_again_until_it_can(
    house: House, product: str, when: When
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    fault = house.faults.add(order_id, "settle_payment", when, permanent=True)
    await house.pay(placed["payment"]["paymentId"])
    await eventually(lambda: fault.hits == 1)

    await house.pass_time(order_id, UNDO_PAUSE)

    order = await house.until(order_id, status="processing", paymentStatus="paid")
    assert kinds(order).count("payment_paid") == 1


@pytest.mark.parametrize(
    ("undo", "meanwhile"),
    [
        ("recall_picking_list", ["stock_returned", "refund_succeeded"]),
        ("release_stock", ["picking_recalled", "refund_succeeded"]),
        ("refund_payment", ["picking_recalled", "stock_returned"]),
    ],
)
async def test_an_undo_that_fails_does_not_stop_the_others(
    house: House, product: str, undo: str, meanwhile: list[str]
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    house.faults.add(order_id, "send_picking_list", times=2, permanent=True)
    fault = house.faults.add(order_id, undo, times=2, permanent=True)
    await house.pay(placed["payment"]["paymentId"])

    async def others_done() -> bool:
        timeline = kinds(await house.order(order_id))
        return fault.hits == 1 and set(meanwhile) <= set(timeline)

    await eventually_async(others_done)
    assert (await house.order(order_id))["status"] != "cancelled"
    await house.pass_time(order_id, UNDO_PAUSE)
    assert fault.hits == 2
    assert (await house.order(order_id))["status"] != "cancelled"
    await house.pass_time(order_id, UNDO_PAUSE)

    await assert_refunded(house, order_id, product)


async def test_undos_run_newest_first(house: House, product: str) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    await cancel(house, order_id)

    order = await assert_refunded(house, order_id, product)

    assert in_order(
        order, "picking_recalled", "stock_returned", "refund_succeeded", "order_cancelled"
    )


async def test_undoing_ends_though_everything_fails_for_an_hour(house: House, product: str) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    for undo in ("recall_picking_list", "release_stock", "refund_payment"):
        house.faults.add(order_id, undo, times=12, permanent=True)
    await pay_and_reach_the_warehouse(house, placed)
    await cancel(house, order_id)
    await house.pass_time(order_id, timedelta(minutes=70))

    await assert_refunded(house, order_id, product)


async def test_a_mail_relay_that_fails_for_hours_never_fails_the_order(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    house.faults.add(order_id, "send_notifications", times=10)
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)
    await house.deliver(order_id, number)
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))

    await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )
    await until_mailed(house, order_id, "review_invitation")


def in_order(order: Json, *wanted: str) -> bool:
    """Whether the timeline has all of these, in this order."""
    return [kind for kind in kinds(order) if kind in wanted] == list(wanted)


async def assert_refunded(house: House, order_id: str, product: str) -> Json:
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1, "restocked": 1}
    return order


async def assert_unpaid(house: House, order_id: str, product: str) -> Json:
    return await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(5, 5, 0),
        captured=0,
        refunded=0,
    )
