from __future__ import annotations

from datetime import timedelta

from tests.house import House
from tests.serving import eventually


async def test_cancelling_the_workflow_in_the_middle_of_compensation_does_not_stop_it(
    house: House,
) -> None:
    product = await house.add_product(stock=1)
    placed = await house.place(product)
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    await house.until_waiting_for(order_id, "the warehouse")
    fault = house.faults.add(order_id, "release_stock", permanent=True)
    await house.call("POST", f"/orders/{order_id}/cancel", json={})
    await eventually(lambda: fault.hits == 1)

    await house.handle(order_id).cancel()
    await house.pass_time(order_id, timedelta(minutes=6))

    await house.until(order_id, status="cancelled", paymentStatus="refunded")
    assert await house.stock(product) == (1, 1, 0)
    (payment,) = await house.at_provider(order_id)
    assert payment["refunded"] == payment["captured"] == 10_000
    await house.assert_laws_hold()
