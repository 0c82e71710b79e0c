"""Goods that come back for the same goods: an order of its own sends them, and costs nothing."""

from __future__ import annotations

from datetime import timedelta

from tests.house import House
from tests.workflows.journey import kinds, mails, until_mailed, until_replaced
from tests.workflows.returning import (
    after_sales,
    arrive,
    ask,
    delivered,
    returned,
    until_return,
)
from tests.workflows.troubles import until_task


async def test_an_exchange_sends_the_same_goods_again_at_no_cost(house: House) -> None:
    product = await house.add_product(stock=3)
    order = await delivered(house, product, quantity=2)
    case = await returned(house, order, {1: 1}, kind="exchange", reason="a scratch")
    await arrive(house, case, {1: (0, 1)})

    replacement = await until_replaced(house, order["orderId"])
    new_id = replacement["orderId"]
    assert replacement["replacementOf"] == order["orderId"]
    assert replacement["pricing"]["total"] == "0.00"
    assert [line["quantity"] for line in replacement["items"]] == [1]
    number = await house.ship(new_id)
    await until_mailed(house, new_id, "exchange_shipped")
    await house.deliver(new_id, number)
    await house.until_waiting_for(new_id, "enjoy")
    await house.pass_time(new_id, timedelta(hours=25))

    settled = await until_return(house, case, "exchanged")
    assert settled["replacementOrderId"] == new_id
    assert await house.stock(product) == (0, 0, 0)
    shown = await house.order(order["orderId"])
    assert (shown["paymentStatus"], shown["kept"]) == ("paid", "200.00")
    assert kinds(shown)[-2:] == ["replacement_placed", "return_exchanged"]
    done = await house.until(new_id, status="completed", paymentStatus="paid")
    assert "order_confirmed" in kinds(done)
    told = await mails(house, new_id)
    assert not told["order_shipped"]
    assert not told["order_confirmed"]
    assert not told["review_invitation"]
    await house.assert_laws_hold()


async def test_an_exchange_without_goods_becomes_a_refund(house: House) -> None:
    product = await house.add_product(stock=1)
    order = await delivered(house, product, quantity=1)
    case = await returned(house, order, {1: 1}, kind="exchange")
    await arrive(house, case, {1: (0, 1)})
    replacement = await until_replaced(house, order["orderId"])
    new_id = replacement["orderId"]

    await house.until_waiting_for(new_id, "goods to arrive")
    await house.pass_time(new_id, timedelta(days=7, minutes=1))

    await until_return(house, case, "refunded")
    await house.until(new_id, status="cancelled")
    shown = await house.until(order["orderId"], status="refunded", paymentStatus="refunded")
    assert shown["kept"] == "0.00"
    assert not (await mails(house, new_id))["order_cancelled"]
    await house.assert_laws_hold()


async def test_what_an_exchange_does_not_bring_is_refunded(house: House) -> None:
    product = await house.add_product(stock=4)
    order = await delivered(house, product, quantity=2)
    case = await returned(house, order, {1: 2}, kind="exchange")
    await arrive(house, case, {1: (0, 2)})
    new_id = (await until_replaced(house, order["orderId"]))["orderId"]
    await house.until_waiting_for(new_id, "the warehouse")
    await house.simulate(f"shipments/{new_id}/ship", params={"missing": [f"{product}:1:not_found"]})
    shipped = await house.until(new_id, status="shipped")
    await house.deliver(new_id, shipped["shipment"]["trackingNumber"])
    await house.until_waiting_for(new_id, "enjoy")
    await house.pass_time(new_id, timedelta(hours=25))

    await until_return(house, case, "exchanged")

    shown = await house.until(order["orderId"], paymentStatus="partially_refunded")
    assert (shown["kept"], shown["refunds"][0]["lines"][0]["quantity"]) == ("100.00", 1)
    await house.assert_laws_hold()


async def test_people_look_after_a_replacement_that_was_cut_short(house: House) -> None:
    product = await house.add_product(stock=4)
    order = await delivered(house, product, quantity=1)
    case = await returned(house, order, {1: 1}, kind="exchange")
    await arrive(house, case, {1: (0, 1)})
    new_id = (await until_replaced(house, order["orderId"]))["orderId"]
    await house.until_waiting_for(new_id, "the warehouse")

    await house.handle(new_id).terminate("by mistake")

    task = await until_task(house, order["orderId"], "exchange_failed")
    assert task["urgent"]
    assert case["returnId"] in task["task"]
    assert (await house.order(order["orderId"]))["paymentStatus"] == "paid"
    # It is theirs to refund by now: nothing else is under way for it.
    items = [{"lineNo": 1, "quantity": 1}]
    answer = await house.call("POST", f"/orders/{order['orderId']}/refunds", json={"items": items})
    assert answer.status_code == 202, answer.text
    await house.until(order["orderId"], paymentStatus="refunded")
    await house.assert_laws_hold()


async def test_what_replaced_returned_goods_can_be_exchanged_again_but_not_refunded(
    house: House,
) -> None:
    product = await house.add_product(stock=3)
    order = await delivered(house, product, quantity=1)
    case = await returned(house, order, {1: 1}, kind="exchange")
    await arrive(house, case, {1: (0, 1)})
    replacement = await until_replaced(house, order["orderId"])
    number = await house.ship(replacement["orderId"])
    await house.deliver(replacement["orderId"], number)
    await house.until_waiting_for(replacement["orderId"], "enjoy")

    refused = await ask(house, replacement, {1: 1})
    again = await returned(house, replacement, {1: 1}, kind="exchange")

    assert refused.status_code == 409
    assert refused.json()["errors"][0]["code"] == "nothing_to_refund"
    assert again["state"] == "approved"
    original = await ask(house, order, {1: 1})
    assert original.status_code == 409
    assert (await after_sales(house, replacement).query("waiting_for"))["what"]
    await house.assert_laws_hold()
