"""Reconciliation finds what callbacks and polls missed, and the orders put it right themselves."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from domain.reconciliation import FindingKind
from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import mishap
from tests.workflows.reconciling import found, reconcile
from workflows.policies import ORDERS_QUEUE
from workflows.reconcile import Reconcile, ReconcileWorkflow

AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def silence(house: House, party: str, order_id: str) -> None:
    await mishap(house, party, "*", "drop_callbacks", times=20, orderId=order_id)


async def paid(house: House, product: str, gateway: str = "stripe") -> Json:
    placed = await house.place(product, paymentMethod=gateway)
    await house.simulate(f"{gateway}/{placed['payment']['paymentId']}/pay")
    await house.until_waiting_for(placed["orderId"], "the warehouse")
    return placed


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay", "wechatpay"])
async def test_books_that_agree_show_nothing(house: House, product: str, gateway: str) -> None:
    placed = await paid(house, product, gateway)

    run = await reconcile(house)

    assert run.checked >= 1
    assert await found(house, run, placed["orderId"]) == []


@pytest.mark.parametrize("gateway", ["stripe", "alipay", "wechatpay"])
async def test_a_payment_that_nobody_told_us_of_is_booked(
    house: House, product: str, gateway: str
) -> None:
    placed = await house.place(product, paymentMethod=gateway)
    order_id = placed["orderId"]
    await silence(house, gateway, order_id)
    await house.simulate(f"{gateway}/{placed['payment']['paymentId']}/pay")

    run = await reconcile(house)

    assert await found(house, run, order_id) == [(FindingKind.UNBOOKED_PAYMENT, True)]
    await house.until(order_id, status="processing", paymentStatus="paid")
    assert await found(house, await reconcile(house), order_id) == []


async def test_money_for_an_ended_order_that_nobody_told_us_of_goes_back(
    house: House, product: str
) -> None:
    placed = await house.place(product, paymentMethod="alipay")
    order_id = placed["orderId"]
    await silence(house, "alipay", order_id)
    await house.call("POST", f"/orders/{order_id}/cancel")
    await house.until(order_id, status="cancelled")
    await house.handle(order_id).result()
    await house.simulate(f"alipay/{placed['payment']['paymentId']}/pay", params={"force": True})

    run = await reconcile(house)

    assert await found(house, run, order_id) == [(FindingKind.UNBOOKED_PAYMENT, True)]
    await house.until(order_id, paymentStatus="refunded")
    (payment,) = await house.at_provider(order_id)
    assert payment["refunded"] == payment["captured"] > 0
    await house.assert_laws_hold()


@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_dashboard_refund_that_nobody_told_us_of_is_booked(
    house: House, product: str, gateway: str
) -> None:
    placed = await paid(house, product, gateway)
    order_id = placed["orderId"]
    await silence(house, gateway, order_id)
    path = f"{gateway}/{placed['payment']['paymentId']}/refund-outside"
    await house.simulate(path, params={"amount": 100})

    run = await reconcile(house)

    assert await found(house, run, order_id) == [(FindingKind.UNBOOKED_REFUND, True)]
    await house.until(order_id, paymentStatus="partially_refunded")
    await house.assert_laws_hold()


async def test_a_refund_in_wechats_console_is_named_for_people(house: House, product: str) -> None:
    """WeChat tells nobody of it, and a query says that something went back, not how much."""
    placed = await paid(house, product, "wechatpay")
    path = f"wechatpay/{placed['payment']['paymentId']}/refund-outside"
    await house.simulate(path, params={"amount": 100})

    run = await reconcile(house)

    assert await found(house, run, placed["orderId"]) == [(FindingKind.UNTOLD_REFUND, False)]


async def test_a_refund_that_the_bank_returned_silently_is_noticed(
    house: House, product: str
) -> None:
    placed = await paid(house, product)
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await house.call("POST", f"/orders/{order_id}/refunds", json={"amount": "1.00"})
    await house.until(order_id, paymentStatus="partially_refunded")
    await silence(house, "stripe", order_id)
    await house.simulate(f"stripe/{payment_id}/refund-fail")

    run = await reconcile(house)

    assert await found(house, run, order_id) == [(FindingKind.STATE_DIFFERS, True)]
    await house.until(order_id, paymentStatus="paid")
    (refund,) = (await house.order(order_id))["refunds"]
    assert refund["state"] == "failed"
    await house.assert_laws_hold()


async def test_a_dashboard_refund_that_the_bank_returned_silently_is_noticed(
    house: House, product: str
) -> None:
    placed = await paid(house, product)
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await house.simulate(f"stripe/{payment_id}/refund-outside", params={"amount": 2_500})
    await house.until(order_id, kept="75.00")
    await silence(house, "stripe", order_id)
    await house.simulate(f"stripe/{payment_id}/refund-fail")

    run = await reconcile(house)

    assert await found(house, run, order_id) == [(FindingKind.STATE_DIFFERS, True)]
    await house.until(order_id, paymentStatus="paid", kept="100.00")
    (refund,) = (await house.order(order_id))["refunds"]
    assert (refund["madeBy"], refund["state"]) == ("provider", "failed")
    assert await found(house, await reconcile(house), order_id) == []
    await house.assert_laws_hold()


async def test_a_payment_that_its_provider_does_not_know_is_for_people(
    house: House, product: str
) -> None:
    placed = await paid(house, product)
    await rename(house, placed, "pi_elsewhere")
    try:
        run = await reconcile(house)
    finally:
        await rename(house, placed, await real_name(house, placed))

    assert await found(house, run, placed["orderId"]) == [(FindingKind.MISSING_PAYMENT, False)]
    assert run.unrepaired >= 1


async def test_a_provider_that_does_not_answer_is_named(house: House, product: str) -> None:
    placed = await paid(house, product, "wechatpay")
    order_id = placed["orderId"]
    await mishap(house, "wechatpay", "retrieve", "unsigned_answer", orderId=order_id)

    run = await reconcile(house)

    assert await found(house, run, order_id) == [(FindingKind.UNREACHABLE, False)]


async def test_without_repair_everything_stays_as_it_is(house: House, product: str) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await silence(house, "stripe", order_id)
    await house.pay(placed["payment"]["paymentId"])

    run = await reconcile(house, repair=False)

    assert await found(house, run, order_id) == [(FindingKind.UNBOOKED_PAYMENT, False)]
    assert (await house.order(order_id))["paymentStatus"] == "pending"


async def test_the_run_says_how_it_went(house: House, product: str) -> None:
    placed = await house.place(product)
    await silence(house, "stripe", placed["orderId"])
    await house.pay(placed["payment"]["paymentId"])

    run = await reconcile(house)

    assert run.found[FindingKind.UNBOOKED_PAYMENT] >= 1
    await house.until(placed["orderId"], paymentStatus="paid")


async def real_name(house: House, placed: Json) -> str:
    (payment,) = await house.at_provider(placed["orderId"])
    return str(payment["providerRef"])


async def rename(house: House, placed: Json, name: str) -> None:
    """What only a restored backup or another account could do."""
    async with house.sessions.begin() as session:
        await session.execute(
            text("UPDATE payments SET provider_ref = :name WHERE id = :id"),
            {"name": name, "id": placed["payment"]["paymentId"]},
        )


async def test_an_order_in_motion_is_left_for_the_next_run(house: House, product: str) -> None:
    placed = await house.place(product)

    run = await house.client.execute_workflow(
        ReconcileWorkflow.run,
        Reconcile(settling_time=AN_HOUR),
        id=f"reconcile-{uuid4().hex}",
        task_queue=ORDERS_QUEUE,
    )

    assert await found(house, run, placed["orderId"]) == []
    await eventually_async(lambda: _still_pending(house, placed["orderId"]))


async def _still_pending(house: House, order_id: str) -> bool:
    return bool((await house.order(order_id))["status"] == "pending")
