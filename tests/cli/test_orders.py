"""An order's whole life at the command line, against the running house."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.terminal import Terminal
from tests.house import House, order_for


async def place(beside: Terminal, product_id: str = "P1013") -> dict[str, str]:
    placed = await beside.run("order", "-", "--json", stdin=json.dumps(order_for(product_id)))
    assert placed.code == 0, placed.err
    found: dict[str, str] = placed.json
    return found


async def test_the_sample_order_is_placed_and_says_what_to_do_next(beside: Terminal) -> None:
    shown = await beside.run("order")
    assert shown.code == 0, shown.err
    for words in ("西湖龙井 100 克", "392.00 CNY", "through stripe until", "starter.py pay ORD"):
        assert words in shown.out


async def test_the_same_key_gives_the_same_order(beside: Terminal) -> None:
    arguments = ("order", "--json", "--idempotency-key", f"key-{beside.directory.name}")
    first, second = await beside.run(*arguments), await beside.run(*arguments)
    assert first.json["orderId"] == second.json["orderId"]


async def test_everything_that_is_wrong_with_an_order_is_shown_at_once(beside: Terminal) -> None:
    example = beside.run("order", str(_example("order-invalid.json")))
    shown = await example
    assert shown.code == 1
    for words in ("customerInfo.email", "product_not_found", "sku_mismatch", "coupon_inactive"):
        assert words in shown.out


async def test_an_order_goes_to_the_door(beside: Terminal, house: House) -> None:
    placed = await place(beside)
    number, order_id = placed["orderNumber"], placed["orderId"]
    declined = await beside.run("pay", number, "--decline")
    assert declined.code == 0, declined.err
    await house.until(order_id, paymentStatus="failed")
    assert (await beside.run("pay", number)).code == 0
    await house.until_waiting_for(order_id, "the warehouse")
    waiting = await beside.run("status", number)
    assert "Waits for the warehouse to ship" in waiting.out
    assert (await beside.run("ship", number)).code == 0
    await house.until(order_id, status="shipped")
    assert (await beside.run("deliver", number, "--status", "out_for_delivery")).code == 0
    await house.until(order_id, shippingStatus="out_for_delivery")
    assert (await beside.run("deliver", order_id)).code == 0
    await house.until(order_id, status="delivered")
    await house.until_told(order_id, "order_delivered")
    shown = await beside.run("status", order_id, COLUMNS="140")
    for words in ("payment declined", "confirmed, stock committed", "shipped", "sf-express"):
        assert words in shown.out
    assert re.search(r"customer told: order shipped +e-mail, SMS *\n", shown.out)
    found = (await beside.run("status", number, "--json")).json
    assert found["status"] == "delivered"

    refused = await beside.run("cancel", number)
    assert refused.code == 1
    assert "the parcel has arrived" in refused.err
    begun = await beside.run("refund", number, "--amount", "9.90", "--reason", "one end broken")
    assert begun.code == 0, begun.err
    assert "9.90 CNY" in begun.out
    await house.until(order_id, paymentStatus="partially_refunded")


async def test_links_are_whole_at_a_narrow_terminal(beside: Terminal) -> None:
    order_id = (await place(beside))["orderId"]
    shown = await beside.run("status", order_id, COLUMNS="60", TEMPORAL_UI="http://127.0.0.1:8002")
    link = f"http://127.0.0.1:8002/namespaces/default/workflows/order-{order_id}"
    assert link in shown.out.split()


@pytest.mark.parametrize("gateway", ["paypal", "alipay", "wechatpay"])
async def test_an_order_is_paid_through_the_provider_that_the_command_names(
    beside: Terminal, house: House, gateway: str
) -> None:
    placed = await beside.run("order", "--gateway", gateway, "--json")
    assert placed.code == 0, placed.err
    assert placed.json["payment"]["gateway"] == gateway
    paid = await beside.run("pay", placed.json["orderNumber"])
    assert paid.code == 0, paid.err
    await house.until(placed.json["orderId"], status="processing", paymentStatus="paid")


async def test_a_provider_that_nobody_knows_is_refused_before_anything_is_ordered(
    beside: Terminal,
) -> None:
    refused = await beside.run("order", "--gateway", "cowrie-shells")
    assert refused.code == 2
    assert "'wechatpay'" in refused.err


async def test_a_paid_order_is_cancelled_and_the_watch_ends_with_it(
    beside: Terminal, house: House
) -> None:
    placed = await place(beside)
    order_id = placed["orderId"]
    await beside.run("pay", order_id)
    await house.until_waiting_for(order_id, "the warehouse")
    cancelled = await beside.run("cancel", order_id, "--reason", "ordered twice")
    assert cancelled.code == 0, cancelled.err
    assert "the money goes back" in cancelled.out
    watched = await beside.run("status", order_id, "--watch")
    assert watched.code == 0
    assert "ordered twice" in watched.out
    assert "refunded" in watched.out


async def test_goods_that_arrive_wake_the_order_that_waits(beside: Terminal, house: House) -> None:
    product_id = await house.add_product(stock=0)
    short = await beside.run("order", "-", stdin=json.dumps(order_for(product_id, 2)))
    assert short.code == 0
    assert f"starter.py stock receive {product_id} 2" in short.out
    receipt = ("stock", "receive", product_id, "2", "--receipt", f"R-{product_id}", "--json")
    booked = await beside.run(*receipt)
    assert booked.code == 0, booked.err
    (order_id,) = booked.json["woken"]
    await house.until(order_id, status="pending")
    again = await beside.run(*receipt)
    assert again.json == booked.json
    assert await house.stock(product_id) == (2, 0, 2)
    levels = (await beside.run("stock", "list", "--json")).json
    assert [level["reserved"] for level in levels if level["sku"] == product_id] == [2]


@pytest.mark.parametrize("name", ["ORD0000000000000", "O404"])
async def test_an_order_that_does_not_exist_is_said_to(beside: Terminal, name: str) -> None:
    refused = await beside.run("status", name)
    assert refused.code == 1
    assert "no" in refused.err
    assert "order" in refused.err


async def test_an_order_cannot_be_paid_twice_nor_delivered_before_it_ships(
    beside: Terminal, house: House
) -> None:
    placed = await place(beside)
    number = placed["orderNumber"]
    early = await beside.run("deliver", number)
    assert early.code == 1
    assert f"starter.py ship {number}" in early.err
    await beside.run("pay", number)
    again = await beside.run("pay", number)
    assert again.code == 1
    assert "its payment is succeeded" in again.err


async def test_a_wrong_key_is_a_sentence(beside: Terminal) -> None:
    refused = await beside.run("order", ORDERFLOW_API_KEY="wrong")
    assert refused.code == 2
    assert "does not accept the key" in refused.err


async def test_load_leads_every_order_to_the_door(beside: Terminal) -> None:
    done = await beside.run("load", "--orders", "5", "--concurrency", "3", "--json")
    assert done.code == 0, done.err
    result = done.json
    assert result["finished"] == 5
    assert result["failures"] == {}
    assert result["steps"]["whole order"]["n"] == 5


async def test_load_lets_the_providers_take_turns(beside: Terminal, house: House) -> None:
    done = await beside.run("load", "--orders", "4", "--to", "paid", "--gateway", "all", "--json")
    assert done.code == 0, done.err
    assert done.json["finished"] == 4
    rows = await house.rows(
        "SELECT DISTINCT payments.gateway FROM payments JOIN orders ON orders.id = order_id"
        " WHERE customer_id LIKE 'L-%' AND payments.state = 'paid'"
    )
    assert {row.gateway for row in rows} >= {"stripe", "paypal", "alipay", "wechatpay"}


def _example(name: str) -> str:
    from tests.cli.terminal import PROJECT

    return str(PROJECT / "examples" / name)
