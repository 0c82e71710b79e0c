"""Money comes, does not come, comes twice, late or in the wrong amount."""

from __future__ import annotations

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
    new_order,
    pay_and_reach_the_warehouse,
    place,
    refunds,
    until_ended,
    until_mailed,
)

HOLD = timedelta(minutes=15)
A_MOMENT = timedelta(seconds=10)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.fixture
async def placed(house: House, product: str) -> Json:
    return await house.place(product)


async def decline(house: House, placed: Json) -> None:
    await house.simulate(f"stripe/{placed['payment']['paymentId']}/decline")
    await house.until(placed["orderId"], paymentStatus="failed")


async def try_again(house: House, order_id: str) -> Json:
    answer = await house.call("POST", f"/orders/{order_id}/payments")
    assert answer.status_code == 201, answer.text
    attempt: Json = answer.json()
    return attempt


async def expire(house: House, placed: Json) -> None:
    await house.pass_time(placed["orderId"], HOLD + A_MOMENT)
    await house.until(placed["orderId"], status="cancelled")
    await until_ended(house, placed["orderId"])


async def test_a_declined_payment_is_followed_by_a_second_attempt(
    house: House, product: str, placed: Json
) -> None:
    await decline(house, placed)
    await until_mailed(house, placed["orderId"], "payment_failed")
    second = await try_again(house, placed["orderId"])
    await house.pay(second["paymentId"])

    order = await assert_end(
        house,
        placed["orderId"],
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )

    assert [p["state"] for p in order["payments"]] == ["closed", "paid"]
    assert (await mails(house, placed["orderId"]))["payment_failed"] == 1


async def test_a_declined_attempt_is_paid_with_another_card(
    house: House, product: str, placed: Json
) -> None:
    await decline(house, placed)
    await house.pay(placed["payment"]["paymentId"])

    order = await assert_end(
        house,
        placed["orderId"],
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )

    assert [p["state"] for p in order["payments"]] == ["paid"]


async def test_an_expired_hold_closes_the_payment_before_the_stock_is_released(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    # Stripe does not let itself be asked three times; the stock must wait for it.
    await mishap(house, "stripe", "cancel", "fail_before_commit", times=3, orderId=order_id)
    await expire(house, placed)

    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(5, 5, 0),
        captured=0,
        refunded=0,
    )

    closing = [entry["verdict"] for entry in await journal(house, order_id, "cancel")]
    assert closing == ["fail_before_commit"] * 3 + ["committed"]
    timeline = kinds(order)
    assert timeline.index("payment_closed") < timeline.index("hold_expired")
    assert timeline[-1] == "order_cancelled"
    assert (await mails(house, order_id))["order_cancelled"] == 1
    assert await movements(house, order_id) == {"reserved": 1, "expired": 1}


async def test_a_payment_whose_callback_is_lost_is_found_by_polling(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(house, "stripe", "*", "drop_callbacks", times=9, orderId=order_id)
    await house.pay(placed["payment"]["paymentId"])
    await house.pass_time(order_id, timedelta(minutes=1))

    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )


async def test_a_callback_that_comes_three_times_has_one_effect(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(
        house,
        "stripe",
        "payment_intent.succeeded",
        "duplicate_callbacks",
        count=3,
        orderId=order_id,
    )
    await house.pay(placed["payment"]["paymentId"])

    async def thrice() -> bool:
        return len(await journal(house, order_id, "payment_intent.succeeded", "callback")) == 3

    await eventually_async(thrice)
    order = await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )

    assert kinds(order).count("payment_paid") == 1
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}
    rows = await house.rows(
        "SELECT deliveries FROM callback_inbox WHERE order_id = :id AND source = 'payment:stripe'",
        id=order_id,
    )
    assert [row.deliveries for row in rows] == [3]


async def test_money_that_comes_between_expiry_and_closing_pays_for_the_order(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(house, "stripe", "*", "drop_callbacks", times=9, orderId=order_id)
    # Polls are two minutes apart by now; the next one would come after the hold.
    await house.pass_time(order_id, HOLD - A_MOMENT)
    await house.pay(placed["payment"]["paymentId"])
    await house.pass_time(order_id, 2 * A_MOMENT)

    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )

    assert [e["verdict"] for e in await journal(house, order_id, "cancel")] == ["rejected"]
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}


async def test_money_that_comes_after_the_cancellation_goes_back_by_itself(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await expire(house, placed)
    await house.pay(placed["payment"]["paymentId"], force=True)
    await until_mailed(house, order_id, "order_refunded")

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
    assert (await mails(house, order_id))["order_refunded"] == 1


@pytest.mark.parametrize("first_to_be_paid", ["the earlier attempt", "the later attempt"])
async def test_when_two_attempts_are_paid_the_surplus_goes_back(
    house: House, product: str, placed: Json, first_to_be_paid: str
) -> None:
    order_id = placed["orderId"]
    earlier, later = placed["payment"]["paymentId"], (await try_again(house, order_id))["paymentId"]
    winner, loser = (earlier, later) if "earlier" in first_to_be_paid else (later, earlier)
    await house.pay(winner, force=True)
    await house.until(order_id, status="processing")
    await house.pay(loser, force=True)
    await until_mailed(house, order_id, "order_refunded")

    order = await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=2 * PRICE,
        refunded=PRICE,
    )

    back = {p["paymentId"]: p["refunded"] for p in await house.at_provider(order_id)}
    assert back == {winner: 0, loser: PRICE}
    assert kinds(order).count("order_confirmed") == 1


