from __future__ import annotations

from datetime import timedelta

from tests.house import House, Json


async def test_a_paid_order_goes_from_checkout_to_the_door_and_is_invited_to_review(
    house: House,
) -> None:
    product = await house.add_product(stock=5)

    placed = await house.place(product, quantity=2)
    assert placed["status"] == "pending"
    assert placed["payment"]["action"]["type"] == "client_secret"
    assert await house.stock(product) == (5, 3, 2)

    await house.pay(placed["payment"]["paymentId"])
    await house.until_told(placed["orderId"], "order_processing")
    tracking_number = await house.ship(placed["orderId"])
    await house.until_told(placed["orderId"], "order_shipped")
    assert await house.stock(product) == (3, 3, 0)

    await house.deliver(placed["orderId"], tracking_number)
    await house.until_told(placed["orderId"], "order_delivered")
    await house.until_waiting_for(placed["orderId"], "enjoy")
    await house.pass_time(placed["orderId"], timedelta(hours=25))
    await house.until(placed["orderId"], status="completed")
    await house.until_told(placed["orderId"], "review_invitation")
    order = await house.order(placed["orderId"])

    assert [_line(entry) for entry in order["timeline"]] == [
        "order_placed",
        "stock_reserved",
        "payment_created",
        "payment_paid",
        "order_confirmed",
        "picking_accepted",
        # Both with one activity: the warehouse answers within a moment.
        "customer_told order_confirmed email sms",
        "customer_told order_processing email",
        "order_shipped",
        "customer_told order_shipped email sms",
        "order_delivered",
        "customer_told order_delivered email sms",
        "order_completed",
        "customer_told review_invitation email",
    ]
    (payment,) = await house.at_provider(placed["orderId"])
    assert (payment["captured"], payment["refunded"]) == (20_000, 0)
    await house.assert_laws_hold()


def _line(entry: Json) -> str:
    """The row in short; of a message, the channels on which it went out."""
    reached = [one["channel"] for one in entry.get("channels", ()) if one["state"] == "sent"]
    return " ".join([entry["kind"], *([entry["message"]] if reached else []), *reached])
