"""Placing orders over HTTP: what a shop's backend sends and gets."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest
from pydantic import SecretStr
from temporalio.service import RPCError

from api.app import create_app
from api.auth import caller_name
from db import orders
from domain.cleaning import fingerprint
from domain.ids import ORDER, derived_id
from tests.api.conftest import ROOT, calling, codes
from tests.house import House, Json, order_for


def keyed() -> dict[str, str]:
    return {"Idempotency-Key": f"cart-{uuid4()}"}


async def test_a_valid_order_is_created_with_everything_that_paying_needs(house: House) -> None:
    product = await house.add_product(stock=5, price_minor=12_900)

    answer = await house.call("POST", "/orders", json=order_for(product, 2))

    assert answer.status_code == 201, answer.text
    placed = answer.json()
    assert placed["status"] == placed["paymentStatus"] == placed["shippingStatus"] == "pending"
    assert placed["orderNumber"].startswith("ORD")
    assert placed["pricing"]["subtotal"] == "258.00"
    assert placed["pricing"]["currency"] == "CNY"
    assert placed["shortages"] == []
    payment = placed["payment"]
    assert payment["amount"] == placed["pricing"]["total"]
    assert payment["gateway"] == "stripe"
    assert payment["action"]["type"] == "client_secret"
    assert payment["expiresAt"].endswith("Z")
    assert await house.stock(product) == (5, 3, 2)


async def test_snake_case_is_understood_and_errors_are_spelled_alike(house: House) -> None:
    body = {
        "customer_info": {"name": " ", "email": "nobody", "phone": "+8613800138000"},
        "items": [],
        "payment_method": "cowrie_shells",
    }

    answer = await house.call("POST", "/orders", json=body)

    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert {"customer_info.name", "customer_info.email", "payment_method", "items"} <= fields
    assert not any("customer.info" in field for field in fields)


async def test_an_order_with_many_faults_gets_all_errors_at_once(house: House) -> None:
    body = json.loads((ROOT / "examples/order-invalid.json").read_text())

    answer = await house.call("POST", "/orders", json=body)

    assert answer.status_code == 422
    assert len(codes(answer)) >= 10
    assert (
        await house.rows("SELECT 1 FROM orders WHERE customer_id = :id", id=body["customerId"])
        == []
    )


async def test_goods_that_are_short_make_an_order_that_waits(house: House) -> None:
    product = await house.add_product(stock=1)

    answer = await house.call("POST", "/orders", json=order_for(product, 3))

    assert answer.status_code == 202, answer.text
    waiting = answer.json()
    assert waiting["status"] == "pending_restock"
    assert waiting["payment"] is None
    (short,) = waiting["shortages"]
    assert (short["requested"], short["available"], short["shortfall"]) == (3, 1, 2)


async def test_the_same_key_and_body_make_one_order(house: House, product: str) -> None:
    headers = keyed()

    answers = [
        await house.call("POST", "/orders", json=order_for(product), headers=headers)
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert (await house.stock(product))[2] == 1


async def test_the_same_key_at_the_same_moment_makes_one_order(house: House, product: str) -> None:
    headers = keyed()

    answers = await asyncio.gather(
        *(house.call("POST", "/orders", json=order_for(product), headers=headers) for _ in range(5))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["orderId"] for answer in answers}) == 1
    assert (await house.stock(product))[2] == 1


async def test_the_same_key_with_another_body_is_refused(house: House, product: str) -> None:
    headers = keyed()
    await house.call("POST", "/orders", json=order_for(product), headers=headers)

    answer = await house.call("POST", "/orders", json=order_for(product, 2), headers=headers)

    assert answer.status_code == 409
    assert codes(answer) == ["idempotency_key_reused"]


async def test_a_key_whose_order_was_refused_cannot_be_used_for_another(
    house: House, product: str
) -> None:
    headers = keyed()
    refused = await house.call(
        "POST", "/orders", json=order_for(product, paymentMethod="shells"), headers=headers
    )
    again = await house.call(
        "POST", "/orders", json=order_for(product, paymentMethod="shells"), headers=headers
    )

    answer = await house.call("POST", "/orders", json=order_for(product), headers=headers)

    assert refused.status_code == again.status_code == 422
    assert refused.json() == again.json()
    assert answer.status_code == 409


async def test_two_shops_may_use_the_same_key(house: House, product: str) -> None:
    headers = keyed()
    settings = house.settings.model_copy(
        update={"api_keys": (*house.settings.api_keys, SecretStr("another-shop"))}
    )
    app = create_app(settings, client=house.client)
    ours = await house.call("POST", "/orders", json=order_for(product), headers=headers)

    async with calling(app, "another-shop") as other:
        theirs = await other.post("/orders", json=order_for(product, 2), headers=headers)

    assert theirs.status_code == ours.status_code == 201
    assert theirs.json()["orderId"] != ours.json()["orderId"]


async def test_an_order_that_ended_answers_its_key_as_before(house: House, product: str) -> None:
    headers = keyed()
    first = await house.call("POST", "/orders", json=order_for(product), headers=headers)
    order_id = first.json()["orderId"]
    await house.call("POST", f"/orders/{order_id}/cancel")
    await house.until(order_id, status="cancelled")
    await house.handle(order_id).result()

    again = await house.call("POST", "/orders", json=order_for(product), headers=headers)

    assert again.status_code == 201
    assert again.json()["orderId"] == order_id
    assert await house.stock(product) == (10, 10, 0)


async def test_an_order_that_temporal_forgot_is_answered_and_not_placed_again(
    house: House, placed: Json, product: str
) -> None:
    headers, body = keyed(), order_for(product)
    forgotten = await _order_without_workflow(house, placed["orderId"], headers, body)

    again = await house.call("POST", "/orders", json=body, headers=headers)
    other = await house.call("POST", "/orders", json=order_for(product, 2), headers=headers)

    assert again.status_code == 201, again.text
    assert again.json()["orderId"] == forgotten
    assert again.json()["pricing"] == placed["pricing"]
    assert again.json()["payment"] is None
    assert other.status_code == 409
    with pytest.raises(RPCError):
        await house.handle(forgotten).describe()


async def test_an_order_is_placed_though_the_payment_provider_does_not_answer(
    house: House, product: str
) -> None:
    headers = keyed()
    scenario = {
        "party": "stripe",
        "operation": "create",
        "behavior": "fail_before_commit",
        "times": 3,
        "match": {"orderId": order_id_of(house, headers)},
    }
    await house.simulate("scenario", json=scenario)

    answer = await house.call("POST", "/orders", json=order_for(product), headers=headers)
    later = await house.call("POST", f"/orders/{answer.json()['orderId']}/payments")

    assert answer.status_code == 201, answer.text
    assert answer.json()["payment"] is None
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["payment_not_created"]
    assert later.status_code == 201, later.text
    assert later.json()["action"]["value"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey"])
async def test_a_key_that_is_no_key_is_refused(house: House, product: str, key: str) -> None:
    answer = await house.call(
        "POST", "/orders", json=order_for(product), headers={"Idempotency-Key": key}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
async def test_a_body_that_is_not_json_is_refused(house: House, body: bytes) -> None:
    answer = await house.call("POST", "/orders", content=body)

    assert answer.status_code == 422
    assert codes(answer) == ["invalid_json"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"an order"', b"17"])
async def test_a_body_that_is_no_object_is_refused(house: House, body: bytes) -> None:
    answer = await house.call("POST", "/orders", content=body)

    assert answer.status_code == 422
    assert codes(answer) == ["not_an_object"]


async def test_the_documentation_has_an_order_that_the_shop_takes(house: House) -> None:
    document = (await house.http.get(f"{house.api}/openapi.json")).json()
    place = document["paths"]["/orders"]["post"]
    example = place["requestBody"]["content"]["application/json"]["example"]

    answer = await house.call("POST", "/orders", json=example)

    assert answer.status_code == 201, answer.text


def order_id_of(house: House, headers: dict[str, str]) -> str:
    """The id that an order with this key gets."""
    return derived_id(ORDER, caller_name(house.api_key), headers["Idempotency-Key"])


async def _order_without_workflow(
    house: House, like: str, headers: dict[str, str], body: Json
) -> str:
    """An order as it is when Temporal's retention time is over; its id."""
    order_id = order_id_of(house, headers)
    async with house.sessions.begin() as session:
        known = await orders.find_order(session, like)
        assert known is not None
        changes = {"order_id": order_id, "order_number": f"ORD{uuid4().hex[:12]}"}
        await orders.insert_order(session, known.model_copy(update=changes), fingerprint(body))
    return order_id
