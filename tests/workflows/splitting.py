"""Words for orders that two warehouses ship: one line in Hangzhou, another one in Shanghai."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from domain.ids import PICKING_LIST, derived_id
from gateways import signatures
from settings import reveal
from tests.house import House, Json, order_for
from tests.serving import eventually_async
from tests.workflows.journey import PRICE, journal, new_order, pay_and_reach_the_warehouse

# The customer lives in Hangzhou: this one is nearer.
NEAR, FAR = "WH-HZ", "WH-SH"
STOCK = 5


@dataclass(frozen=True)
class SplitOrder:
    """An order of one unit of each of two products, the one only near, the other only far."""

    id: str
    key: str
    near: str
    far: str

    def list_id(self, warehouse: str) -> str:
        """The picking list of one warehouse; the first SKU's is asked first."""
        first = NEAR if self.near < self.far else FAR
        return derived_id(PICKING_LIST, self.id, *([] if warehouse == first else [warehouse]))

    @property
    def body(self) -> Json:
        """What the shop sends."""
        items = [{"productId": product, "quantity": 1} for product in (self.near, self.far)]
        return order_for(self.near, items=items)


async def split_order(house: House) -> SplitOrder:
    """An order that is not placed yet; each product is in one warehouse alone."""
    first = await house.add_product(STOCK, PRICE, NEAR)
    second = await house.add_product(STOCK, PRICE, FAR)
    key, order_id = new_order(house)
    return SplitOrder(order_id, key, first, second)


async def place(house: House, order: SplitOrder) -> Json:
    """Place it; the API's answer."""
    answer = await house.call(
        "POST", "/orders", json=order.body, headers={"Idempotency-Key": order.key}
    )
    assert answer.status_code == 201, answer.text
    placed: Json = answer.json()
    return placed


async def picked(house: House) -> SplitOrder:
    """A paid order that both warehouses pick."""
    order = await split_order(house)
    await pay_and_reach_the_warehouse(house, await place(house, order))
    return order


async def ship_from(house: House, order: SplitOrder, warehouse: str) -> str:
    """One warehouse ships its part, and the order has taken note; the parcel's number."""
    done = await house.simulate(f"shipments/{order.id}/ship", params={"which": warehouse})
    number = str(done["trackingNumber"])
    await until_parcel(house, order, warehouse, state="shipped")
    await until_watched(house, order, number)
    return number


async def until_parcel(house: House, order: SplitOrder, warehouse: str, **wanted: str) -> Json:
    """Wait until what one warehouse sends is as wanted; how the order shows it."""
    found: Json = {}

    async def look() -> bool:
        nonlocal found
        found = parcels(await house.order(order.id)).get(warehouse, {})
        return all(found.get(name) == value for name, value in wanted.items())

    try:
        await eventually_async(look)
    except AssertionError as error:
        raise AssertionError(f"wanted {warehouse} {wanted}, is {found}") from error
    return found


async def until_watched(house: House, order: SplitOrder, number: str) -> None:
    """Wait until the tracking provider knows the parcel: from now on it calls back."""

    async def look() -> bool:
        parcels = (await state(house, order.id))["parcels"]
        return any(
            parcel["trackingNumber"] == number and parcel["registered"] for parcel in parcels
        )

    await eventually_async(look)


async def move(house: House, number: str, status: str) -> None:
    """The carrier scans a parcel."""
    await house.simulate(f"parcels/{number}/{status}")


async def state(house: House, order_id: str) -> Json:
    """What the parties outside know of an order."""
    answer = await house.http.get(
        f"{house.simulator}/_sim/state", params={"order_id": order_id, "limit": 100}
    )
    found: Json = answer.json()
    return found


def parcels(order: Json) -> dict[str, Json]:
    """What each warehouse sends, by warehouse."""
    return {parcel["warehouseId"]: parcel for parcel in order["parcels"]}


async def told_by_warehouse(house: House, order_id: str, **news: Any) -> httpx.Response:
    """A callback that a warehouse signs itself, and may leave incomplete."""
    body = json.dumps({"eventId": uuid4().hex, "orderId": order_id, **news}).encode()
    secret = reveal(house.settings.shipping_callback_secret)
    return await house.http.post(
        f"{house.api}/callbacks/shipping",
        content=body,
        headers={
            signatures.SIGNATURE_HEADER: signatures.sign(body, secret, datetime.now(UTC)),
            "Content-Type": "application/json",
        },
    )


async def lists_sent(house: House, order_id: str) -> list[Json]:
    """The picking lists that reached a warehouse, however often."""
    return await journal(house, order_id, "picking_list")
