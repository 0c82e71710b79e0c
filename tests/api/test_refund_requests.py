"""What a shop may ask for when money is to go back, and how the order shows it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.ids import REFUND, derived_id
from tests.api.conftest import codes
from tests.house import House, Json, order_for
from tests.serving import eventually_async
from tests.workflows.journey import mishap

UNKNOWN = derived_id(REFUND, "nobody")


@pytest.fixture
async def paid(house: House) -> Json:
    """A paid order of 3 × 33.33 and 1 × 10.00 CNY; no shipping is paid from 99.00 on."""
    first = await house.add_product(stock=10, price_minor=3_333)
    second = await house.add_product(stock=10, price_minor=1_000)
    body = order_for(first)
    body["items"] = [{"productId": first, "quantity": 3}, {"productId": second, "quantity": 1}]
    answer = await house.call("POST", "/orders", json=body)
    assert answer.status_code == 201, answer.text
    placed: Json = answer.json()
    await house.pay(placed["payment"]["paymentId"])
    await house.until(placed["orderId"], status="processing")
    return await house.order(placed["orderId"])


async def ask(house: House, order: Json, body: Any, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await house.call(
        "POST", f"/orders/{order['orderId']}/refunds", json=body, headers=headers
    )


async def retry(house: House, order_id: str, refund_id: str) -> httpx.Response:
    return await house.call("POST", f"/orders/{order_id}/refunds/{refund_id}/retry")


async def until_refund(house: House, order: Json, number: int, state: str) -> Json:
    """Wait until the order's refund of this number, from 1, has come so far."""
    found: Json = {}

    async def look() -> bool:
        nonlocal found
        refunds = (await house.order(order["orderId"]))["refunds"]
        found = refunds[number - 1] if len(refunds) >= number else {}
        return found.get("state") == state

    await eventually_async(look)
    return found


async def failed_refund(house: House, order: Json, amount: str = "5.00") -> Json:
    """A refund that Stripe refuses."""
    await mishap(house, "stripe", "refund", "reject", orderId=order["orderId"])
    assert (await ask(house, order, {"amount": amount})).status_code == 202
    return await until_refund(house, order, 1, "failed")


async def test_units_are_refunded_by_line_and_by_sku(house: House, paid: Json) -> None:
    sku = paid["items"][1]["sku"]
    body = {"items": [{"lineNo": 1, "quantity": 2}, {"sku": sku, "quantity": "1"}], "reason": "bad"}

    answer = await ask(house, paid, body)

    assert answer.status_code == 202, answer.text
    refund = await until_refund(house, paid, 1, "succeeded")
    begun = {"refundId": refund["refundId"], "amount": "76.66", "currency": "CNY"}
    assert answer.json() == begun
    assert refund["lines"] == [
        {"lineNo": 1, "sku": paid["items"][0]["sku"], "quantity": 2},
        {"lineNo": 2, "sku": sku, "quantity": 1},
    ]


async def test_snake_case_is_understood_and_answered_in_kind(house: House, paid: Json) -> None:
    answer = await ask(house, paid, {"items": [{"line_no": 1, "quantity": 1}]})
    refused = await ask(house, paid, {"items": [{"line_no": 7, "quantity": 1}]})

    assert answer.status_code == 202, answer.text
    assert answer.json()["amount"] == "33.33"
    assert refused.json()["errors"][0]["field"] == "items[0].line_no"


async def test_all_that_is_wrong_with_the_items_is_said_at_once(house: House, paid: Json) -> None:
    sku = paid["items"][1]["sku"]
    items = [
        {"lineNo": 1, "quantity": 0},
        {"lineNo": 3, "quantity": 1},
        {"sku": "NOT-OURS", "quantity": -2},
        {"quantity": 1},
        {"sku": sku, "quantity": 1},
        {"lineNo": 2, "quantity": 1},
        {"lineNo": 1, "sku": sku},
        {"sku": "", "quantity": "many"},
        "two cups",
    ]

    answer = await ask(house, paid, {"items": items, "amount": "1.00", "reason": 7})

    assert answer.status_code == 422
    assert [(e["code"], e["field"]) for e in answer.json()["errors"]] == [
        ("amount_or_items", "items"),
        ("out_of_range", "items[0].quantity"),
        ("unknown_line", "items[1].lineNo"),
        ("unknown_line", "items[2].sku"),
        ("out_of_range", "items[2].quantity"),
        ("required", "items[3].lineNo"),
        ("line_repeated", "items[5].lineNo"),
        ("sku_mismatch", "items[6].sku"),
        ("required", "items[6].quantity"),
        ("required", "items[7].lineNo"),
        ("not_an_integer", "items[7].quantity"),
        ("not_an_object", "items[8]"),
        ("invalid_type", "reason"),
    ]
    assert (await house.order(paid["orderId"]))["refunds"] == []


