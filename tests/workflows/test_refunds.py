"""Money that is given back on request: never more than came in."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    kinds,
    mails,
    mishap,
    pay_and_reach_the_warehouse,
    refunds,
    ship,
    until_ended,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def refund(
    house: House, order_id: str, amount: str | None = None, key: str = ""
) -> httpx.Response:
    body = {"reason": "a cup was broken"} | ({"amount": amount} if amount else {})
    headers = {"Idempotency-Key": key} if key else {}
    return await house.call("POST", f"/orders/{order_id}/refunds", json=body, headers=headers)


async def deliver(house: House, product: str) -> str:
    """A new order that has just been delivered."""
    order_id, number = await ship(house, product)
    await house.deliver(order_id, number)
    await house.until_waiting_for(order_id, "enjoy")
    return order_id


async def until_kept(house: House, order_id: str, kept: str) -> Json:
    return await house.until(order_id, kept=kept)


async def test_partial_refunds_stop_at_what_was_captured(house: House, product: str) -> None:
    order_id = await deliver(house, product)
    answers = [await refund(house, order_id, amount) for amount in ("60.00", "30.00", "20.00")]
    assert [answer.status_code for answer in answers] == [202, 202, 409]
    await until_kept(house, order_id, "10.00")

    order = await assert_end(
        house,
        order_id,
        product,
        status="delivered",
        payment_status="partially_refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=9_000,
    )

    assert sorted(r["amount"] for r in order["refunds"]) == ["30.00", "60.00"]
    assert len(refunds(await house.at_provider(order_id))) == 2


async def test_ten_refunds_at_once_never_give_back_more_than_was_captured(
    house: House, product: str
) -> None:
    order_id = await deliver(house, product)

    answers = await asyncio.gather(*(refund(house, order_id, "30.00") for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 7
    await until_kept(house, order_id, "10.00")
    await assert_end(
        house,
        order_id,
        product,
        status="delivered",
        payment_status="partially_refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=9_000,
    )


async def test_full_refunds_at_once_are_one(house: House, product: str) -> None:
    order_id = await deliver(house, product)

    answers = await asyncio.gather(*(refund(house, order_id) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 4
    await assert_refunded(house, order_id, product)


async def assert_refunded(house: House, order_id: str, product: str) -> Json:
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
    assert [refund["state"] for refund in order["refunds"]].count("succeeded") == 1
    return order


async def test_a_refund_that_is_asked_for_twice_with_one_key_is_made_once(
    house: House, product: str
) -> None:
    order_id, key = await deliver(house, product), uuid4().hex

    answers = await asyncio.gather(*(refund(house, order_id, "10.00", key) for _ in range(3)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["refundId"] for answer in answers}) == 1
    await until_kept(house, order_id, "90.00")
    (made,) = refunds(await house.at_provider(order_id))
    assert (made["amount"], made["status"]) == (1_000, "succeeded")
    await house.assert_laws_hold()


async def test_a_refunded_order_is_not_invited_to_a_review(house: House, product: str) -> None:
    order_id = await deliver(house, product)
    assert (await refund(house, order_id)).status_code == 202
    await assert_refunded(house, order_id, product)

    await house.pass_time(order_id, timedelta(hours=25))
    await until_ended(house, order_id)

    order = await assert_refunded(house, order_id, product)
    told = await mails(house, order_id)
    assert (told["order_refunded"], told["review_invitation"]) == (1, 0)
    assert "order_completed" not in kinds(order)


async def test_a_completed_order_is_refunded(house: House, product: str) -> None:
    order_id = await deliver(house, product)
    await house.pass_time(order_id, timedelta(hours=25))
    await house.until(order_id, status="completed")
    await until_ended(house, order_id)

    assert (await refund(house, order_id)).status_code == 202

    await assert_refunded(house, order_id, product)


async def test_what_a_partial_refund_left_goes_back_when_the_order_is_cancelled(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)
    assert (await refund(house, order_id, "25.00")).status_code == 202
    await until_kept(house, order_id, "75.00")
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
    amounts = sorted(r["amount"] for r in refunds(await house.at_provider(order_id)))
    assert amounts == [2_500, 7_500]


async def test_a_refund_and_a_cancellation_at_once_give_everything_back_once(
    house: House, product: str
) -> None:
    placed = await house.place(product)
    order_id = placed["orderId"]
    await pay_and_reach_the_warehouse(house, placed)

    await asyncio.gather(refund(house, order_id, "25.00"), cancel(house, order_id))

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


async def test_an_unpaid_order_has_nothing_to_refund(house: House, product: str) -> None:
    placed = await house.place(product)

    answer = await refund(house, placed["orderId"], "1.00")

    assert answer.status_code == 409
    assert await house.at_provider(placed["orderId"])
    assert not refunds(await house.at_provider(placed["orderId"]))


async def test_a_refund_that_stripe_refuses_gives_its_claim_back(
    house: House, product: str
) -> None:
    order_id = await deliver(house, product)
    await mishap(house, "stripe", "refund", "reject", orderId=order_id)
    assert (await refund(house, order_id)).status_code == 202

    async def failed() -> bool:
        return "refund_failed" in kinds(await house.order(order_id))

    await eventually_async(failed)
    order = await house.order(order_id)
    assert (order["kept"], order["paymentStatus"]) == ("100.00", "paid")
    assert (await mails(house, order_id))["order_refunded"] == 0

    assert (await refund(house, order_id)).status_code == 202
    await assert_refunded(house, order_id, product)
