from __future__ import annotations

from datetime import timedelta

from tests.house import House


async def test_a_paid_order_goes_from_checkout_to_the_door_and_is_invited_to_review(
    house: House,
) -> None:
    product = await house.add_product(stock=5)

    placed = await house.place(product, quantity=2)
    assert placed["status"] == "pending"
    assert placed["payment"]["action"]["type"] == "client_secret"
    assert await house.stock(product) == (5, 3, 2)

    await house.pay(placed["payment"]["paymentId"])
    tracking_number = await house.ship(placed["orderId"])
    assert await house.stock(product) == (3, 3, 0)

    await house.deliver(placed["orderId"], tracking_number)
    await house.until_waiting_for(placed["orderId"], "enjoy")
    await house.pass_time(placed["orderId"], timedelta(hours=25))
    order = await house.until(placed["orderId"], status="completed")

    assert [entry["kind"] for entry in order["timeline"]] == [
        "order_placed",
        "stock_reserved",
        "payment_created",
        "payment_paid",
        "order_confirmed",
        "picking_accepted",
        "order_shipped",
        "order_delivered",
        "order_completed",
    ]
    (payment,) = await house.at_provider(placed["orderId"])
    assert (payment["captured"], payment["refunded"]) == (20_000, 0)
    await house.assert_laws_hold()