async def test_items_that_are_no_list_of_lines_are_refused(house: House, paid: Json) -> None:
    nonsense: list[object] = [[], {}, "1", 1, True]
    for items in nonsense:
        answer = await ask(house, paid, {"items": items})
        assert answer.status_code == 422, items
        assert codes(answer) == ["not_a_list"]


async def test_a_request_of_endless_items_is_refused(house: House, paid: Json) -> None:
    answer = await ask(house, paid, {"items": [{"lineNo": 1, "quantity": 1}] * 101})

    assert answer.status_code == 422
    assert codes(answer)[0] == "too_many"
    assert len(codes(answer)) == 100


async def test_more_units_than_are_left_are_refused_with_the_reason(
    house: House, paid: Json
) -> None:
    body = {"items": [{"lineNo": 1, "quantity": 2}]}
    assert (await ask(house, paid, body)).status_code == 202

    answer = await ask(house, paid, body)

    assert answer.status_code == 409
    assert codes(answer) == ["refund_refused"]
    reason = "line 1 has 1 of 3 units left to refund, not 2"
    assert answer.json()["errors"][0]["message"] == reason


async def test_units_cost_no_more_than_a_refund_by_amount_has_left(
    house: House, paid: Json
) -> None:
    assert (await ask(house, paid, {"amount": "100.00"})).status_code == 202

    answer = await ask(house, paid, {"items": [{"lineNo": 1, "quantity": 1}]})

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["message"] == "33.33 CNY asked back, 9.99 CNY left"


async def test_one_key_is_one_refund_though_it_has_ended(house: House, paid: Json) -> None:
    key, body = str(uuid4()), {"items": [{"lineNo": 2, "quantity": 1}]}
    first = await ask(house, paid, body, key)
    await until_refund(house, paid, 1, "succeeded")
    await house.client.get_workflow_handle(f"refund-{first.json()['refundId']}").result()

    again = await asyncio.gather(*(ask(house, paid, body, key) for _ in range(3)))

    assert [answer.status_code for answer in again] == [202] * 3, again[0].text
    assert [answer.json() for answer in again] == [first.json()] * 3
    assert len((await house.order(paid["orderId"]))["refunds"]) == 1


async def test_a_key_belongs_to_what_was_asked_for_with_it(house: House, paid: Json) -> None:
    key = str(uuid4())
    assert (await ask(house, paid, {"items": [{"lineNo": 2, "quantity": 1}]}, key)).is_success

    # The second costs the same as the first.
    others: list[Json] = [
        {"items": [{"lineNo": 1, "quantity": 1}]},
        {"amount": "10.00"},
        {"amount": "11.00"},
        {},
    ]
    for body in others:
        answer = await ask(house, paid, body, key)
        assert answer.status_code == 409, body
        assert codes(answer) == ["idempotency_key_reused"]
    assert len((await house.order(paid["orderId"]))["refunds"]) == 1


async def test_what_was_refused_may_be_asked_for_again_with_the_same_key(house: House) -> None:
    placed = await house.place(await house.add_product(stock=1))
    key, body = str(uuid4()), {"amount": "1.00"}

    early = await ask(house, placed, body, key)
    await house.pay(placed["payment"]["paymentId"])
    await house.until(placed["orderId"], paymentStatus="paid")
    in_time = await ask(house, placed, body, key)

    assert (early.status_code, codes(early)) == (409, ["refund_refused"])
    assert in_time.status_code == 202, in_time.text


async def test_a_refund_shows_how_it_stands(house: House, paid: Json) -> None:
    failed = await failed_refund(house, paid)

    assert failed == {
        "refundId": failed["refundId"],
        "paymentId": paid["payments"][0]["paymentId"],
        "state": "failed",
        "amount": "5.00",
        "currency": "CNY",
        "reason": "",
        "failureCode": failed["failureCode"],
        "madeBy": "shop",
        "lines": [],
        "retryOf": "",
        "createdAt": failed["createdAt"],
        "settledAt": failed["settledAt"],
    }
    assert failed["failureCode"]
    assert failed["createdAt"] <= failed["settledAt"]


