"""What a shop can ask of an order that exists, stage by stage."""

from __future__ import annotations

from uuid import uuid4

import pytest

from domain.ids import ORDER, derived_id
from tests.api.conftest import codes
from tests.house import House, Json

NOBODY = derived_id(ORDER, "nobody")
COMMANDS = ("payments", "cancel", "refunds", "returns")


async def test_an_order_tells_everything_about_itself(house: House, placed: Json) -> None:
    order = await house.until_waiting_for(placed["orderId"], "payment")

    assert order["customerInfo"]["name"] == "李薇"
    (item,) = order["items"]
    assert (item["unitPrice"], item["totalPrice"], item["lineNo"]) == ("100.00", "100.00", 1)
    (attempt,) = order["payments"]
    assert attempt["state"] == "pending"
    assert attempt["action"] == placed["payment"]["action"]
    assert [entry["kind"] for entry in order["timeline"]][:1] == ["order_placed"]
    assert {"at", "kind", "paymentId"} <= order["timeline"][-1].keys()
    assert order["waitingFor"]["until"].endswith("Z")
    assert order["waitingFor"]["then"]
    assert order["shipment"] is None


async def test_a_paid_order_shows_its_money_its_parcel_and_its_messages(
    house: House, placed: Json
) -> None:
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)
    await house.deliver(order_id, number)

    order = await house.order(order_id)

    assert order["kept"] == order["pricing"]["total"]
    assert order["payments"][0]["captured"] == order["pricing"]["total"]
    assert order["payments"][0]["action"] is None
    assert order["shipment"]["trackingNumber"] == number
    assert number in order["shipment"]["trackingUrl"]
    assert order["shipment"]["trackingEvents"]
    channels = {entry["channel"] for entry in order["notifications"]}
    assert channels == {"email", "sms", "push"}


@pytest.mark.parametrize("order_id", [NOBODY, "O1", "order-1", "%2e%2e", "O" + "Ö" * 26])
async def test_an_unknown_order_is_not_found(house: House, order_id: str) -> None:
    answer = await house.call("GET", f"/orders/{order_id}")

    assert answer.status_code == 404
    assert codes(answer) == ["order_not_found"]


@pytest.mark.parametrize("command", COMMANDS)
async def test_nothing_can_be_asked_of_an_unknown_order(house: House, command: str) -> None:
    answer = await house.call("POST", f"/orders/{NOBODY}/{command}")

    assert answer.status_code == 404
    assert codes(answer) == ["order_not_found"]


async def test_another_attempt_replaces_the_first(house: House, placed: Json) -> None:
    order_id = placed["orderId"]

    answer = await house.call("POST", f"/orders/{order_id}/payments", json={"gateway": "stripe"})

    assert answer.status_code == 201, answer.text
    assert answer.json()["paymentId"] != placed["payment"]["paymentId"]
    order = await house.order(order_id)
    assert [attempt["state"] for attempt in order["payments"]] == ["closed", "pending"]
    assert order["payments"][0]["action"] is None


async def test_a_repeated_attempt_with_one_key_is_one_attempt(house: House, placed: Json) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    path = f"/orders/{placed['orderId']}/payments"

    answers = [await house.call("POST", path, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await house.order(placed["orderId"]))["payments"]) == 2


async def test_an_attempt_at_a_gateway_that_is_not_there_is_refused(
    house: House, placed: Json
) -> None:
    path = f"/orders/{placed['orderId']}/payments"

    answer = await house.call("POST", path, json={"gateway": "cowries"})

    assert answer.status_code == 422
    assert codes(answer) == ["gateway_unknown"]


async def test_a_paid_order_takes_no_other_payment(house: House, placed: Json) -> None:
    await house.pay(placed["payment"]["paymentId"])
    await house.until(placed["orderId"], paymentStatus="paid")

    answer = await house.call("POST", f"/orders/{placed['orderId']}/payments")

    assert answer.status_code == 409
    assert codes(answer) == ["payment_refused"]


