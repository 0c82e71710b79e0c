"""The warehouse and AfterShip, spoken to as our adapters will."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.accounts import ACCOUNTS
from tests.sandbox.simulator_kit import Delivery, Json, Lab, eventually, laboratory

TRACKINGS = "/aftership/tracking/2026-07/trackings"


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    async with laboratory() as running:
        yield running


def picking_list(number: str, warehouse: str = "SZ") -> Json:
    line = {
        "sku": "TEE-M-BLACK",
        "productId": "TEE",
        "name": "T恤",
        "quantity": 2,
        "bin": "A-01-03",
        "weightG": 200,
        "lengthMm": 300,
        "widthMm": 200,
        "heightMm": 20,
        "fragile": False,
    }
    return {
        "pickingListId": f"K{number}" + ("" if warehouse == "SZ" else warehouse),
        "orderId": f"O{number}",
        "orderNumber": f"EC-{number}",
        "warehouseId": warehouse,
        "priority": "normal",
        "lines": [line],
        "recipient": "王小明",
        "phone": "+8613800138000",
        "address": {"street": "科技园路1号", "city": "深圳", "country": "CN"},
        "createdAt": "2026-11-21T08:00:00Z",
    }


async def send(lab: Lab, number: str, warehouse: str = "SZ") -> httpx.Response:
    body = picking_list(number, warehouse)
    return await lab.http.post(
        "/warehouse/picking-lists",
        json=body,
        headers={
            "Authorization": f"Bearer {ACCOUNTS['warehouse_api_key']}",
            "Idempotency-Key": str(body["pickingListId"]),
        },
    )


async def call_off(lab: Lab, number: str) -> httpx.Response:
    return await lab.http.post(
        f"/warehouse/picking-lists/K{number}/cancel",
        headers={"Authorization": f"Bearer {ACCOUNTS['warehouse_api_key']}"},
    )


async def shipped(lab: Lab) -> tuple[str, str]:
    """The number of a new order that has shipped, and its parcel's."""
    number = uuid4().hex[:20]
    await send(lab, number)
    done = await lab.post(f"/_sim/shipments/O{number}/ship")
    return number, str(done["trackingNumber"])


async def aftership(
    lab: Lab, method: str, path: str = "", body: Json | None = None
) -> httpx.Response:
    headers = {"as-api-key": ACCOUNTS["aftership_api_key"]}
    return await lab.http.request(method, TRACKINGS + path, json=body, headers=headers)


def signed_by_warehouse(delivery: Delivery) -> bool:
    parts = dict(p.split("=") for p in delivery.headers["x-orderflow-signature"].split(","))
    message = f"{parts['t']}.".encode() + delivery.raw
    key = ACCOUNTS["shipping_callback_secret"].encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest() == parts["v1"]


def signed_by_aftership(delivery: Delivery) -> bool:
    digest = hmac.new(
        ACCOUNTS["aftership_webhook_secret"].encode(), delivery.raw, hashlib.sha256
    ).digest()
    return delivery.headers["aftership-hmac-sha256"] == base64.b64encode(digest).decode()


async def test_the_same_picking_list_gets_the_same_answer(lab: Lab) -> None:
    number = uuid4().hex[:20]
    first, second = await send(lab, number), await send(lab, number)

    assert (first.status_code, first.json()["status"]) == (202, "accepted")
    assert "estimatedShipAt" in first.json()
    assert (second.status_code, second.json()) == (202, first.json())


async def test_the_warehouse_wants_its_key_and_a_true_idempotency_key(lab: Lab) -> None:
    number = uuid4().hex[:20]
    path, body = "/warehouse/picking-lists", picking_list(number)
    stranger = await lab.http.post(path, json=body, headers={"Authorization": "Bearer no"})
    key = {"Authorization": f"Bearer {ACCOUNTS['warehouse_api_key']}"}
    unkeyed = await lab.http.post(path, json=body, headers=key)
    broken = await lab.http.post(path, json={}, headers=key)

    assert [r.status_code for r in (stranger, unkeyed, broken)] == [401, 400, 422]


async def test_a_cancelled_picking_list_stays_cancelled_even_if_it_arrives_later(lab: Lab) -> None:
    number = uuid4().hex[:20]
    for _ in range(2):
        cancelled = await call_off(lab, number)
        assert (cancelled.status_code, cancelled.json()) == (200, {"status": "cancelled"})
    late = await send(lab, number)

    assert (late.status_code, late.json()["code"]) == (409, "cancelled")
    await lab.post(f"/_sim/shipments/O{number}/ship", expect=404)


