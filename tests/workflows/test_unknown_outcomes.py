"""Answers that are lost, broken or not to be believed: one charge, one refund, whatever happens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    journal,
    kinds,
    mishap,
    movements,
    new_order,
    refunds,
    until_ended,
)
from tests.workflows.paying import (
    A_MOMENT,
    CLOSING,
    GATEWAYS,
    HOLD,
    another_attempt,
    begin_to_pay,
    every_gateway,
    let_it_end,
    move,
    place_at,
    place_knowing,
    reach_the_warehouse,
)

AFTER_COMMIT = ("timeout_after_commit", "error_after_commit")
BEFORE_COMMIT = "fail_before_commit"
FAULTS = (*AFTER_COMMIT, BEFORE_COMMIT)


def cells(gateways: tuple[str, ...]) -> pytest.MarkDecorator:
    """Every fault at each of the gateways; two of them can also forget to sign their answers."""
    pairs = [(gateway, fault) for gateway in gateways for fault in FAULTS]
    pairs += [
        pair
        for pair in (("alipay", "forged_answer"), ("wechatpay", "unsigned_answer"))
        if pair[0] in gateways
    ]
    return pytest.mark.parametrize(("gateway", "fault"), pairs)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def assert_paid(house: House, order_id: str, product: str) -> Json:
    """Charged once, on both sides."""
    return await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )


async def assert_given_back(house: House, order_id: str, product: str) -> Json:
    """Charged once and refunded once, on both sides."""
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
    assert [refund["state"] for refund in order["refunds"]] == ["succeeded"]
    assert len(refunds(await house.at_provider(order_id))) == 1
    return order


async def assert_one_effect(house: House, order_id: str, operation: str, fault: str) -> None:
    """The call was made twice under one key, and it did what it should once."""
    first, second = await journal(house, order_id, operation)
    assert first["idempotencyKey"] == second["idempotencyKey"] != ""
    happened = [first["verdict"], second["verdict"]]
    if fault == BEFORE_COMMIT:
        assert happened == [fault, "committed"]
    else:
        assert happened == [f"{fault}+committed", "replayed"]


async def until_asked(house: House, party: str, order_id: str, operation: str) -> None:
    """Wait until a request has arrived that is made to wait for its answer."""

    async def look() -> bool:
        answer = await house.http.get(f"{house.simulator}/_sim/scenario")
        waiting: list[Json] = answer.json()["scenarios"]
        return not [
            one
            for one in waiting
            if (one["party"], one["operation"]) == (party, operation)
            and one["match"].get("orderId") == order_id
        ]

    await eventually_async(look)


async def stored(house: House, statement: str, order_id: str) -> Any:
    (row,) = await house.rows(statement, id=order_id)
    return row


@cells(GATEWAYS)
async def test_a_creation_whose_outcome_is_unknown_makes_one_payment(
    house: House, product: str, gateway: str, fault: str
) -> None:
    key, order_id = new_order(house)
    await mishap(house, gateway, "create", fault, orderId=order_id)
    placed = await place_knowing(house, product, gateway, key)
    assert placed["orderId"] == order_id
    await reach_the_warehouse(house, placed)

    await assert_paid(house, order_id, product)

    assert len(await house.at_provider(order_id)) == 1
    await assert_one_effect(house, order_id, "create", fault)


@every_gateway
async def test_a_creation_that_is_given_up_is_found_again_and_closed(
    house: House, product: str, gateway: str
) -> None:
    """Nobody learns of the payment that was made: the same key finds it, before another is made."""
    key, order_id = new_order(house)
    await mishap(house, gateway, "create", "timeout_after_commit", times=3, orderId=order_id)
    placed = await place_knowing(house, product, gateway, key)
    assert placed["payment"] is None
    assert [warning["code"] for warning in placed["warnings"]] == ["payment_not_created"]
    attempt = await another_attempt(house, order_id, gateway)
    await begin_to_pay(house, attempt)
    await move(house, attempt, "pay")

    order = await assert_paid(house, order_id, product)

    assert [payment["state"] for payment in order["payments"]] == ["closed", "paid"]
    assert len(await house.at_provider(order_id)) == 2
    keys = [entry["idempotencyKey"] for entry in await journal(house, order_id, "create")]
    assert len(set(keys[:-1])) == 1
    assert keys[-1] not in keys[:-1]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_capture_whose_outcome_is_unknown_takes_the_money_once(
    house: House, product: str, fault: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await mishap(house, "paypal", "capture", fault, orderId=order_id)
    await move(house, placed["payment"], "approve")

    await assert_paid(house, order_id, product)

    await assert_one_effect(house, order_id, "capture", fault)
    assert kinds(await house.order(order_id)).count("payment_paid") == 1


async def test_a_capture_whose_outcome_stays_unknown_is_asked_again_before_a_cancellation(
    house: House, product: str
) -> None:
    """Money may have been taken: nobody may conclude from the silence that there is none."""
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await mishap(house, "paypal", "capture", "timeout_after_commit", times=4, orderId=order_id)
    await move(house, placed["payment"], "approve")
    await until_asked_once(house, order_id, "capture")
    assert (await cancel(house, order_id)).status_code == 202
    await let_it_end(house, order_id)

    await assert_given_back(house, order_id, product)

    captures = await journal(house, order_id, "capture")
    assert len({entry["idempotencyKey"] for entry in captures}) == 1
    assert [entry["verdict"] for entry in captures].count("timeout_after_commit+committed") == 1


async def until_asked_once(house: House, order_id: str, operation: str) -> None:
    async def look() -> bool:
        return bool(await journal(house, order_id, operation))

    await eventually_async(look)


async def test_a_capture_that_is_declined_is_followed_by_one_with_another_key(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await move(house, placed["payment"], "decline")
    await house.until(order_id, paymentStatus="failed")
    await mishap(house, "paypal", "capture", "error_after_commit", orderId=order_id)
    await move(house, placed["payment"], "pay")

    await assert_paid(house, order_id, product)

    declined, *taken = await journal(house, order_id, "capture")
    assert declined["status"] == 422
    assert [entry["verdict"] for entry in taken] == ["error_after_commit+committed", "replayed"]
    assert declined["idempotencyKey"] != taken[0]["idempotencyKey"] == taken[1]["idempotencyKey"]


@cells(CLOSING)
async def test_a_close_whose_outcome_is_unknown_releases_the_stock_only_when_it_is_known(
    house: House, product: str, gateway: str, fault: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "cancel", fault, orderId=order_id)
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await until_ended(house, order_id)

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

    assert len(await journal(house, order_id, "cancel")) == 2
    timeline = kinds(order)
    assert timeline.index("payment_closed") < timeline.index("hold_expired")
    assert await movements(house, order_id) == {"reserved": 1, "expired": 1}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_that_beats_a_close_whose_outcome_is_unknown_pays_for_the_order(
    house: House, product: str, gateway: str, fault: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    if fault == BEFORE_COMMIT:
        await mishap(house, gateway, "cancel", fault, orderId=order_id)
        await mishap(house, gateway, "cancel", "paid_meanwhile", orderId=order_id)
    else:
        # What is lost is the refusal: the customer was faster than the close.
        await mishap(house, gateway, "*", "drop_callbacks", times=9, orderId=order_id)
        await mishap(house, gateway, "cancel", fault, orderId=order_id)
        await house.pass_time(order_id, HOLD - A_MOMENT)
        await move(house, placed["payment"], "pay")
    await house.pass_time(order_id, HOLD + A_MOMENT)

    await assert_paid(house, order_id, product)

    second = "paid_meanwhile" if fault == BEFORE_COMMIT else "rejected"
    closing = [entry["verdict"] for entry in await journal(house, order_id, "cancel")]
    assert closing == [fault, second]
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}


@cells(GATEWAYS)
async def test_a_refund_whose_outcome_is_unknown_gives_the_money_back_once(
    house: House, product: str, gateway: str, fault: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "refund", fault, orderId=order_id)
    await reach_the_warehouse(house, placed)
    assert (await cancel(house, order_id)).status_code == 202
    await let_it_end(house, order_id)

    await assert_given_back(house, order_id, product)

    if fault == BEFORE_COMMIT:
        await assert_one_effect(house, order_id, "refund", fault)
    else:
        # It is looked for before it is asked for again: keys are forgotten.
        (made,) = await journal(house, order_id, "refund")
        assert made["verdict"] == f"{fault}+committed"


@every_gateway
async def test_a_query_whose_answer_is_lost_says_nothing_of_the_payment(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "retrieve", "timeout_after_commit", orderId=order_id)
    await move(house, placed["payment"], "pay")

    order = await assert_paid(house, order_id, product)

    assert kinds(order).count("payment_paid") == 1


@every_gateway
async def test_intent_and_key_are_stored_before_the_provider_is_asked(
    house: House, product: str, gateway: str
) -> None:
    key, order_id = new_order(house)
    slowly: dict[str, Any] = {"behavior": "delay_before_commit", "seconds": 0.4}
    await mishap(house, gateway, "create", **slowly, orderId=order_id)
    placing = asyncio.create_task(place_knowing(house, product, gateway, key))
    await until_asked(house, gateway, order_id, "create")
    payment = await stored(
        house, "SELECT id, state, idempotency_key FROM payments WHERE order_id = :id", order_id
    )
    assert payment.state == "intended"
    assert not await journal(house, order_id, "create")
    placed = await placing
    await assert_key(house, order_id, "create", {payment.idempotency_key, payment.id})

    if gateway == "paypal":
        await mishap(house, gateway, "capture", **slowly, orderId=order_id)
        await move(house, placed["payment"], "approve")
        await until_asked(house, gateway, order_id, "capture")
        captured = await stored(
            house, "SELECT capture_key FROM payments WHERE order_id = :id", order_id
        )
        assert not await journal(house, order_id, "capture")
    await reach_the_warehouse(house, placed)
    if gateway == "paypal":
        await assert_key(house, order_id, "capture", {captured.capture_key})

    await mishap(house, gateway, "refund", **slowly, orderId=order_id)
    await cancel(house, order_id)
    await until_asked(house, gateway, order_id, "refund")
    refund = await stored(
        house, "SELECT id, state, idempotency_key FROM refunds WHERE order_id = :id", order_id
    )
    assert refund.state == "intended"
    assert not await journal(house, order_id, "refund")
    await let_it_end(house, order_id)
    await assert_key(house, order_id, "refund", {refund.idempotency_key, refund.id})
    await assert_given_back(house, order_id, product)


async def assert_key(house: House, order_id: str, operation: str, ours: set[str]) -> None:
    """The one call carried a key that was in our books before; two providers take our number."""
    (entry,) = await journal(house, order_id, operation)
    assert entry["idempotencyKey"] in ours - {""}


@pytest.mark.parametrize("gateway", CLOSING)
async def test_that_a_payment_is_given_up_is_stored_before_the_provider_closes_it(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "cancel", "delay_before_commit", seconds=0.4, orderId=order_id)
    await cancel(house, order_id)
    await until_asked(house, gateway, order_id, "cancel")

    payment = await stored(
        house, "SELECT given_up, state FROM payments WHERE order_id = :id", order_id
    )

    assert (payment.given_up, payment.state) == (True, "pending")
    await until_ended(house, order_id)
    await house.assert_laws_hold()


@every_gateway
async def test_answers_that_are_lost_in_our_own_house_have_one_effect(
    house: House, product: str, gateway: str
) -> None:
    """The worker dies after each step's effect, before anybody has learned of it."""
    key, order_id = new_order(house)
    steps = ("create_payment", "settle_payment", "refund_payment")
    faults = [house.faults.add(order_id, step, "after") for step in steps]
    placed = await place_knowing(house, product, gateway, key)
    await reach_the_warehouse(house, placed)
    await cancel(house, order_id)
    await let_it_end(house, order_id)

    await assert_given_back(house, order_id, product)

    assert [fault.hits for fault in faults] == [1, 1, 1]
    for operation in ("create", "capture", "refund"):
        calls = await journal(house, order_id, operation)
        assert [entry["verdict"] for entry in calls].count("committed") == len(calls[:1])


