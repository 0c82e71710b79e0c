"""Who is invited to write a review: a day after the goods really came, if nothing went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.house import House, Json, order_for
from tests.workflows.journey import kinds
from tests.workflows.returning import delivered, delivered_order, returned

DAY = timedelta(hours=24)


async def invitation(house: House, order: Json) -> tuple[str, str]:
    """What became of the invitation, once the order has ended: its state, and why."""
    await house.pass_time(order["orderId"], DAY + timedelta(hours=1))
    await house.handle(order["orderId"]).result()
    (row,) = await house.rows(
        "SELECT state, error FROM notifications"
        " WHERE order_id = :id AND kind = 'review_invitation' AND channel = 'email'",
        id=order["orderId"],
    )
    return row.state, row.error


async def test_the_day_begins_when_the_carrier_handed_the_parcel_over(house: House) -> None:
    order = await delivered(house, await house.add_product(stock=1), quantity=1)

    until = datetime.fromisoformat(order["waitingFor"]["until"])
    handed_over = datetime.fromisoformat(order["shipment"]["deliveredAt"])

    assert until == handed_over + DAY


async def test_nobody_is_invited_to_review_what_they_want_to_return(house: House) -> None:
    order = await delivered(house, await house.add_product(stock=1), quantity=1)
    await returned(house, order, {1: 1})

    assert await invitation(house, order) == ("suppressed", "no_longer_true")


async def test_the_other_lines_are_reviewed_all_the_same(house: House) -> None:
    first, second = [await house.add_product(stock=1) for _ in range(2)]
    body = order_for(first)
    body["items"] = [{"productId": name, "quantity": 1} for name in (first, second)]
    order = await delivered_order(house, body)
    await returned(house, order, {1: 1})

    assert await invitation(house, order) == ("sent", "")


async def test_who_complained_is_not_invited(house: House) -> None:
    order = await delivered(house, await house.add_product(stock=1), quantity=1)
    path = f"/orders/{order['orderId']}/complaints"
    for _ in range(2):
        answer = await house.call(
            "POST", path, json={"reason": "rude courier"}, headers={"Idempotency-Key": path}
        )
        assert answer.status_code == 202, answer.text

    assert await invitation(house, order) == ("suppressed", "no_longer_true")
    assert kinds(await house.order(order["orderId"])).count("complaint_made") == 1


async def test_who_got_money_back_for_nothing_in_particular_is_not_invited(house: House) -> None:
    order = await delivered(house, await house.add_product(stock=1), quantity=1)
    path = f"/orders/{order['orderId']}/refunds"
    assert (await house.call("POST", path, json={"amount": "5.00"})).status_code == 202
    await house.until(order["orderId"], paymentStatus="partially_refunded")

    assert await invitation(house, order) == ("suppressed", "no_longer_true")