async def test_a_shipped_order_cannot_be_cancelled_and_a_cancelled_one_not_shipped(
    lab: Lab,
) -> None:
    number, _ = await shipped(lab)
    refused = await call_off(lab, number)
    other = uuid4().hex[:20]
    await send(lab, other)
    await call_off(lab, other)

    assert (refused.status_code, refused.json()["code"]) == (409, "already_shipped")
    await lab.post(f"/_sim/shipments/O{other}/ship", expect=409)


async def test_shipping_is_called_back_once_signed(lab: Lab) -> None:
    number, parcel = await shipped(lab)
    await eventually(lambda: lab.receiver.about(f"O{number}"))
    (delivery,) = lab.receiver.about(f"O{number}")

    assert delivery.path == "/callbacks/shipping"
    assert signed_by_warehouse(delivery)
    body = delivery.body
    assert (body["event"], body["orderId"], body["carrier"]) == (
        "shipped",
        f"O{number}",
        "sf-express",
    )
    assert body["trackingNumber"] == parcel
    assert len(parcel) == 14
    assert {"eventId", "shippedAt", "estimatedDelivery"} <= set(body)


async def test_all_lists_of_an_order_are_shipped_each_as_a_parcel_of_its_own(lab: Lab) -> None:
    number = uuid4().hex[:20]
    for warehouse in ("SZ", "GZ"):
        await send(lab, number, warehouse)

    done: Any = await lab.post(f"/_sim/shipments/O{number}/ship")
    await eventually(lambda: len(lab.receiver.about(f"O{number}")) == 2)

    told = {d.body["warehouseId"]: d.body for d in lab.receiver.about(f"O{number}")}
    assert {body["pickingListId"] for body in told.values()} == {f"K{number}", f"K{number}GZ"}
    assert {body["trackingNumber"] for body in told.values()} == {
        parcel["trackingNumber"] for parcel in done["pickingLists"]
    }
    assert len({body["trackingNumber"] for body in told.values()}) == 2


@pytest.mark.parametrize("named", ["GZ", "list"])
async def test_one_list_of_an_order_is_shipped_when_it_is_named(lab: Lab, named: str) -> None:
    number = uuid4().hex[:20]
    for warehouse in ("SZ", "GZ"):
        await send(lab, number, warehouse)
    which = f"K{number}GZ" if named == "list" else named

    done: Any = await lab.post(f"/_sim/shipments/O{number}/ship?which={which}")

    assert [one["warehouseId"] for one in done["pickingLists"]] == ["GZ"]
    await lab.post(f"/_sim/shipments/O{number}/ship?which={which}", expect=409)
    await lab.post(f"/_sim/shipments/O{number}/ship?which=BJ", expect=404)
    await lab.post(f"/_sim/shipments/O{number}/refuse?which=SZ")


async def test_a_refusal_is_called_back_with_its_reason(lab: Lab) -> None:
    number = uuid4().hex[:20]
    await send(lab, number)
    await lab.post(f"/_sim/shipments/O{number}/refuse?reason=broken")
    await eventually(lambda: lab.receiver.about(f"O{number}"))

    body = lab.receiver.about(f"O{number}")[0].body
    assert (body["event"], body["reason"]) == ("refused", "broken")


async def test_the_warehouse_can_refuse_at_once_fail_and_hide_its_answer(lab: Lab) -> None:
    number = uuid4().hex[:20]
    match = {"orderId": f"O{number}"}
    await lab.scenario("warehouse", "fail_before_commit", "picking_list", match=match)
    await lab.scenario("warehouse", "rate_limit", "picking_list", match=match)
    await lab.scenario("warehouse", "refuse", "picking_list", match=match, code="too_heavy")
    answers = [await send(lab, number) for _ in range(4)]

    assert [a.status_code for a in answers] == [500, 429, 422, 422]
    assert answers[3].json()["code"] == "too_heavy"

    hidden = uuid4().hex[:20]
    match = {"orderId": f"O{hidden}"}
    await lab.scenario("warehouse", "error_after_commit", "picking_list", match=match)
    await lab.scenario("warehouse", "timeout_after_commit", "*", match=match, seconds=0)
    assert (await send(lab, hidden)).status_code == 502
    with pytest.raises(httpx.TransportError):
        await send(lab, hidden)
    assert (await send(lab, hidden)).status_code == 202


async def test_aftership_wants_its_key(lab: Lab) -> None:
    answer = await lab.http.get(TRACKINGS, headers={"as-api-key": "no"})

    assert (answer.status_code, answer.json()["meta"]["code"]) == (401, 401)


