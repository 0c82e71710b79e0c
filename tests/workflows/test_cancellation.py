"""Calling an order off, stage by stage, by the customer and by the operator."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
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
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.fixture
async def placed(house: House, product: str) -> Json:
    return await house.place(product)


async def assert_all_undone(house: House, order_id: str, product: str, *, paid: bool) -> Json:
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded" if paid else "failed",
        stock=(5, 5, 0),
        captured=PRICE if paid else 0,
        refunded=PRICE if paid else 0,
    )
    assert len(refunds(await house.at_provider(order_id))) == (1 if paid else 0)
    told = await mails(house, order_id)
    assert (told["order_cancelled"], told["order_refunded"]) == (1, 1 if paid else 0)
    return order


async def finish(house: House, order_id: str, number: str) -> None:
    """Take a shipped order to its end."""
    await house.deliver(order_id, number)
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))


async def assert_completed(house: House, order_id: str, product: str, *, invited: int = 1) -> Json:
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
    assert (await mails(house, order_id))["review_invitation"] == invited
    return order


async def test_an_unpaid_order_is_cancelled(house: House, product: str, placed: Json) -> None:
    answer = await cancel(house, placed["orderId"])

    assert (answer.status_code, answer.json()["refund"]) == (202, False)
    await assert_all_undone(house, placed["orderId"], product, paid=False)
    assert await movements(house, placed["orderId"]) == {"reserved": 1, "released": 1}


async def test_money_that_nobody_has_told_of_yet_goes_back(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(house, "stripe", "*", "drop_callbacks", times=9, orderId=order_id)
    await house.pay(placed["payment"]["paymentId"])

    assert (await cancel(house, order_id)).status_code == 202

    await assert_all_undone(house, order_id, product, paid=True)


async def test_a_paid_order_that_is_not_shipped_comes_back_from_the_warehouse(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)

    answer = await cancel(house, order_id)

    assert (answer.status_code, answer.json()["refund"]) == (202, True)
    order = await assert_all_undone(house, order_id, product, paid=True)
    timeline = kinds(order)
    assert timeline.index("picking_recalled") < timeline.index("stock_returned")
    recalls = await journal(house, order_id, "cancel")
    assert [e["verdict"] for e in recalls if e["party"] == "warehouse"] == ["committed"]
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1, "restocked": 1}


async def test_an_order_that_the_warehouse_has_shipped_already_goes_on(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    await mishap(house, "warehouse", "shipped", "drop_callbacks", orderId=order_id)
    number = (await house.simulate(f"shipments/{order_id}/ship"))["trackingNumber"]

    assert (await cancel(house, order_id)).status_code == 202

    async def refused() -> bool:
        return "picking_recall_refused" in kinds(await house.order(order_id))

    await eventually_async(refused)
    (lost,) = await journal(house, order_id, "shipped", "callback")
    await house.simulate(f"redeliver/{lost['eventId']}")
    await finish(house, order_id, number)
    await assert_completed(house, order_id, product, invited=0)


async def test_cancelling_on_the_way_becomes_a_return(house: House, product: str) -> None:
    order_id, number = await ship(house, product)

    answer = await cancel(house, order_id)

    assert answer.status_code == 202
    assert answer.json()["becomes"] == "return"

    async def noted() -> bool:
        return "return_requested" in kinds(await house.order(order_id))

    await eventually_async(noted)
    await house.simulate(f"parcels/{number}/returned")
    await house.until(order_id, status="refunded", paymentStatus="refunded")
    (payment,) = await house.at_provider(order_id)
    assert payment["refunded"] == payment["captured"] > 0


async def test_a_parcel_that_is_kept_after_all_stays_paid(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await cancel(house, order_id)

    await finish(house, order_id, number)

    await assert_completed(house, order_id, product, invited=0)


async def test_cancelling_twice_is_cancelling_once(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)

    answers = await asyncio.gather(cancel(house, order_id), cancel(house, order_id))

    assert {answer.status_code for answer in answers} <= {202, 409}
    assert 202 in {answer.status_code for answer in answers}
    await assert_all_undone(house, order_id, product, paid=True)
    assert (await cancel(house, order_id)).status_code == 409
    await assert_all_undone(house, order_id, product, paid=True)


async def test_an_operator_cancels_while_the_order_waits_for_goods(house: House) -> None:
    product = await house.add_product(stock=0)
    order_id = (await house.place(product))["orderId"]
    await house.until_waiting_for(order_id, "goods")

    await house.handle(order_id).cancel()

    assert await until_ended(house, order_id) is WorkflowExecutionStatus.CANCELED
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(0, 0, 0),
        captured=0,
        refunded=0,
    )


async def test_an_operator_cancels_while_the_payment_is_being_created(
    house: House, product: str
) -> None:
    key, order_id = new_order(house)
    await mishap(house, "stripe", "create", "delay_before_commit", seconds=0.5, orderId=order_id)
    placing = asyncio.create_task(place(house, key, product))

    async def asked() -> bool:
        rows = await house.rows("SELECT 1 FROM payments WHERE order_id = :id", id=order_id)
        return bool(rows)

    await eventually_async(asked)
    await house.handle(order_id).cancel()
    await placing
    await house.pass_time(order_id, timedelta(minutes=1))

    await assert_all_undone(house, order_id, product, paid=False)


async def test_an_operator_cancels_while_the_order_waits_for_its_payment(
    house: House, product: str, placed: Json
) -> None:
    await house.until_waiting_for(placed["orderId"], "payment")

    await house.handle(placed["orderId"]).cancel()

    assert await until_ended(house, placed["orderId"]) is WorkflowExecutionStatus.CANCELED
    await assert_all_undone(house, placed["orderId"], product, paid=False)


async def test_an_operator_cancels_while_the_warehouse_picks(
    house: House, product: str, placed: Json
) -> None:
    await pay_and_reach_the_warehouse(house, placed)

    await house.handle(placed["orderId"]).cancel()

    await assert_all_undone(house, placed["orderId"], product, paid=True)


async def test_an_operator_cannot_cancel_what_the_warehouse_has_shipped(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    await mishap(house, "warehouse", "shipped", "drop_callbacks", orderId=order_id)
    number = (await house.simulate(f"shipments/{order_id}/ship"))["trackingNumber"]

    await house.handle(order_id).cancel()

    async def refused() -> bool:
        return "picking_recall_refused" in kinds(await house.order(order_id))

    await eventually_async(refused)
    (lost,) = await journal(house, order_id, "shipped", "callback")
    await house.simulate(f"redeliver/{lost['eventId']}")
    await finish(house, order_id, number)
    await assert_completed(house, order_id, product, invited=0)


async def test_an_operator_cancels_in_vain_when_the_parcel_is_on_its_way(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)

    await house.handle(order_id).cancel()

    await finish(house, order_id, number)
    order = await assert_completed(house, order_id, product)
    assert "cancel_refused" in kinds(order)


async def test_an_operator_cancels_in_vain_before_the_review(house: House, product: str) -> None:
    order_id, number = await ship(house, product)
    await house.deliver(order_id, number)
    await house.until_waiting_for(order_id, "enjoy")

    await house.handle(order_id).cancel()

    async def noted() -> bool:
        return "cancel_refused" in kinds(await house.order(order_id))

    await eventually_async(noted)
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))
    await assert_completed(house, order_id, product)


async def test_money_that_arrives_while_a_cancelled_payment_cannot_be_closed_goes_back(
    house: House, product: str, placed: Json
) -> None:
    """The close fails at first, the stock is released, and then the customer's bank pays."""
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await mishap(house, "stripe", "cancel", "reject", orderId=order_id)
    await house.simulate(f"stripe/{payment_id}/process")
    await cancel(house, order_id)

    async def released() -> bool:
        return "hold_released" in kinds(await house.order(order_id))

    await eventually_async(released)
    await house.pay(payment_id)
    await house.pass_time(order_id, timedelta(minutes=15))

    await assert_all_undone(house, order_id, product, paid=True)
