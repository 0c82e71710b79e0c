"""Orders that two warehouses ship: each its part, and the order is done when both parts are."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest

from tests.house import House, Json, order_for
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    cancel,
    kinds,
    mails,
    mishap,
    new_order,
    pay_and_reach_the_warehouse,
    until_ended,
)
from tests.workflows.splitting import (
    FAR,
    NEAR,
    STOCK,
    SplitOrder,
    lists_sent,
    move,
    parcels,
    picked,
    place,
    ship_from,
    split_order,
    state,
    until_parcel,
)

BACK, SOLD = (STOCK, STOCK, 0), (STOCK - 1, STOCK - 1, 0)


async def complete(house: House, order: SplitOrder) -> Json:
    """Let an order that has arrived come to its end."""
    await house.until_waiting_for(order.id, "enjoy")
    await house.pass_time(order.id, timedelta(hours=25))
    return await ended(house, order, "completed")


async def ended(house: House, order: SplitOrder, status: str) -> Json:
    """Wait for the end, and ask all laws."""
    await house.until(order.id, status=status)
    await until_ended(house, order.id)
    await house.assert_laws_hold()
    return await house.order(order.id)


async def money(house: House, order: SplitOrder) -> tuple[int, int]:
    """What the provider has captured, and given back."""
    payments = await house.at_provider(order.id)
    return sum(p["captured"] for p in payments), sum(p["refunded"] for p in payments)


async def test_an_order_from_two_warehouses_goes_to_the_door_in_two_parcels(house: House) -> None:
    order = await picked(house)
    assert len(await lists_sent(house, order.id)) == 2

    first = await ship_from(house, order, FAR)
    halfway = await house.order(order.id)
    assert (halfway["status"], halfway["shippingStatus"]) == ("processing", "picking")
    assert {where: parcel["state"] for where, parcel in parcels(halfway).items()} == {
        NEAR: "picking",
        FAR: "shipped",
    }
    second = await ship_from(house, order, NEAR)
    await house.until(order.id, status="shipped", shippingStatus="in_transit")
    await move(house, first, "delivered")
    shown = await until_parcel(house, order, FAR, shippingStatus="delivered")
    assert (await house.order(order.id))["status"] == "shipped"
    await move(house, second, "delivered")

    done = await complete(house, order)

    assert [item["sku"] for item in shown["items"]] == [order.far]
    assert {parcel["trackingNumber"] for parcel in done["parcels"]} == {first, second}
    told = await mails(house, order.id)
    assert (told["order_shipped"], told["order_delivered"], told["review_invitation"]) == (2, 1, 1)
    assert kinds(done).count("parcel_shipped") == 2
    assert (await house.stock(order.near), await house.stock(order.far)) == (SOLD, SOLD)
    assert await money(house, order) == (2 * PRICE, 0)


async def test_the_customer_is_told_which_parcel_of_how_many_has_left(house: House) -> None:
    order = await picked(house)
    await ship_from(house, order, NEAR)
    await ship_from(house, order, FAR)
    await house.until(order.id, status="shipped")

    subjects = await shipped_subjects(house, order)

    assert len(subjects) == 2
    assert {"第 1 个" in subject for subject in subjects} == {True, False}
    assert all("共 2 个" in subject for subject in subjects)


async def shipped_subjects(house: House, order: SplitOrder) -> list[str]:
    """The subjects of the mails that a parcel has left, once both are there."""

    async def both() -> bool:
        return (await mails(house, order.id))["order_shipped"] == 2

    await eventually_async(both)
    rows = await house.rows(
        "SELECT message_id FROM notifications WHERE order_id = :id"
        " AND kind = 'order_shipped' AND channel = 'email'",
        id=order.id,
    )
    found = []
    for envelope in house.mailbox.envelopes:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        if any(row.message_id in str(mail["Message-ID"]) for row in rows):
            found.append(str(mail["Subject"]))
    return found


async def test_a_line_that_no_warehouse_has_alone_comes_in_two_parcels(house: House) -> None:
    product = await house.add_product(3, PRICE, NEAR)
    await house.add_shelf(product, 4, FAR)
    key, order_id = new_order(house)
    order = SplitOrder(order_id, key, product, product)
    answer = await house.call(
        "POST", "/orders", json=order_for(product, 5), headers={"Idempotency-Key": key}
    )
    await pay_and_reach_the_warehouse(house, answer.json())
    await house.simulate(f"shipments/{order_id}/ship")
    shown = parcels(await house.until(order_id, status="shipped"))

    assert {where: parcel["items"][0]["quantity"] for where, parcel in shown.items()} == {
        NEAR: 3,
        FAR: 2,
    }
    for parcel in shown.values():
        await move(house, parcel["trackingNumber"], "delivered")
    await complete(house, order)


async def test_an_order_that_the_near_warehouse_can_serve_alone_is_one_parcel(
    house: House,
) -> None:
    order = await split_order(house)
    await house.add_shelf(order.far, STOCK, NEAR)
    await pay_and_reach_the_warehouse(house, await place(house, order))

    assert list(parcels(await house.order(order.id))) == [NEAR]


async def test_an_unpaid_order_gives_back_what_both_warehouses_held(house: House) -> None:
    order = await split_order(house)
    await place(house, order)
    assert await house.stock(order.far) == (STOCK, STOCK - 1, 1)

    await house.pass_time(order.id, timedelta(minutes=16))

    await ended(house, order, "cancelled")
    assert (await house.stock(order.near), await house.stock(order.far)) == (BACK, BACK)


@pytest.mark.parametrize("warehouse", [NEAR, FAR])
async def test_a_warehouse_that_refuses_at_once_ends_the_order_while_nothing_has_left(
    house: House, warehouse: str
) -> None:
    order = await split_order(house)
    await mishap(house, "warehouse", "picking_list", "refuse", ref=order.list_id(warehouse))
    placed = await place(house, order)
    await house.pay(placed["payment"]["paymentId"])

    await ended(house, order, "cancelled")

    await assert_nothing_is_left(house, order)


async def assert_nothing_is_left(house: House, order: SplitOrder) -> None:
    assert (await house.stock(order.near), await house.stock(order.far)) == (BACK, BACK)
    assert await money(house, order) == (2 * PRICE, 2 * PRICE)
    lists = (await state(house, order.id))["pickingLists"]
    assert not [one for one in lists if one["status"] in {"accepted", "shipped"}]


async def test_a_warehouse_that_refuses_later_ends_the_order_while_nothing_has_left(
    house: House,
) -> None:
    order = await picked(house)

    await house.simulate(
        f"shipments/{order.id}/refuse", params={"which": FAR, "reason": "water damage"}
    )

    await ended(house, order, "cancelled")
    await assert_nothing_is_left(house, order)


async def test_an_order_goes_on_without_what_is_refused_after_the_rest_has_left(
    house: House,
) -> None:
    order = await picked(house)
    number = await ship_from(house, order, NEAR)

    await house.simulate(f"shipments/{order.id}/refuse", params={"which": FAR, "reason": "lost"})

    await house.until(order.id, status="shipped", paymentStatus="partially_refunded")
    await move(house, number, "delivered")
    done = await complete(house, order)
    assert await money(house, order) == (2 * PRICE, PRICE)
    assert (await house.stock(order.near), await house.stock(order.far)) == (SOLD, BACK)
    (refund,) = done["refunds"]
    assert [line["sku"] for line in refund["lines"]] == [order.far]
    assert parcels(done)[FAR]["state"] == "dropped"
    told = await mails(house, order.id)
    assert (told["order_refunded"], told["order_delivered"]) == (1, 1)


async def test_cancelling_with_one_parcel_on_its_way_calls_off_the_other(house: House) -> None:
    order = await picked(house)
    number = await ship_from(house, order, NEAR)

    answer = await cancel(house, order.id)

    assert (answer.status_code, answer.json()["becomes"]) == (202, "return")
    await house.until(order.id, status="shipped", paymentStatus="partially_refunded")
    assert await house.stock(order.far) == BACK
    await move(house, number, "returned")
    done = await ended(house, order, "refunded")
    assert "return_requested" in kinds(done)
    assert await money(house, order) == (2 * PRICE, 2 * PRICE)
    # What came back is not sold again before somebody has looked at it.
    assert (await house.stock(order.near), await house.stock(order.far)) == (SOLD, BACK)


async def test_what_is_kept_after_all_of_a_cancelled_order_stays_paid(house: House) -> None:
    order = await picked(house)
    number = await ship_from(house, order, FAR)
    await cancel(house, order.id)
    await house.until(order.id, status="shipped", paymentStatus="partially_refunded")

    await move(house, number, "delivered")

    await complete(house, order)
    assert await money(house, order) == (2 * PRICE, PRICE)
    assert (await house.stock(order.near), await house.stock(order.far)) == (BACK, SOLD)


async def test_cancelling_while_both_pick_takes_both_lists_back(house: House) -> None:
    order = await picked(house)

    answer = await cancel(house, order.id)

    assert answer.json()["becomes"] == "cancellation"
    await ended(house, order, "cancelled")
    await assert_nothing_is_left(house, order)


async def test_an_operator_who_cancels_takes_back_what_has_not_left(house: House) -> None:
    order = await picked(house)
    number = await ship_from(house, order, NEAR)

    await house.handle(order.id).cancel()

    await house.until(order.id, status="shipped", paymentStatus="partially_refunded")
    await move(house, number, "delivered")
    await complete(house, order)
    assert (await house.stock(order.near), await house.stock(order.far)) == (SOLD, BACK)


async def test_the_money_for_a_parcel_that_comes_back_goes_back_alone(house: House) -> None:
    order = await picked(house)
    returned = await ship_from(house, order, NEAR)
    kept = await ship_from(house, order, FAR)

    await move(house, returned, "returned")

    await house.until(order.id, paymentStatus="partially_refunded")
    await move(house, kept, "delivered")
    await complete(house, order)
    assert await money(house, order) == (2 * PRICE, PRICE)


async def test_two_parcels_that_both_come_back_give_all_the_money_back(house: House) -> None:
    order = await picked(house)
    numbers = [await ship_from(house, order, where) for where in (NEAR, FAR)]

    for number in numbers:
        await move(house, number, "returned")

    await ended(house, order, "refunded")
    assert await money(house, order) == (2 * PRICE, 2 * PRICE)


async def test_another_worker_takes_over_between_two_parcels(house: House) -> None:
    order = await picked(house)
    first = await ship_from(house, order, NEAR)
    await house.restart_worker()
    second = await ship_from(house, order, FAR)
    await house.until(order.id, status="shipped")
    await move(house, first, "delivered")
    await until_parcel(house, order, NEAR, shippingStatus="delivered")
    await house.restart_worker()
    await move(house, second, "delivered")

    done = await complete(house, order)

    assert kinds(done).count("parcel_shipped") == 2
    assert (await mails(house, order.id))["order_shipped"] == 2
    assert len(await lists_sent(house, order.id)) == 2