async def test_a_registered_parcel_is_followed_to_the_door(lab: Lab) -> None:
    number, parcel = await shipped(lab)
    wanted: Json = {"tracking_number": parcel, "slug": "sf-express", "order_number": "EC-1"}
    first = await aftership(lab, "POST", body=wanted)
    again = await aftership(lab, "POST", body=wanted)
    tracking_id = first.json()["data"]["id"]

    assert (first.status_code, first.json()["meta"]["code"]) == (201, 201)
    assert first.json()["data"]["tag"] == "Pending"
    assert (again.status_code, again.json()["meta"]["code"]) == (400, 4003)
    assert again.json()["data"]["id"] == tracking_id

    for status in ("in_transit", "out_for_delivery", "delivered"):
        await lab.post(f"/_sim/parcels/{parcel}/{status}")
    await eventually(lambda: len(lab.receiver.about(tracking_id)) == 3)
    news = lab.receiver.about(tracking_id)
    listed = (await aftership(lab, "GET", f"?tracking_numbers={parcel}")).json()["data"]
    one = (await aftership(lab, "GET", f"/{tracking_id}")).json()["data"]

    assert all(signed_by_aftership(d) for d in news)
    assert {d.path for d in news} == {"/callbacks/tracking/aftership"}
    tags = {d.body["msg"]["tag"]: d.body["is_tracking_first_tag"] for d in news}  # type: ignore[index]
    assert tags == {"InTransit": True, "OutForDelivery": True, "Delivered": True}
    assert len({d.body["event_id"] for d in news}) == 3
    assert [t["tag"] for t in listed["trackings"]] == ["Delivered"]
    assert (one["tag"], one["signed_by"]) == ("Delivered", "前台")
    assert [c["tag"] for c in one["checkpoints"]] == [
        "InfoReceived",
        "InTransit",
        "OutForDelivery",
        "Delivered",
    ]
    assert one["order_number"] == "EC-1"
    assert number in one["order_id"]


async def test_a_parcel_that_nobody_registered_is_moved_in_silence(lab: Lab) -> None:
    _, parcel = await shipped(lab)
    await lab.post(f"/_sim/parcels/{parcel}/in_transit")
    listed = await aftership(lab, "GET", f"?tracking_numbers={parcel}")
    assert listed.json()["data"]["trackings"] == []

    tracked = await aftership(lab, "POST", body={"tracking_number": parcel})
    tracking_id = tracked.json()["data"]["id"]
    await eventually(lambda: lab.receiver.about(tracking_id))
    (caught_up,) = lab.receiver.about(tracking_id)
    assert caught_up.body["msg"]["tag"] == "InTransit"  # type: ignore[index]


async def test_a_returned_parcel_says_so_in_its_subtag(lab: Lab) -> None:
    _, parcel = await shipped(lab)
    tracked = await aftership(lab, "POST", body={"tracking_number": parcel})
    await lab.post(f"/_sim/parcels/{parcel}/returned")
    one = (await aftership(lab, "GET", f"/{tracked.json()['data']['id']}")).json()["data"]

    assert (one["tag"], one["subtag"], one["return_to_sender"]) == (
        "Exception",
        "Exception_011",
        True,
    )
    await lab.post(f"/_sim/parcels/{parcel}/in_transit", expect=409)


async def test_unknown_parcels_and_statuses_are_refused_with_the_known_ones(lab: Lab) -> None:
    _, parcel = await shipped(lab)
    lost = await lab.post(f"/_sim/parcels/{parcel}/lost_in_space", expect=422)
    await lab.post("/_sim/parcels/SF000000000000/delivered", expect=404)
    missing = await aftership(lab, "GET", "/0123456789abcdef")

    assert "out_for_delivery" in str(lost["errors"])
    assert (missing.status_code, missing.json()["meta"]["code"]) == (404, 4004)


async def test_a_rejected_registration_and_a_rate_limit_carry_aftership_codes(lab: Lab) -> None:
    match = {"ref": "SF111111111111"}
    await lab.scenario("aftership", "reject", "register", match=match, code="4012")
    await lab.scenario("aftership", "rate_limit", "register", match=match, seconds=2)
    wanted: Json = {"tracking_number": "SF111111111111"}
    rejected = await aftership(lab, "POST", body=wanted)
    limited = await aftership(lab, "POST", body=wanted)

    assert (rejected.status_code, rejected.json()["meta"]["code"]) == (400, 4012)
    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "2"
    assert "x-ratelimit-reset" in limited.headers