async def test_an_order_is_cancelled_and_says_why(house: House, placed: Json, product: str) -> None:
    order_id = placed["orderId"]

    answer = await house.call(
        "POST",
        f"/orders/{order_id}/cancel",
        json={"reason": "bought twice", "requested_by": "operator"},
    )

    assert answer.status_code == 202, answer.text
    assert answer.json() == {"orderId": order_id, "refund": False, "becomes": "cancellation"}
    order = await house.until(order_id, status="cancelled")
    (cancelled,) = [one for one in order["timeline"] if one["kind"] == "order_cancelled"]
    assert cancelled["reason"] == "bought twice"
    assert order["waitingFor"] is None
    assert await house.stock(product) == (10, 10, 0)


async def test_a_cancelled_order_cannot_be_cancelled_or_paid_again(
    house: House, placed: Json
) -> None:
    order_id = placed["orderId"]
    await house.call("POST", f"/orders/{order_id}/cancel")
    await house.handle(order_id).result()

    cancel = await house.call("POST", f"/orders/{order_id}/cancel")
    pay = await house.call("POST", f"/orders/{order_id}/payments")

    assert (cancel.status_code, pay.status_code) == (409, 409)
    assert codes(cancel) == codes(pay) == ["order_ended"]
    assert "cancelled" in cancel.json()["errors"][0]["message"]


async def test_cancelling_a_shipped_order_asks_for_its_parcel_back(
    house: House, placed: Json
) -> None:
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")

    answer = await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": "too late"})

    assert answer.status_code == 202
    assert answer.json() == {"orderId": order_id, "refund": True, "becomes": "return"}
    await house.simulate(f"parcels/{number}/returned")
    await house.until(order_id, status="refunded", paymentStatus="refunded")


async def test_a_delivered_order_is_not_cancelled(house: House, placed: Json) -> None:
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    await house.deliver(order_id, await house.ship(order_id))
    await house.until_waiting_for(order_id, "enjoy")

    answer = await house.call("POST", f"/orders/{order_id}/cancel")

    assert answer.status_code == 409
    assert codes(answer) == ["cancel_refused"]
    assert "return" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("body", [{"requestedBy": "the cat"}, {"reason": 17}, []])
async def test_a_cancellation_that_cannot_be_read_is_refused(
    house: House, placed: Json, body: object
) -> None:
    answer = await house.call("POST", f"/orders/{placed['orderId']}/cancel", json=body)

    assert answer.status_code == 422
    assert (await house.order(placed["orderId"]))["status"] == "pending"


async def test_a_part_of_the_money_is_refunded_once_for_one_key(house: House, placed: Json) -> None:
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    await house.until(order_id, status="processing")
    headers = {"Idempotency-Key": str(uuid4())}
    body = {"amount": "12.00", "reason": "one cup was broken"}

    answers = [
        await house.call("POST", f"/orders/{order_id}/refunds", json=body, headers=headers)
        for _ in range(2)
    ]
    other = await house.call(
        "POST", f"/orders/{order_id}/refunds", json={"amount": "13.00"}, headers=headers
    )

    assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["amount"] == "12.00"
    assert codes(other) == ["idempotency_key_reused"]
    order = await house.until(order_id, paymentStatus="partially_refunded")
    (refund,) = order["refunds"]
    assert (refund["amount"], refund["state"]) == ("12.00", "succeeded")


async def test_an_unpaid_order_has_nothing_to_refund(house: House, placed: Json) -> None:
    answer = await house.call(
        "POST", f"/orders/{placed['orderId']}/refunds", json={"amount": "1.00"}
    )

    assert answer.status_code == 409
    assert codes(answer) == ["refund_refused"]


@pytest.mark.parametrize(
    "amount", ["0", '"-1.00"', '"1.001"', '"1e2"', '"a lot"', '"100000000"', "1e400", "[]"]
)
async def test_an_amount_that_cannot_be_refunded_is_refused(
    house: House, placed: Json, amount: str
) -> None:
    path = f"/orders/{placed['orderId']}/refunds"

    answer = await house.call("POST", path, content=f'{{"amount": {amount}}}')

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "amount"