async def test_a_failed_refund_is_made_again_once_however_often_it_is_asked_for(
    house: House, paid: Json
) -> None:
    failed = await failed_refund(house, paid)
    order_id, refund_id = paid["orderId"], failed["refundId"]

    answers = await asyncio.gather(*(retry(house, order_id, refund_id) for _ in range(4)))

    again = derived_id(REFUND, refund_id, "retry")
    begun = {"refundId": again, "amount": "5.00", "currency": "CNY"}
    assert [answer.json() for answer in answers] == [begun] * 4
    made = await until_refund(house, paid, 2, "succeeded")
    assert (made["refundId"], made["retryOf"]) == (again, refund_id)
    await house.client.get_workflow_handle(f"refund-{again}").result()
    late = await retry(house, order_id, refund_id)
    assert (late.status_code, late.json()) == (202, begun)
    assert len((await house.order(order_id))["refunds"]) == 2
    (payment,) = await house.at_provider(order_id)
    assert payment["refunded"] == 500


async def test_a_retry_that_failed_is_retried_in_its_turn(house: House, paid: Json) -> None:
    failed = await failed_refund(house, paid)
    order_id = paid["orderId"]
    await mishap(house, "stripe", "refund", "reject", orderId=order_id)
    second = (await retry(house, order_id, failed["refundId"])).json()["refundId"]
    await until_refund(house, paid, 2, "failed")
    await house.client.get_workflow_handle(f"refund-{second}").result()

    stale = await retry(house, order_id, failed["refundId"])
    third = await retry(house, order_id, second)

    assert (stale.status_code, third.status_code) == (409, 202), stale.text
    assert f"made again as {second}" in stale.json()["errors"][0]["message"]
    assert (await until_refund(house, paid, 3, "succeeded"))["retryOf"] == second


async def test_a_refund_of_lines_is_made_again_for_the_same_lines(house: House, paid: Json) -> None:
    await mishap(house, "stripe", "refund", "reject", orderId=paid["orderId"])
    body = {"items": [{"lineNo": 1, "quantity": 2}], "reason": "two were broken"}
    assert (await ask(house, paid, body)).status_code == 202
    failed = await until_refund(house, paid, 1, "failed")

    answer = await retry(house, paid["orderId"], failed["refundId"])

    assert answer.json()["amount"] == "66.66"
    made = await until_refund(house, paid, 2, "succeeded")
    assert (made["lines"], made["reason"]) == (failed["lines"], "two were broken")
    beyond = await ask(house, paid, body)
    assert beyond.status_code == 409


async def test_only_a_failed_refund_is_retried_and_then_though_it_was_asked_too_early(
    house: House, paid: Json
) -> None:
    order_id = paid["orderId"]
    await mishap(house, "stripe", "refund", "refund_pending", orderId=order_id)
    refund_id = (await ask(house, paid, {"amount": "5.00"})).json()["refundId"]
    await until_refund(house, paid, 1, "pending")

    early = await retry(house, order_id, refund_id)
    await house.simulate(f"stripe/{paid['payments'][0]['paymentId']}/refund-fail")
    await until_refund(house, paid, 1, "failed")
    in_time = await retry(house, order_id, refund_id)

    assert (early.status_code, codes(early)) == (409, ["refund_refused"])
    assert "is pending: only a failed one is retried" in early.json()["errors"][0]["message"]
    assert in_time.status_code == 202, in_time.text
    await until_refund(house, paid, 2, "succeeded")


async def test_a_refund_that_is_not_there_is_not_found(house: House, paid: Json) -> None:
    for refund_id in (UNKNOWN, "R1", "%00", "R" + "Ö" * 26):
        answer = await retry(house, paid["orderId"], refund_id)
        assert answer.status_code == 404, refund_id
        assert codes(answer) == ["refund_not_found"]


async def test_another_orders_refund_is_not_found(house: House, paid: Json) -> None:
    failed = await failed_refund(house, paid)
    other = await house.place(await house.add_product(stock=1))

    answer = await retry(house, other["orderId"], failed["refundId"])

    assert answer.status_code == 404
    assert codes(answer) == ["refund_not_found"]
