"""News of several parcels that comes twice, in any order, or without saying what it is about."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.house import House
from tests.serving import eventually_async
from tests.workflows.journey import journal, kinds, mails, mishap
from tests.workflows.splitting import (
    FAR,
    NEAR,
    SplitOrder,
    move,
    parcels,
    picked,
    ship_from,
    told_by_warehouse,
    until_parcel,
)

TRACKING_POLL = timedelta(hours=5)


def shipped(number: str = "") -> dict[str, str]:
    """What a warehouse says of a parcel, and nothing of the list that it is for."""
    number = number or f"SF{uuid4().int % 10**12:012d}"
    return {"event": "shipped", "trackingNumber": number, "carrier": "sf-express"}


async def until_kind(house: House, order: SplitOrder, kind: str) -> None:
    async def look() -> bool:
        return kind in kinds(await house.order(order.id))

    await eventually_async(look)


async def until_nothing_waits(house: House, order: SplitOrder) -> None:
    """Wait until every callback of the order has been dealt with."""

    async def look() -> bool:
        return not await house.rows(
            "SELECT 1 FROM callback_inbox WHERE order_id = :id AND applied_at IS NULL", id=order.id
        )

    await eventually_async(look)


async def test_each_piece_of_news_may_come_three_times(house: House) -> None:
    order = await picked(house)
    await mishap(
        house, "warehouse", "shipped", "duplicate_callbacks", times=9, count=3, orderId=order.id
    )
    await mishap(house, "aftership", "*", "duplicate_callbacks", times=9, count=3, orderId=order.id)

    first = await ship_from(house, order, NEAR)

    async def thrice() -> bool:
        return len(await journal(house, order.id, "shipped", "callback")) == 3

    await eventually_async(thrice)
    assert parcels(await house.order(order.id))[FAR]["state"] == "picking"
    second = await ship_from(house, order, FAR)
    await move(house, first, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")
    assert (await house.order(order.id))["status"] == "shipped"
    await move(house, second, "delivered")
    done = await house.until(order.id, status="delivered")
    assert kinds(done).count("parcel_shipped") == 2
    assert (await mails(house, order.id))["order_shipped"] == 2


async def test_a_parcel_arrives_before_its_warehouse_and_the_other_one_say_a_word(
    house: House,
) -> None:
    order = await picked(house)
    await mishap(house, "warehouse", "shipped", "drop_callbacks", orderId=order.id)
    early = await house.simulate(f"shipments/{order.id}/ship", params={"which": FAR})
    await move(house, early["trackingNumber"], "delivered")
    late = await ship_from(house, order, NEAR)
    await move(house, late, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")

    (lost,) = [
        entry
        for entry in await journal(house, order.id, "shipped", "callback")
        if entry["ref"] == early["pickingListId"]
    ]
    await house.simulate(f"redeliver/{lost['eventId']}")

    await until_parcel(house, order, FAR, state="shipped")
    await move(house, early["trackingNumber"], "delivered")
    await house.pass_time(order.id, TRACKING_POLL)
    await house.until(order.id, status="delivered")
    await house.assert_laws_hold()


async def test_an_old_checkpoint_does_not_turn_one_parcel_back(house: House) -> None:
    order = await picked(house)
    first, second = [await ship_from(house, order, where) for where in (NEAR, FAR)]
    await move(house, first, "out_for_delivery")
    await until_parcel(house, order, NEAR, shippingStatus="out_for_delivery")
    await move(house, second, "exception")
    await house.until(order.id, shippingStatus="exception")
    await move(house, first, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")
    assert (await house.order(order.id))["shippingStatus"] == "exception"

    await move(house, second, "delivered")

    await house.until(order.id, status="delivered", shippingStatus="delivered")


async def test_news_that_names_no_list_is_kept_until_it_can_only_be_one(house: House) -> None:
    order = await picked(house)

    answer = await told_by_warehouse(house, order.id, **shipped())

    assert answer.status_code == 200
    assert answer.json()["status"] == "stored"
    assert "several picking lists are open" in answer.json()["problem"]
    assert order.list_id(NEAR) in answer.json()["problem"]
    await until_kind(house, order, "shipping_news_unclear")
    states = {one["state"] for one in (await house.order(order.id))["parcels"]}
    assert states == {"picking"}
    # As soon as the other part has left, it can only be about this one.
    await house.simulate(f"shipments/{order.id}/ship", params={"which": FAR})
    await house.until(order.id, status="shipped")
    await until_nothing_waits(house, order)
    assert kinds(await house.order(order.id)).count("shipping_news_unclear") == 1


async def test_a_warehouse_may_name_itself_instead_of_the_list(house: House) -> None:
    order = await picked(house)

    answer = await told_by_warehouse(house, order.id, warehouseId=FAR, **shipped())

    assert answer.json() == {"status": "stored"}
    await until_parcel(house, order, FAR, state="shipped")
    assert parcels(await house.order(order.id))[NEAR]["state"] == "picking"


async def test_the_last_open_list_need_not_be_named(house: House) -> None:
    order = await picked(house)
    await ship_from(house, order, NEAR)

    answer = await told_by_warehouse(house, order.id, **shipped())

    assert answer.json() == {"status": "stored"}
    await until_parcel(house, order, FAR, state="shipped")


@pytest.mark.parametrize("names", ["the list", "nothing"])
async def test_the_same_parcel_told_anew_does_not_ship_the_other_list(
    house: House, names: str
) -> None:
    order = await picked(house)
    number = await ship_from(house, order, NEAR)

    again = {"pickingListId": order.list_id(NEAR)} if names == "the list" else {}
    await told_by_warehouse(house, order.id, **again, **shipped(number))

    await until_nothing_waits(house, order)
    found = await house.order(order.id)
    assert parcels(found)[FAR]["state"] == "picking"
    assert kinds(found).count("parcel_shipped") == 1


@pytest.mark.parametrize("list_id", ["K404", "the other"])
async def test_a_parcel_of_a_list_that_does_not_wait_for_it_is_shown_to_people(
    house: House, list_id: str
) -> None:
    """A list that the order does not have, or a parcel that was another list's."""
    order = await picked(house)
    number = await ship_from(house, order, NEAR)
    wrong = (
        {"pickingListId": "K404"} if list_id == "K404" else {"pickingListId": order.list_id(FAR)}
    )

    await told_by_warehouse(
        house, order.id, **wrong, **shipped("" if list_id == "K404" else number)
    )

    await until_kind(house, order, "shipping_news_unclear")
    await until_nothing_waits(house, order)
    assert parcels(await house.order(order.id))[FAR]["state"] == "picking"