@pytest.mark.parametrize("captured", [PRICE // 2, 2 * PRICE])
async def test_another_amount_stops_for_review_and_goes_back_when_the_order_is_cancelled(
    house: House, product: str, placed: Json, captured: int
) -> None:
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"], amount=captured)
    await house.until(order_id, status="pending", paymentStatus="review")
    await house.until_waiting_for(order_id, "a person")
    await house.pass_time(order_id, timedelta(days=1))
    assert (await house.order(order_id))["status"] == "pending"
    assert await house.stock(product) == (5, 4, 1)
    await house.assert_laws_hold()

    answer = await cancel(house, order_id)

    assert answer.status_code == 202
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=captured,
        refunded=captured,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
async def test_a_creation_whose_answer_is_lost_makes_one_payment(
    house: House, product: str, behavior: str
) -> None:
    key, order_id = new_order(house)
    await mishap(house, "stripe", "create", behavior, orderId=order_id)
    placed = await place(house, key, product)
    assert placed["orderId"] == order_id
    await pay_and_reach_the_warehouse(house, placed)

    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )

    assert len(await house.at_provider(order_id)) == 1
    creations = await journal(house, order_id, "create")
    assert len({entry["idempotencyKey"] for entry in creations}) == 1
    assert [entry["verdict"] for entry in creations] == [f"{behavior}+committed", "replayed"]


async def test_a_refund_whose_answer_is_lost_is_made_once(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(house, "stripe", "refund", "timeout_after_commit", orderId=order_id)
    await pay_and_reach_the_warehouse(house, placed)
    await cancel(house, order_id)

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
    calls = await journal(house, order_id, "refund")
    assert len({entry["idempotencyKey"] for entry in calls}) == 1


async def test_a_refund_that_takes_its_time_is_followed_to_its_end(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(house, "stripe", "refund", "refund_pending", orderId=order_id)
    await pay_and_reach_the_warehouse(house, placed)
    await cancel(house, order_id)

    async def pending() -> bool:
        return "refund_pending" in kinds(await house.order(order_id))

    await eventually_async(pending)
    assert (await house.order(order_id))["status"] == "processing"
    assert not (await mails(house, order_id))["order_refunded"]
    await house.assert_laws_hold()
    await house.simulate(f"stripe/{placed['payment']['paymentId']}/refund-settle")
    await house.pass_time(order_id, timedelta(minutes=2))

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
    assert (await mails(house, order_id))["order_refunded"] == 1


async def test_a_refund_that_the_bank_returns_is_made_again(
    house: House, product: str, placed: Json
) -> None:
    order_id = placed["orderId"]
    await mishap(house, "stripe", "refund", "refund_pending", orderId=order_id)
    await pay_and_reach_the_warehouse(house, placed)
    await cancel(house, order_id)

    async def pending() -> bool:
        return "refund_pending" in kinds(await house.order(order_id))

    await eventually_async(pending)
    await house.simulate(f"stripe/{placed['payment']['paymentId']}/refund-fail")
    await house.pass_time(order_id, timedelta(minutes=8))

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
    states = sorted(refund["status"] for refund in refunds(await house.at_provider(order_id)))
    assert states == ["failed", "succeeded"]


async def test_money_on_its_way_when_the_hold_expires_is_waited_for(
    house: House, product: str, placed: Json
) -> None:
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await mishap(house, "stripe", "cancel", "reject", times=2, orderId=order_id)
    await house.simulate(f"stripe/{payment_id}/process")
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await house.until_waiting_for(order_id, "processing")
    assert await house.stock(product) == (5, 4, 1)
    await house.pay(payment_id)
    await house.pass_time(order_id, timedelta(hours=1))

    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}


async def test_money_on_its_way_that_never_comes_ends_the_order(
    house: House, product: str, placed: Json
) -> None:
    """The bank's news wakes the order at once; it does not sit its hour out."""
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await house.simulate(f"stripe/{payment_id}/process")
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await house.until_waiting_for(order_id, "processing")
    await house.pass_time(order_id, timedelta(hours=2, minutes=1))
    await house.until_waiting_for(order_id, "processing")
    await house.simulate(f"stripe/{payment_id}/decline")

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


async def test_an_order_is_taken_while_the_provider_is_down_and_paid_later(
    house: House, product: str
) -> None:
    key, order_id = new_order(house)
    await mishap(house, "stripe", "create", "fail_before_commit", times=3, orderId=order_id)
    placed = await place(house, key, product)
    assert (placed["status"], placed["payment"]) == ("pending", None)
    assert [warning["code"] for warning in placed["warnings"]] == ["payment_not_created"]
    second = await try_again(house, order_id)
    await house.pay(second["paymentId"])

    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )

    assert sum(payment["open"] for payment in await house.at_provider(order_id)) == 0


async def test_an_order_whose_provider_never_answers_expires(house: House, product: str) -> None:
    key, order_id = new_order(house)
    await mishap(house, "stripe", "create", "fail_before_commit", times=12, orderId=order_id)
    await place(house, key, product)
    await house.pass_time(order_id, HOLD + A_MOMENT)

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
