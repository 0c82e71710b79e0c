"""Money at the wrong time, twice, in the wrong amount, or taken back behind our back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from db import holds
from domain.inventory import HoldState
from tests.house import House, Json
from tests.serving import eventually, eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    journal,
    kinds,
    mails,
    movements,
    refunds,
    until_ended,
    until_mailed,
    until_registered,
)
from tests.workflows.paying import (
    A_MOMENT,
    CLOSING,
    HOLD,
    another_attempt,
    begin_to_pay,
    every_gateway,
    let_it_end,
    lose_callbacks,
    move,
    place_at,
    reach_the_warehouse,
    settle_late_money,
    until_applied,
    until_noted,
)

# The first of two attempts, which is closed, can be paid all the same: at Alipay because nobody
# had scanned its code yet, at the others because the customer's bank was slower than the close.
TWO_PROVIDERS = (
    ("alipay", "alipay"),
    ("wechatpay", "wechatpay"),
    ("alipay", "wechatpay"),
    ("wechatpay", "paypal"),
    ("stripe", "alipay"),
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def assert_paid(house: House, order_id: str, product: str, *, surplus: int = 0) -> Json:
    """On its way to the customer, and everything but the price has gone back."""
    order = await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE + surplus,
        refunded=surplus,
    )
    assert kinds(order).count("order_confirmed") == 1
    return order


async def assert_given_back(house: House, order_id: str, product: str, money: int = PRICE) -> Json:
    """Cancelled; the money has gone back once, and the customer knows."""
    await until_mailed(house, order_id, "order_refunded")
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=money,
        refunded=money,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1
    assert (await mails(house, order_id))["order_refunded"] == 1
    return order


async def end_unpaid(house: House, order_id: str, how: str) -> None:
    if how == "expired":
        await house.pass_time(order_id, HOLD + A_MOMENT)
    else:
        assert (await cancel(house, order_id)).status_code == 202
    await until_ended(house, order_id)


# Paid after the end.


@pytest.mark.parametrize("how", ["expired", "cancelled"])
@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_that_comes_after_the_end_goes_back_by_itself(
    house: House, product: str, gateway: str, how: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, how)

    await move(house, placed["payment"], "pay", force=True)

    await settle_late_money(house, order_id)
    order = await assert_given_back(house, order_id, product)
    assert {"payment_closed", "order_cancelled", "payment_paid"} <= set(kinds(order))
    assert "order_confirmed" not in kinds(order)


@pytest.mark.parametrize("stock", [5, 1], ids=["stock left", "stock gone"])
async def test_a_code_that_is_scanned_after_the_end_pays_for_nothing(
    house: House, stock: int
) -> None:
    """Nobody had scanned it, so there was nothing to close: it works until its time is over."""
    product = await house.add_product(stock=stock)
    placed = await house.place(product, paymentMethod="alipay")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, "cancelled")
    other = await place_at(house, product, "stripe")
    await reach_the_warehouse(house, other)

    await move(house, placed["payment"], "pay")

    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(stock - 1, stock - 1, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert (await house.order(other["orderId"]))["status"] == "processing"


@pytest.mark.parametrize("how", ["expired", "cancelled"])
async def test_what_is_approved_after_the_end_is_never_captured(
    house: House, product: str, how: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, how)

    await move(house, placed["payment"], "approve")

    await until_applied(house, order_id, "CHECKOUT.ORDER.APPROVED")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(5, 5, 0),
        captured=0,
        refunded=0,
    )
    assert not await journal(house, order_id, "capture")


async def test_money_that_comes_in_the_last_moment_of_an_order_is_not_forgotten(
    house: House, product: str
) -> None:
    """The payment is closed, and the order is not quite: its workflow listens no more."""
    placed = await place_at(house, product, "wechatpay")
    order_id = placed["orderId"]
    closing = house.faults.add(order_id, "close_order", times=3)
    assert (await cancel(house, order_id)).status_code == 202
    # Not by the API, which has to wait until the workflow can answer.
    await eventually(lambda: closing.hits > 0)
    await move(house, placed["payment"], "pay", force=True)
    await until_ended(house, order_id)
    assert closing.hits == 3
    async with house.sessions.begin() as session:
        aged = await session.execute(
            text(
                "UPDATE callback_inbox SET received_at = received_at - interval '1 minute'"
                " WHERE order_id = :id AND applied_at IS NULL RETURNING id"
            ),
            {"id": order_id},
        )
    assert len(aged.all()) == 1

    await sweep(house)

    await settle_late_money(house, order_id)
    await assert_given_back(house, order_id, product)


async def sweep(house: House) -> None:
    """What a schedule does every minute."""
    await house.client.execute_workflow(
        "CallbackRedeliveryWorkflow", id=f"sweep-{uuid4().hex}", task_queue="orders"
    )


# Paid after we closed the payment, or after the hold went, with the order still waiting.


async def test_a_code_that_is_scanned_after_it_was_closed_pays_while_the_hold_lives(
    house: House, product: str
) -> None:
    placed = await house.place(product, paymentMethod="alipay")
    order_id = placed["orderId"]
    await another_attempt(house, order_id, "stripe")

    await move(house, placed["payment"], "pay")

    order = await assert_paid(house, order_id, product)
    told = [(payment["gateway"], payment["state"]) for payment in order["payments"]]
    assert told == [("alipay", "paid"), ("stripe", "closed")]
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}


async def lose_the_hold(house: House, order_id: str) -> None:
    """The stock goes back to the shelf though its order still waits for its money."""
    async with house.sessions.begin() as session:
        hold = await holds.live_hold(session, order_id)
        assert hold is not None
        await holds.move_hold(session, hold, HoldState.EXPIRED, datetime.now(UTC))


@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_whose_hold_has_gone_is_accepted_if_the_stock_can_be_held_again(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)

    await move(house, placed["payment"], "pay")

    order = await assert_paid(house, order_id, product)
    assert "stock_reserved_again" in kinds(order)
    assert await movements(house, order_id) == {"reserved": 2, "expired": 1, "committed": 1}


@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_whose_stock_has_gone_goes_back_and_the_order_ends(
    house: House, gateway: str
) -> None:
    product = await house.add_product(stock=1)
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)
    faster = await place_at(house, product, "stripe")
    await reach_the_warehouse(house, faster)

    await move(house, placed["payment"], "pay")

    await until_noted(house, order_id, "refund_requested")
    await let_it_end(house, order_id)
    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(0, 0, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert (await house.order(faster["orderId"]))["status"] == "processing"


async def test_what_is_approved_after_the_hold_has_gone_is_not_captured(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)

    await move(house, placed["payment"], "approve")

    await until_noted(house, order_id, "payment_closed")
    await let_it_end(house, order_id)
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(5, 5, 0),
        captured=0,
        refunded=0,
    )
    assert not await journal(house, order_id, "capture")


# Paid twice.


async def two_attempts(house: House, product: str, gateways: tuple[str, str]) -> list[Json]:
    """An order with two payments; the first one is closed, as far as it can be."""
    placed = await house.place(product, paymentMethod=gateways[0])
    second = await another_attempt(house, placed["orderId"], gateways[1])
    await begin_to_pay(house, second)
    return [placed, {"payment": second}]


@pytest.mark.parametrize("winner", [0, 1], ids=["the earlier wins", "the later wins"])
@pytest.mark.parametrize("gateways", TWO_PROVIDERS, ids="+".join)
async def test_of_two_payments_one_pays_and_the_other_goes_back(
    house: House, product: str, gateways: tuple[str, str], winner: int
) -> None:
    attempts = await two_attempts(house, product, gateways)
    order_id = attempts[0]["orderId"]
    first, second = attempts[winner]["payment"], attempts[1 - winner]["payment"]
    await move(house, first, "pay", force=True)
    await house.until(order_id, status="processing")
    await move(house, second, "pay", force=True)
    # What the buyer approves at PayPal once the order is paid is never captured.
    surplus = 0 if second["gateway"] == "paypal" else PRICE
    if surplus:
        await settle_surplus(house, order_id)
        await until_mailed(house, order_id, "order_refunded")
    else:
        await until_applied(house, order_id, "CHECKOUT.ORDER.APPROVED")

    await assert_paid(house, order_id, product, surplus=surplus)

    kept = {
        payment["paymentId"]: payment["captured"] - payment["refunded"]
        for payment in await house.at_provider(order_id)
    }
    assert kept == {first["paymentId"]: PRICE, second["paymentId"]: 0}


async def settle_surplus(house: House, order_id: str) -> None:
    """WeChat's refunds take their time; the order need not rest meanwhile."""

    async def settled() -> bool:
        await house.pass_time(order_id, A_MOMENT)
        return "refund_succeeded" in kinds(await house.order(order_id))

    await eventually_async(settled)


