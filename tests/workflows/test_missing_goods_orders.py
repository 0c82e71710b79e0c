from __future__ import annotations

from tests.house import House, Json
from tests.workflows.journey import (
    PRICE,
    assert_end,
    kinds,
    last_mail,
    mishap,
    movements,
    pay_and_reach_the_warehouse,
    refunds,
)
from tests.workflows.splitting import FAR, NEAR


async def picked(house: House, product: str, quantity: int) -> str:
    """A paid order that the warehouse picks; its id."""
    placed = await house.place(product, quantity)
    await pay_and_reach_the_warehouse(house, placed)
    return str(placed["orderId"])


async def shipped_without(house: House, order_id: str, *missing: str) -> Json:
    """The parcel leaves without these; the order once their money is back."""
    await house.simulate(f"shipments/{order_id}/ship", params={"missing": list(missing)})
    return await house.until(order_id, status="shipped", paymentStatus="partially_refunded")


async def test_the_rest_is_sent_and_what_is_damaged_is_refunded_and_written_off(
    house: House,
) -> None:
    product = await house.add_product(stock=5)
    order_id = await picked(house, product, 3)

    order = await shipped_without(house, order_id, f"{product}:1:damaged")

    (refund,) = order["refunds"]
    assert (refund["amount"], refund["state"]) == ("100.00", "succeeded")
    assert refund["lines"] == [{"lineNo": 1, "sku": product, "quantity": 1}]
    assert refund["reason"] == f"not in the parcel: 1 × {product}: damaged"
    assert await house.stock(product) == (2, 2, 0)
    (told,) = [entry for entry in order["timeline"] if entry["kind"] == "lines_missing"]
    assert told["writtenOff"] == {product: 1}
    (task,) = order["tasks"]
    assert (task["kind"], task["state"]) == ("stock_count", "open")
    assert f"1 × {product} in WH-HZ" in task["task"]
    await house.until_told(order_id, "order_refunded")
    shipped = await last_mail(house, order_id, "order_shipped")
    assert "× 2" in shipped
    assert "× 3" not in shipped
    await house.deliver(order_id, order["shipment"]["trackingNumber"])
    await house.assert_laws_hold()


async def test_what_was_left_behind_intact_is_on_its_shelf_again(house: House) -> None:
    product = await house.add_product(stock=5)
    order_id = await picked(house, product, 4)

    await shipped_without(house, order_id, f"{product}:2:left_behind", f"{product}:1:not_found")

    assert await house.stock(product) == (3, 3, 0)
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1, "adjusted": 1}
    payments = await house.at_provider(order_id)
    assert sum(refund["amount"] for refund in refunds(payments)) == 3 * PRICE
    await house.assert_laws_hold()


async def test_news_of_a_short_parcel_that_come_thrice_give_the_money_back_once(
    house: House,
) -> None:
    product = await house.add_product(stock=2)
    order_id = await picked(house, product, 2)
    await mishap(house, "warehouse", "shipped", "duplicate_callbacks", count=2, orderId=order_id)

    order = await shipped_without(house, order_id, f"{product}:1:not_found")

    assert len(refunds(await house.at_provider(order_id))) == 1
    assert kinds(order).count("lines_missing") == 1
    await house.assert_laws_hold()


async def test_a_part_that_was_refunded_already_is_not_refunded_again(house: House) -> None:
    product, other = await house.add_product(stock=2), await house.add_product(stock=1)
    items = [{"productId": product, "quantity": 2}, {"productId": other, "quantity": 1}]
    placed = await house.place(product, items=items)
    await pay_and_reach_the_warehouse(house, placed)
    order_id = placed["orderId"]
    asked = await house.call(
        "POST", f"/orders/{order_id}/refunds", json={"items": [{"lineNo": 1, "quantity": 2}]}
    )
    assert asked.status_code == 202, asked.text
    # Some money is left: an order that has lost all of it is called back from the warehouse.
    await house.until(order_id, paymentStatus="partially_refunded")

    await house.simulate(f"shipments/{order_id}/ship", params={"missing": [f"{product}:1:damaged"]})
    await house.until_told(order_id, "order_shipped")

    assert len(refunds(await house.at_provider(order_id))) == 1
    await house.assert_laws_hold()


async def test_a_refused_order_is_undone_and_what_was_not_found_is_on_no_shelf(
    house: House,
) -> None:
    product = await house.add_product(stock=5)
    order_id = await picked(house, product, 3)

    await house.simulate(
        f"shipments/{order_id}/refuse", params={"missing": [f"{product}:2:not_found"]}
    )

    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(3, 3, 0),
        captured=3 * PRICE,
        refunded=3 * PRICE,
    )
    assert "stock_written_off" in kinds(order)
    assert await movements(house, order_id) == {
        "reserved": 1,
        "committed": 1,
        "restocked": 1,
        "adjusted": 1,
    }


async def test_every_shelf_of_an_order_that_lacks_goods_is_counted(house: House) -> None:
    third = "WH-NB"
    await house.rows_changed(
        "INSERT INTO warehouses (id, name, province, country)"
        " VALUES (:id, '宁波仓', '浙江省', 'CN') ON CONFLICT DO NOTHING",
        id=third,
    )
    skus = {where: await house.add_product(5, PRICE, where) for where in (NEAR, FAR, third)}
    placed = await house.place(
        skus[NEAR], items=[{"productId": sku, "quantity": 1} for sku in skus.values()]
    )
    await pay_and_reach_the_warehouse(house, placed)
    order_id = str(placed["orderId"])
    await house.simulate(f"shipments/{order_id}/ship", params={"which": NEAR})
    await house.until_event(order_id, "parcel_shipped")

    for where in (FAR, third):
        await house.simulate(
            f"shipments/{order_id}/refuse",
            params={"which": where, "missing": [f"{skus[where]}:1:not_found"]},
        )
    order = await house.until(order_id, status="shipped")

    tasks = " ".join(task["task"] for task in order["tasks"] if task["kind"] == "stock_count")
    assert f"1 × {skus[FAR]} in {FAR}" in tasks
    assert f"1 × {skus[third]} in {third}" in tasks
    assert kinds(order).count("stock_written_off") == 2
    assert [await house.stock(sku) for sku in skus.values()] == [(4, 4, 0)] * 3
    await house.assert_laws_hold()
