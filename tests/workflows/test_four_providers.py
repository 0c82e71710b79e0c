"""The same order at each of the four providers: what the customer sees does not depend on it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

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
    refunds,
    until_ended,
    until_mailed,
)
from tests.workflows.paying import (
    A_MOMENT,
    CLOSING,
    GATEWAYS,
    HOLD,
    begin_to_pay,
    events_of,
    every_gateway,
    let_it_end,
    lose_callbacks,
    move,
    place_at,
    reach_the_warehouse,
    settle_late_money,
    until_noted,
)

ACTIONS = {
    "stripe": "client_secret",
    "paypal": "redirect",
    "alipay": "qr_code",
    "wechatpay": "qr_code",
}
# PayPal tells of the approval and of the capture, which is one callback more than the others.
MOST_EVENTS = {"stripe": 95, "paypal": 105, "alipay": 95, "wechatpay": 95}

HAPPY_TIMELINE = [
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


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def assert_paid(house: House, placed: Json, product: str) -> Json:
    return await assert_end(
        house,
        placed["orderId"],
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )


async def assert_undone(house: House, placed: Json, product: str, *, paid: bool) -> Json:
    """Cancelled; whatever was taken has gone back, in one refund."""
    order = await assert_end(
        house,
        placed["orderId"],
        product,
        status="cancelled",
        payment_status="refunded" if paid else "failed",
        stock=(5, 5, 0),
        captured=PRICE if paid else 0,
        refunded=PRICE if paid else 0,
    )
    assert len(refunds(await house.at_provider(placed["orderId"]))) == (1 if paid else 0)
    told = await mails(house, placed["orderId"])
    assert (told["order_cancelled"], told["order_refunded"]) == (1, 1 if paid else 0)
    return order


@every_gateway
async def test_a_paid_order_goes_to_the_door(house: House, product: str, gateway: str) -> None:
    """Nobody looks at the order meanwhile: each question could cost events."""
    placed = await house.place(product, paymentMethod=gateway)
    order_id, payment = placed["orderId"], placed["payment"]
    assert (payment["gateway"], payment["action"]["type"]) == (gateway, ACTIONS[gateway])
    assert payment["action"]["value"]
    await move(house, payment, "pay")
    await house.until_told(order_id, "order_processing")
    shipped = await house.simulate(f"shipments/{order_id}/ship")
    await house.until_told(order_id, "order_shipped")
    await house.simulate(f"parcels/{shipped['trackingNumber']}/delivered")
    await house.until_told(order_id, "order_delivered")
    await house.pass_time(order_id, timedelta(hours=25))
    await house.handle(order_id).result()

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

    assert kinds(order) == HAPPY_TIMELINE
    events = await events_of(house, order_id)
    assert len(events) <= MOST_EVENTS[gateway], f"{gateway} took {len(events)} history events"


@every_gateway
async def test_without_callbacks_polling_finds_the_payment_and_the_history_does_not_grow(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await lose_callbacks(house, placed)
    await house.pass_time(order_id, timedelta(minutes=1))

    async def polled() -> bool:
        return len(await journal(house, order_id, "retrieve")) > 1

    await eventually_async(polled)
    asked, events = (
        len(await journal(house, order_id, "retrieve")),
        await events_of(house, order_id),
    )
    await house.pass_time(order_id, timedelta(minutes=12))

    assert len(await journal(house, order_id, "retrieve")) >= asked + 4
    assert len(await events_of(house, order_id)) == len(events)

    await move(house, placed["payment"], "pay")
    await house.pass_time(order_id, timedelta(minutes=1, seconds=50))
    await assert_paid(house, placed, product)
    delivered = await house.rows(
        "SELECT kind FROM callback_inbox WHERE order_id = :id AND source = :source",
        id=order_id,
        source=f"payment:{gateway}",
    )
    assert not delivered


@every_gateway
async def test_a_callback_that_lies_changes_nothing(
    house: House, product: str, gateway: str
) -> None:
    """It only wakes: what counts is what the provider answers, and it says that nobody paid."""
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await house.until_waiting_for(order_id, "the customer's payment")
    asked = len(await journal(house, order_id, "retrieve"))
    await house.handle(order_id).signal(
        "payment_news", {"paymentId": placed["payment"]["paymentId"], "callbackId": 0}
    )

    async def asked_again() -> bool:
        return len(await journal(house, order_id, "retrieve")) > asked

    await eventually_async(asked_again)
    await house.until_waiting_for(order_id, "the customer's payment")
    order = await house.until(order_id, status="pending", paymentStatus="pending")
    assert "payment_paid" not in kinds(order)
    assert await house.stock(product) == (5, 4, 1)


@every_gateway
async def test_what_is_declined_first_is_paid_in_the_end(
    house: House, product: str, gateway: str
) -> None:
    """Stripe and PayPal tell us of a declined try; the others tell nobody but the customer."""
    placed = await place_at(house, product, gateway)
    await move(house, placed["payment"], "decline")
    visible = gateway in {"stripe", "paypal"}
    if visible:
        await house.until(placed["orderId"], paymentStatus="failed")
        await house.until_told(placed["orderId"], "payment_failed")
    await move(house, placed["payment"], "pay")

    order = await assert_paid(house, placed, product)

    assert [payment["state"] for payment in order["payments"]] == ["paid"]
    assert (await mails(house, placed["orderId"]))["payment_failed"] == (1 if visible else 0)


@every_gateway
async def test_an_unpaid_hold_expires_after_the_payment_was_closed(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await until_ended(house, order_id)

    order = await assert_undone(house, placed, product, paid=False)

    timeline = kinds(order)
    assert timeline.index("payment_closed") < timeline.index("hold_expired")
    assert [payment["state"] for payment in order["payments"]] == ["closed"]
    assert await movements(house, order_id) == {"reserved": 1, "expired": 1}
    if gateway in CLOSING:
        closed = await journal(house, order_id, "cancel")
        assert [entry["verdict"] for entry in closed] == ["committed"]


@every_gateway
async def test_an_unpaid_order_is_cancelled(house: House, product: str, gateway: str) -> None:
    placed = await place_at(house, product, gateway)

    assert (await cancel(house, placed["orderId"])).json()["refund"] is False

    await assert_undone(house, placed, product, paid=False)


@pytest.mark.parametrize("comes", [True, False], ids=["it comes", "it does not come"])
@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_cancellation_waits_for_money_that_the_bank_is_moving(
    house: House, product: str, gateway: str, *, comes: bool
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await move(house, placed["payment"], "process")
    await until_noted(house, order_id, "payment_processing")

    assert (await cancel(house, order_id)).status_code == 202

    await until_noted(house, order_id, "hold_released")
    assert (await house.order(order_id))["status"] == "pending"
    await move(house, placed["payment"], "pay" if comes else "decline")
    await let_it_end(house, order_id)
    await assert_undone(house, placed, product, paid=comes)


@pytest.mark.parametrize("comes", [True, False], ids=["it comes", "it does not come"])
@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_hold_waits_for_money_that_the_bank_is_moving(
    house: House, product: str, gateway: str, *, comes: bool
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await move(house, placed["payment"], "process")
    await until_noted(house, order_id, "payment_processing")
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await house.until_waiting_for(order_id, "processing")
    assert await house.stock(product) == (5, 4, 1)

    await move(house, placed["payment"], "pay" if comes else "decline")

    if comes:
        await assert_paid(house, placed, product)
    else:
        await assert_undone(house, placed, product, paid=False)


@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_that_comes_in_the_moment_of_the_cancellation_goes_back(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "cancel", "paid_meanwhile", orderId=order_id)

    assert (await cancel(house, order_id)).status_code == 202
    await let_it_end(house, order_id)

    await assert_undone(house, placed, product, paid=True)


@every_gateway
async def test_of_paying_and_cancelling_at_the_same_moment_no_money_is_left(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]

    await asyncio.gather(move(house, placed["payment"], "pay", force=True), cancel(house, order_id))

    await let_it_end(house, order_id)
    (payment,) = await house.at_provider(order_id)
    paid = payment["captured"] == PRICE
    if paid:
        await settle_late_money(house, order_id)
        await until_mailed(house, order_id, "order_refunded")
    await assert_undone(house, placed, product, paid=paid)


async def test_a_capture_that_is_under_way_at_the_cancellation_goes_back(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await mishap(house, "paypal", "capture", "delay_before_commit", seconds=0.5, orderId=order_id)
    await move(house, placed["payment"], "approve")

    async def capturing() -> bool:
        rows = await house.rows(
            "SELECT 1 FROM payments WHERE order_id = :id AND capture_key <> ''", id=order_id
        )
        return bool(rows)

    await eventually_async(capturing)
    assert (await cancel(house, order_id)).status_code == 202

    await assert_undone(house, placed, product, paid=True)
    assert len(await journal(house, order_id, "capture")) == 1


async def test_what_was_approved_and_never_captured_is_nobodys_money_after_a_cancellation(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await lose_callbacks(house, placed)
    await move(house, placed["payment"], "approve")

    assert (await cancel(house, order_id)).status_code == 202

    await assert_undone(house, placed, product, paid=False)
    assert not await journal(house, order_id, "capture")


@every_gateway
async def test_a_paid_order_is_cancelled_and_its_money_goes_back(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    answers = await asyncio.gather(cancel(house, order_id), cancel(house, order_id))

    assert {answer.status_code for answer in answers} <= {202, 409}
    await let_it_end(house, order_id)
    order = await assert_undone(house, placed, product, paid=True)
    timeline = kinds(order)
    assert timeline.index("picking_recalled") < timeline.index("stock_returned")
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1, "restocked": 1}


@every_gateway
async def test_a_warehouse_that_has_packed_already_refuses_and_the_parcel_becomes_a_return(
    house: House, product: str, gateway: str
) -> None:
    """One request, one answer; the refusal, the return and the refund follow by themselves."""
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await mishap(house, "warehouse", "shipped", "drop_callbacks", orderId=order_id)
    number = (await house.simulate(f"shipments/{order_id}/ship"))["trackingNumber"]
    assert (await cancel(house, order_id)).status_code == 202
    await until_noted(house, order_id, "picking_recall_refused")
    (lost,) = await journal(house, order_id, "shipped", "callback")
    await house.simulate(f"redeliver/{lost['eventId']}")
    await until_noted(house, order_id, "return_requested")
    await house.simulate(f"parcels/{number}/returned")
    await let_it_end(house, order_id)

    await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1


@pytest.mark.parametrize("second", GATEWAYS)
async def test_who_cannot_pay_in_one_way_pays_in_another(
    house: House, product: str, second: str
) -> None:
    first = GATEWAYS[GATEWAYS.index(second) - 1]
    placed = await place_at(house, product, first)
    answer = await house.call(
        "POST", f"/orders/{placed['orderId']}/payments", json={"gateway": second}
    )
    assert answer.status_code == 201, answer.text
    attempt = answer.json()
    await begin_to_pay(house, attempt)
    await move(house, attempt, "pay")

    order = await assert_paid(house, placed, product)

    told = [(payment["gateway"], payment["state"]) for payment in order["payments"]]
    assert told == [(first, "closed"), (second, "paid")]
