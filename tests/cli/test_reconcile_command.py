"""`reconcile` asks the providers now and shows what differs; its exit code says what is left."""

from __future__ import annotations

from tests.cli.terminal import Terminal
from tests.house import House
from tests.workflows.journey import mishap


async def test_what_the_orders_can_repair_is_repaired(house: House, beside: Terminal) -> None:
    product = await house.add_product(stock=5)
    placed = await house.place(product)
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await mishap(house, "stripe", "*", "drop_callbacks", times=9, orderId=order_id)
    await house.pay(payment_id)

    done = await beside.run("reconcile", "--settling-minutes", "0", "--json")

    (finding,) = [one for one in done.json["findings"] if one["paymentId"] == payment_id]
    assert (finding["kind"], finding["repair"]) == ("unbooked_payment", "the order looks again")
    await house.until(order_id, paymentStatus="paid")


async def test_what_is_left_for_people_is_shown_in_words(house: House, beside: Terminal) -> None:
    product = await house.add_product(stock=5)
    placed = await house.place(product, paymentMethod="wechatpay")
    payment_id = placed["payment"]["paymentId"]
    await house.simulate(f"wechatpay/{payment_id}/pay")
    await house.until_waiting_for(placed["orderId"], "the warehouse")
    await house.simulate(f"wechatpay/{payment_id}/refund-outside", params={"amount": 100})

    done = await beside.run("reconcile", "--settling-minutes", "0")

    assert done.code == 1
    assert payment_id in done.out
    assert "untold refund" in done.out
    assert "a person has to look" in done.out
