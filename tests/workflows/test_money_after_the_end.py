from __future__ import annotations

from tests.house import House


async def test_money_for_an_order_that_was_refunded_already_goes_back_as_well(
    house: House,
) -> None:
    product = await house.add_product(stock=1)
    placed = await house.place(product)
    order_id, first = placed["orderId"], placed["payment"]["paymentId"]
    second = (await house.call("POST", f"/orders/{order_id}/payments", json={})).json()
    await house.pay(second["paymentId"])
    await house.until_waiting_for(order_id, "the warehouse")
    await house.call("POST", f"/orders/{order_id}/cancel", json={})
    await house.until(order_id, status="cancelled", paymentStatus="refunded")
    await house.handle(order_id).result()

    await house.pay(first, force=True)

    order = await house.until(order_id, kept="0.00", paymentStatus="refunded")
    while len(order["refunds"]) < 2:
        order = await house.until(order_id, kept="0.00", paymentStatus="refunded")
    at_provider = await house.at_provider(order_id)
    assert [(p["captured"], p["refunded"]) for p in at_provider] == [(10_000, 10_000)] * 2
    assert await house.stock(product) == (1, 1, 0)
    await house.assert_laws_hold()