@every_gateway
async def test_a_provider_that_is_down_for_hours_takes_no_money_twice(
    house: House, product: str, gateway: str
) -> None:
    """Nothing arrives, and then every answer is lost for a while; the key never changes."""
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "refund", "fail_before_commit", times=3, orderId=order_id)
    await mishap(house, gateway, "refund", "timeout_after_commit", times=3, orderId=order_id)
    await reach_the_warehouse(house, placed)
    await cancel(house, order_id)
    await until_asked_once(house, order_id, "refund")
    await house.pass_time(order_id, timedelta(hours=1))
    await let_it_end(house, order_id)

    await assert_given_back(house, order_id, product)

    assert len({entry["idempotencyKey"] for entry in await journal(house, order_id, "refund")}) == 1


@pytest.mark.parametrize("gateway", CLOSING)
async def test_who_asks_for_another_way_to_pay_does_not_wait_for_a_provider_that_is_down(
    house: House, product: str, gateway: str
) -> None:
    """Nobody may pay two ways: until the first is closed there is no other one."""
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await mishap(house, gateway, "cancel", "error_after_commit", times=2, orderId=order_id)
    await mishap(house, gateway, "cancel", "fail_before_commit", orderId=order_id)
    path = f"/orders/{order_id}/payments"

    refused = await house.call("POST", path, json={"gateway": gateway})

    assert refused.status_code == 409
    assert "try again shortly" in refused.text
    second = await another_attempt(house, order_id, gateway)
    await begin_to_pay(house, second)
    await move(house, second, "pay")
    await assert_paid(house, order_id, product)
