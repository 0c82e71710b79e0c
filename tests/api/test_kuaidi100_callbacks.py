"""Kuaidi100's pushes: proved, stored, applied once, and acknowledged as it expects."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from settings import reveal
from tests.api.conftest import calling, codes
from tests.house import House
from tests.serving import eventually_async
from tests.workflows.journey import kinds, mishap

TAKEN = {"result": True, "returnCode": "200", "message": "成功"}


def parcel(number: str, state: str, *scans: tuple[str, str]) -> dict[str, Any]:
    data = [
        {"time": time, "ftime": time, "context": "扫描", "statusCode": code, "status": "在途"}
        for time, code in scans
    ]
    return {"nu": number, "com": "yuantong", "state": state, "ischeck": "0", "data": data}


async def from_kuaidi100(
    house: House, result: dict[str, Any], *, salt: str = "", status: str = "polling"
) -> httpx.Response:
    message = {"status": status, "comOld": "", "comNew": "", "lastResult": result}
    param = json.dumps(message, ensure_ascii=False)
    salt = salt or reveal(house.settings.kuaidi100_salt)
    sign = hashlib.md5((param + salt).encode()).hexdigest().upper()  # noqa: S324 - theirs
    return await house.http.post(
        f"{house.api}/callbacks/tracking/kuaidi100",
        content=urlencode({"sign": sign, "param": param}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


async def stored(house: House, number: str) -> list[Any]:
    return await house.rows(
        "SELECT * FROM callback_inbox WHERE source = 'tracking:kuaidi100' AND subject = :number"
        " ORDER BY id",
        number=number,
    )


@pytest.fixture
async def shipped(house: House) -> tuple[str, str]:
    """An order that YTO brings, and Kuaidi100 watches; its id and tracking number."""
    placed = await house.place(await house.add_product(stock=5))
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    await house.until_waiting_for(order_id, "the warehouse")
    sent = await house.simulate(f"shipments/{order_id}/ship", params={"carrier": "yto"})
    await house.until(order_id, status="shipped")

    async def watched() -> bool:
        rows = await house.rows(
            "SELECT watched_at FROM shipments WHERE order_id = :id AND watched_at IS NOT NULL",
            id=order_id,
        )
        return bool(rows)

    await eventually_async(watched)
    return order_id, sent["trackingNumber"]


async def test_a_push_is_stored_acknowledged_and_moves_the_parcel(
    house: House, shipped: tuple[str, str]
) -> None:
    order_id, number = shipped

    answer = await from_kuaidi100(house, parcel(number, "5", ("2026-11-23 09:00:00", "5")))

    assert (answer.status_code, answer.json()) == (200, TAKEN)
    await house.until(order_id, shippingStatus="out_for_delivery")
    (row,) = await stored(house, number)
    assert row.order_id == order_id
    assert b"8000" not in row.body


async def test_a_carrier_of_kuaidi100_is_followed_from_the_simulated_road(
    house: House, shipped: tuple[str, str]
) -> None:
    order_id, number = shipped
    await mishap(house, "kuaidi100", "*", "duplicate_callbacks", times=9, count=3, orderId=order_id)
    await house.simulate(f"parcels/{number}/out_for_delivery")
    await house.until(order_id, shippingStatus="out_for_delivery")
    await house.simulate(f"parcels/{number}/delivered")
    order = await house.until(order_id, status="delivered")
    assert kinds(order).count("parcel_moved") == 1
    assert kinds(order).count("order_delivered") == 1


async def test_the_same_push_counts_once(house: House, shipped: tuple[str, str]) -> None:
    _, number = shipped
    news = parcel(number, "0", ("2026-11-23 09:00:00", "1002"))
    for _ in range(3):
        assert (await from_kuaidi100(house, news)).json() == TAKEN
    (row,) = await stored(house, number)
    assert row.deliveries == 3


async def test_a_late_push_finds_its_place_and_moves_nothing(
    house: House, shipped: tuple[str, str]
) -> None:
    order_id, number = shipped
    first, second = ("2026-11-23 08:00:00", "1002"), ("2026-11-23 09:00:00", "5")
    await from_kuaidi100(house, parcel(number, "5", second))
    await house.until(order_id, shippingStatus="out_for_delivery")

    await from_kuaidi100(house, parcel(number, "0", first))

    async def applied() -> bool:
        rows = await stored(house, number)
        return len(rows) == 2 and all(row.applied_at for row in rows)

    await eventually_async(applied)
    order = await house.order(order_id)
    assert order["shippingStatus"] == "out_for_delivery"
    scans = [event["status"] for event in order["shipment"]["trackingEvents"]]
    assert scans == ["in_transit", "out_for_delivery"]


async def test_a_push_before_the_warehouse_has_said_a_word_waits(house: House) -> None:
    number = f"YT{uuid4().int % 10**13:013d}"
    answer = await from_kuaidi100(house, parcel(number, "0", ("2026-11-23 09:00:00", "1002")))
    assert answer.json() == TAKEN
    (row,) = await stored(house, number)
    assert (row.order_id, row.applied_at) == ("", None)


async def test_an_unknown_status_is_kept_word_for_word(
    house: House, shipped: tuple[str, str]
) -> None:
    order_id, number = shipped
    await from_kuaidi100(house, parcel(number, "88", ("2026-11-23 09:00:00", "8801")))

    async def kept() -> bool:
        rows = await house.rows(
            "SELECT raw_status, tracking_events.status FROM tracking_events"
            " JOIN shipments ON shipments.id = shipment_id WHERE order_id = :id",
            id=order_id,
        )
        return [tuple(row) for row in rows] == [("8801", "in_transit")] or [
            tuple(row) for row in rows
        ] == [("8801", "unknown")]

    await eventually_async(kept)
    assert (await house.order(order_id))["status"] == "shipped"


async def test_a_forged_push_is_refused_before_anything_is_looked_up(
    house: House, shipped: tuple[str, str]
) -> None:
    _, number = shipped
    answer = await from_kuaidi100(house, parcel(number, "3"), salt="guessed")
    assert answer.status_code == 400
    assert codes(answer) == ["callback_invalid"]
    assert await stored(house, number) == []


async def test_without_credentials_the_address_is_closed(house: House) -> None:
    settings = house.settings.model_copy(update={"kuaidi100_customer": "", "kuaidi100_salt": None})
    async with calling(create_app(settings, client=house.client)) as api:
        answer = await api.post("/callbacks/tracking/kuaidi100", content=b"sign=x&param=y")
    assert answer.status_code == 404
    assert codes(answer) == ["callbacks_off"]
