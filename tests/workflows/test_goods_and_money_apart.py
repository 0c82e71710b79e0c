"""Money goes back while the goods are on their way, or the other way round."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.house import House, Json
from tests.serving import eventually, eventually_async
from tests.workflows.journey import PRICE, cancel, kinds, mishap, ship, until_ended
from tests.workflows.paying import (
    another_attempt,
    lose_callbacks,
    move,
    place_at,
    reach_the_warehouse,
    until_noted,
)
from tests.workflows.reconciling import found, reconcile
from tests.workflows.refunding import ask_back
from workflows.policies import UNDO_PAUSE

A_MOMENT = timedelta(seconds=10)
ALL = "100.00"


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def give_back_outside(house: House, order_id: str) -> None:
    """The shop's people refund everything in Stripe's dashboard."""
    (payment,) = await house.rows("SELECT id FROM payments WHERE order_id = :id", id=order_id)
    await house.simulate(f"stripe/{payment.id}/refund-outside")


@pytest.mark.parametrize("outside", [False, True])
async def test_goods_that_arrive_after_their_refund_are_not_counted_as_back_in_stock(
    house: House, product: str, *, outside: bool
) -> None:
    order_id, number = await ship(house, product)
    if outside:
        await give_back_outside(house, order_id)
    else:
        assert (await ask_back(house, order_id, reason="arrived too late")).status_code == 202
    await house.until(order_id, status="refunded", kept="0.00")

    await house.simulate(f"parcels/{number}/delivered")

    order = await house.until(order_id, status="refunded", shippingStatus="delivered")
    assert "stock_returned" not in kinds(order)
    assert await house.stock(product) == (4, 4, 0)


async def test_a_parcel_that_comes_back_after_its_refund_ends_the_order_in_peace(
    house: House, product: str
) -> None:
    order_id, number = await ship(house, product)
    await give_back_outside(house, order_id)
    await house.until(order_id, status="refunded")

    await house.simulate(f"parcels/{number}/returned")

    assert await until_ended(house, order_id) is WorkflowExecutionStatus.COMPLETED
    await house.until(order_id, status="refunded", shippingStatus="returned", kept="0.00")


@pytest.mark.parametrize("portions", [["100.00"], ["40.00", "60.00"]])
async def test_an_order_stops_when_its_money_goes_back_though_no_callback_tells(
    house: House, product: str, portions: list[str]
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await lose_callbacks(house, placed)

    for amount in portions:
        assert (await ask_back(house, order_id, amount=amount)).status_code == 202

    await house.until(order_id, status="cancelled", paymentStatus="refunded", kept="0.00")
    assert await house.stock(product) == (5, 5, 0)


async def test_money_that_goes_back_before_the_warehouse_knows_of_the_order_ends_it(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "stripe")
    order_id = placed["orderId"]
    house.faults.add(order_id, "send_picking_list", times=3)
    await house.pay(placed["payment"]["paymentId"])
    await until_noted(house, order_id, "order_confirmed")

    await give_back_outside(house, order_id)

    await house.until(order_id, status="cancelled", paymentStatus="refunded", kept="0.00")
    assert await house.stock(product) == (5, 5, 0)


async def test_an_order_in_review_whose_money_has_all_gone_back_is_cancelled(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "stripe")
    order_id = placed["orderId"]
    await move(house, placed["payment"], "pay", amount=9000)
    await house.until(order_id, paymentStatus="review")

    await give_back_outside(house, order_id)

    await house.until(order_id, status="cancelled", paymentStatus="refunded", kept="0.00")
    assert await house.stock(product) == (5, 5, 0)


async def test_money_of_which_wechat_has_given_back_an_unknown_part_waits_for_a_person(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "wechatpay")
    order_id = placed["orderId"]
    await lose_callbacks(house, placed)
    await move(house, placed["payment"], "pay")
    await move(house, placed["payment"], "refund-outside", amount=4000)

    await house.pass_time(order_id, timedelta(seconds=40))

    order = await house.until(order_id, paymentStatus="review")
    assert order["status"] == "pending"
    (paid,) = [one for one in order["timeline"] if one["kind"] == "payment_paid"]
    assert "gone back at wechatpay already" in paid["reason"]


async def test_a_surplus_whose_refund_pends_does_not_hide_what_happens_to_the_other_payment(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "wechatpay")
    order_id = placed["orderId"]
    second = await another_attempt(house, order_id, "stripe")
    await house.simulate(f"stripe/{second['paymentId']}/pay")
    await house.until(order_id, status="processing")
    await mishap(house, "wechatpay", "refund", "refund_pending", orderId=order_id)
    await move(house, placed["payment"], "pay", force=True)
    await until_noted(house, order_id, "refund_pending")

    await house.simulate(f"stripe/{second['paymentId']}/refund-outside")

    await until_noted(house, order_id, "picking_recalled", "stock_returned")
    await house.simulate(f"wechatpay/{placed['payment']['paymentId']}/refund-settle")
    await house.pass_time(order_id, A_MOMENT)
    await house.until(order_id, status="cancelled", paymentStatus="refunded", kept="0.00")


async def test_a_surplus_that_cannot_be_given_back_now_is_given_back_later(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    second = await another_attempt(house, order_id, "stripe")
    await house.simulate(f"stripe/{second['paymentId']}/pay")
    await house.until(order_id, status="processing")
    fault = house.faults.add(order_id, "refund_payment", permanent=True)
    await move(house, placed["payment"], "pay", force=True)
    await eventually(lambda: fault.hits == 1)

    await house.pass_time(order_id, UNDO_PAUSE + A_MOMENT)

    await house.until(order_id, kept=ALL)
    held = {one["paymentId"]: one for one in await house.at_provider(order_id)}
    assert held[payment_id]["refunded"] == held[payment_id]["captured"]


async def test_a_refund_that_fails_after_the_order_was_cancelled_is_made_again(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "stripe")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    first = (await ask_back(house, order_id, amount="40.00")).json()["refundId"]
    await house.until(order_id, kept="60.00")
    assert (await cancel(house, order_id)).status_code == 202
    await house.until(order_id, status="cancelled", kept="0.00")
    await until_ended(house, order_id)

    payment_id = placed["payment"]["paymentId"]
    await house.simulate(f"stripe/{payment_id}/refund-fail", params={"refund_id": first})

    async def whole() -> bool:
        (payment,) = await house.at_provider(order_id)
        timeline = kinds(await house.order(order_id))
        return payment["refunded"] == PRICE and timeline.count("refund_succeeded") == 3

    await eventually_async(whole)
    await house.until(order_id, kept="0.00", paymentStatus="refunded")


async def test_a_refund_whose_workflow_was_terminated_is_made_by_the_reconciliation(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "stripe")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await mishap(house, "stripe", "refund", "fail_before_commit", times=2, orderId=order_id)
    refund_id = (await ask_back(house, order_id, amount="40.00")).json()["refundId"]
    await house.client.get_workflow_handle(f"refund-{refund_id}").terminate("by mistake")

    run = await reconcile(house)

    assert await found(house, run, order_id) == [("stuck", True)]
    await house.until(order_id, kept="60.00", paymentStatus="partially_refunded")


async def test_two_refunds_in_alipays_console_are_booked_once_though_the_first_was_never_named(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await mishap(house, "alipay", "*", "delay_callbacks", seconds=2, orderId=order_id)

    await move(house, placed["payment"], "refund-outside", amount=4000)
    await move(house, placed["payment"], "refund-outside", amount=5000)

    await house.until(order_id, kept="10.00")

    async def applied() -> bool:
        rows = await house.rows(
            "SELECT 1 FROM callback_inbox WHERE order_id = :id AND applied_at IS NULL", id=order_id
        )
        return not rows

    await eventually_async(applied)
    assert (await house.order(order_id))["kept"] == "10.00"


async def test_money_for_an_order_whose_workflow_was_terminated_goes_back(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "stripe")
    order_id = placed["orderId"]
    await house.handle(order_id).terminate("by mistake")

    await move(house, placed["payment"], "pay")

    await until_noted(house, order_id, "payment_paid", "refund_succeeded")
    order = await house.until(order_id, kept="0.00")
    assert order["status"] == "pending"


async def test_an_approval_that_paypal_refuses_to_capture_does_not_keep_a_cancelled_order_open(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await house.simulate(
        "scenario",
        json={
            "party": "paypal",
            "operation": "capture",
            "behavior": "reject",
            "code": "PAYEE_ACCOUNT_RESTRICTED",
            "times": 50,
            "match": {"orderId": order_id},
        },
    )
    await move(house, placed["payment"], "approve")
    await until_noted(house, order_id, "payment_failed")

    assert (await cancel(house, order_id)).status_code == 202

    assert await until_ended(house, order_id) is WorkflowExecutionStatus.COMPLETED
    order = await house.until(order_id, status="cancelled", kept="0.00")
    assert await house.stock(product) == (5, 5, 0)
    assert "payment_paid" not in kinds(order)


async def test_a_provider_that_refuses_to_answer_does_not_stop_the_reconciliation(
    house: House, product: str
) -> None:
    placed: Json = await place_at(house, product, "wechatpay")
    order_id = placed["orderId"]
    await mishap(house, "wechatpay", "retrieve", "reject", times=5, orderId=order_id)

    run = await reconcile(house)

    assert await found(house, run, order_id) == [("unreachable", False)]