@pytest.mark.parametrize("gateways", [("alipay", "wechatpay"), ("wechatpay", "stripe")])
async def test_of_two_payments_at_the_same_moment_one_pays(
    house: House, product: str, gateways: tuple[str, str]
) -> None:
    attempts = await two_attempts(house, product, gateways)
    order_id = attempts[0]["orderId"]

    await asyncio.gather(
        *(move(house, attempt["payment"], "pay", force=True) for attempt in attempts)
    )

    await settle_surplus(house, order_id)
    order = await assert_paid(house, order_id, product, surplus=PRICE)
    assert [payment["state"] for payment in order["payments"]] == ["paid", "paid"]
    assert len(refunds(await house.at_provider(order_id))) == 1


async def test_a_second_payment_that_comes_after_the_delivery_goes_back(
    house: House, product: str
) -> None:
    attempts = await two_attempts(house, product, ("alipay", "stripe"))
    order_id = attempts[0]["orderId"]
    await move(house, attempts[1]["payment"], "pay")
    await complete(house, order_id)

    await move(house, attempts[0]["payment"], "pay", force=True)

    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=2 * PRICE,
        refunded=PRICE,
    )


# Another amount than asked for.


@pytest.mark.parametrize("captured", [PRICE - 1, 2 * PRICE], ids=["less", "more"])
@every_gateway
async def test_another_amount_stops_in_review_with_a_reason_until_a_person_decides(
    house: House, product: str, gateway: str, captured: int
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await move(house, placed["payment"], "pay", amount=captured)
    await house.until(order_id, status="pending", paymentStatus="review")
    order = await house.until_waiting_for(order_id, "a person")
    assert f"{captured / 100:.2f} CNY was captured for 100.00 CNY" in order["waitingFor"]["what"]
    assert await house.stock(product) == (5, 4, 1)
    assert not refunds(await house.at_provider(order_id))
    await house.assert_laws_hold()

    assert (await cancel(house, order_id)).status_code == 202

    await let_it_end(house, order_id)
    await assert_given_back(house, order_id, product, captured)


async def test_another_amount_after_the_end_waits_for_a_person_who_gives_it_back(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, "cancelled")
    await move(house, placed["payment"], "pay", force=True, amount=4_200)
    order = await house.until(order_id, status="cancelled", paymentStatus="review")
    (event,) = [one for one in order["timeline"] if one["kind"] == "payment_paid"]
    assert event["settlement"] == "mismatch"
    assert event["reason"] == "captured 42.00 CNY, asked 100.00 CNY"
    await house.assert_laws_hold()

    answer = await house.call("POST", f"/orders/{order_id}/refunds", json={"amount": "42.00"})

    assert answer.status_code == 202, answer.text
    await assert_given_back(house, order_id, product, 4_200)


# Taken back behind our back.


async def complete(house: House, order_id: str) -> None:
    """Take an order that is paid to its end."""
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")
    await until_registered(house, order_id)
    await house.deliver(order_id, number)
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))
    await house.until(order_id, status="completed")
    await until_ended(house, order_id)


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_money_given_back_in_the_dashboard_before_the_parcel_leaves_cancels_the_order(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    await move(house, placed["payment"], "refund-outside")

    await until_ended(house, order_id)
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
    assert [(one["state"], one["amount"]) for one in order["refunds"]] == [("succeeded", "100.00")]
    assert not await journal(house, order_id, "refund")
    assert "picking_recalled" in kinds(order)


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_a_cancellation_and_a_refund_in_the_dashboard_at_once_give_the_money_back_once(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    await asyncio.gather(cancel(house, order_id), move(house, placed["payment"], "refund-outside"))

    await let_it_end(house, order_id)
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
    assert len(refunds(await house.at_provider(order_id))) == 1


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_a_part_given_back_in_the_dashboard_is_not_given_back_again(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await move(house, placed["payment"], "refund-outside", amount=2_500)
    await house.until(order_id, paymentStatus="partially_refunded", kept="75.00")
    assert (await house.order(order_id))["status"] == "processing"

    assert (await cancel(house, order_id)).status_code == 202

    await until_ended(house, order_id)
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
    assert sorted(one["amount"] for one in order["refunds"]) == ["25.00", "75.00"]
    (ours,) = await journal(house, order_id, "refund")
    assert ours["amount"] == "7500"


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_money_given_back_in_the_dashboard_after_the_end_is_in_the_books(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await complete(house, order_id)

    await move(house, placed["payment"], "refund-outside", amount=4_000)
    await house.until(order_id, status="completed", paymentStatus="partially_refunded")
    await move(house, placed["payment"], "refund-outside")

    order = await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert sorted(one["amount"] for one in order["refunds"]) == ["40.00", "60.00"]


async def test_money_that_was_given_back_before_we_heard_of_it_pays_for_nothing(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await lose_callbacks(house, placed)
    await move(house, placed["payment"], "pay")
    await move(house, placed["payment"], "refund-outside")
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await until_ended(house, order_id)

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

    assert not await journal(house, order_id, "refund")
    assert "order_confirmed" not in kinds(order)


async def test_a_trade_that_alipay_closes_after_its_refund_stays_paid_and_refunded(
    house: House, product: str
) -> None:
    """Alipay says TRADE_CLOSED of it, as of one that nobody ever paid."""
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await cancel(house, order_id)
    await until_applied(house, order_id, "refund")
    (paid,) = await journal(house, order_id, "TRADE_SUCCESS", "callback")
    (closed,) = await journal(house, order_id, "refund", "callback")

    # The oldest and the newest news come once more, in this order.
    for event in (paid, closed):
        await house.simulate(f"redeliver/{event['eventId']}")

    async def delivered_again() -> bool:
        return len(await journal(house, order_id, "refund", "callback")) == 2

    await eventually_async(delivered_again)
    order = await assert_given_back(house, order_id, product)
    (payment,) = await house.at_provider(order_id)
    assert payment["status"] == "TRADE_CLOSED"
    assert [one["state"] for one in order["payments"]] == ["paid"]
    assert "payment_closed" not in kinds(order)


async def test_a_trade_that_finishes_months_later_changes_nothing_but_refuses_refunds(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await complete(house, order_id)
    before = kinds(await house.order(order_id))

    await move(house, placed["payment"], "finish")

    await until_applied(house, order_id, "TRADE_FINISHED")
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
    assert kinds(order) == before
    assert (await house.call("POST", f"/orders/{order_id}/refunds", json={})).status_code == 202
    order = await until_noted(house, order_id, "refund_failed")
    assert (order["paymentStatus"], order["kept"]) == ("paid", "100.00")
    await house.assert_laws_hold()


# Asked back through the bank.


@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_chargeback_puts_the_order_in_review_and_the_parcel_goes_on(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    await move(house, placed["payment"], "dispute")

    order = await until_noted(house, order_id, "chargeback_opened")
    assert (order["status"], order["paymentStatus"]) == ("processing", "review")
    await complete(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="review",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )
    assert kinds(order).count("chargeback_opened") == 1


@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_chargeback_that_comes_after_the_end_puts_the_order_in_review(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await complete(house, order_id)

    await move(house, placed["payment"], "dispute")

    order = await until_noted(house, order_id, "chargeback_opened")
    assert (order["status"], order["paymentStatus"]) == ("completed", "review")
    (event,) = [one for one in order["timeline"] if one["kind"] == "chargeback_opened"]
    assert event["amount"] == "100.00 CNY"
    await house.assert_laws_hold()


async def test_a_disputed_payment_is_given_back_when_its_order_is_cancelled(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await move(house, placed["payment"], "dispute")
    await until_noted(house, order_id, "chargeback_opened")

    assert (await cancel(house, order_id)).status_code == 202

    await until_ended(house, order_id)
    await assert_given_back(house, order_id, product)
