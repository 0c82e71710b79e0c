"""Orders that wait for goods: first come, first served, and not for ever."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from activities.inventory import ReceiveStock
from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    kinds,
    mails,
    movements,
    pay_and_reach_the_warehouse,
    until_mailed,
)
from workflows.policies import ORDERS_QUEUE
from workflows.stock_receipt import StockReceiptResult, StockReceiptWorkflow


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=0)


async def receive(
    house: House, product: str, quantity: int, receipt: str = ""
) -> StockReceiptResult:
    """Goods arrive in the warehouse."""
    command = ReceiveStock(
        receipt_id=receipt or uuid4().hex,
        warehouse_id="WH-HZ",
        sku=product,
        quantity=quantity,
        at=datetime.now(UTC),
    )
    return await house.client.execute_workflow(
        StockReceiptWorkflow.run, command, id=f"receipt-{uuid4().hex}", task_queue=ORDERS_QUEUE
    )


async def wait_in_line(house: House, product: str, quantity: int = 1) -> str:
    """Place an order that there are no goods for."""
    placed = await house.place(product, quantity)
    assert placed["status"] == "pending_restock", placed
    order_id = str(placed["orderId"])
    await house.until_waiting_for(order_id, "goods")
    return order_id


async def until_payable(house: House, order_id: str) -> Json:
    """Wait until the order asks for its money; the answer that placing it would have given."""

    async def look() -> str:
        payments = (await house.order(order_id))["payments"]
        return str(payments[-1]["paymentId"]) if payments and payments[-1]["action"] else ""

    payment_id = await eventually_async(look)
    return {"orderId": order_id, "payment": {"paymentId": payment_id}}


async def assert_processing(
    house: House, order_id: str, product: str, stock: tuple[int, int, int]
) -> None:
    await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=stock,
        captured=PRICE,
        refunded=0,
    )


async def assert_cancelled(
    house: House, order_id: str, product: str, stock: tuple[int, int, int]
) -> None:
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=stock,
        captured=0,
        refunded=0,
    )


async def test_an_order_without_stock_waits_for_goods_and_is_paid_then(house: House) -> None:
    product = await house.add_product(stock=1)
    placed = await house.place(product, quantity=3)
    order_id = placed["orderId"]
    assert (placed["status"], placed["payment"]) == ("pending_restock", None)
    (short,) = placed["shortages"]
    assert (short["sku"], short["requested"], short["available"], short["shortfall"]) == (
        product,
        3,
        1,
        2,
    )
    await until_mailed(house, order_id, "out_of_stock")
    assert await house.stock(product) == (1, 1, 0)
    await house.until_waiting_for(order_id, "goods")

    woken = await receive(house, product, 2)

    assert woken.woken == (order_id,)
    payable = await until_payable(house, order_id)
    assert await house.stock(product) == (3, 0, 3)
    await until_mailed(house, order_id, "payment_due")
    await pay_and_reach_the_warehouse(house, payable)
    order = await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(0, 0, 0),
        captured=3 * PRICE,
        refunded=0,
    )
    assert kinds(order)[:3] == ["order_placed", "out_of_stock", "stock_reserved"]
    assert (await mails(house, order_id))["out_of_stock"] == 1


async def test_too_few_goods_leave_the_order_waiting(house: House, product: str) -> None:
    order_id = await wait_in_line(house, product, quantity=3)
    await receive(house, product, 2)
    await house.until_waiting_for(order_id, "goods")
    assert await house.stock(product) == (2, 2, 0)
    await receive(house, product, 1)

    await until_payable(house, order_id)

    assert await house.stock(product) == (3, 0, 3)
    assert (await mails(house, order_id))["out_of_stock"] == 1
    await house.assert_laws_hold()


async def test_goods_of_one_receipt_are_booked_once(house: House, product: str) -> None:
    receipt = uuid4().hex
    await receive(house, product, 2, receipt)
    await receive(house, product, 2, receipt)

    assert await house.stock(product) == (2, 2, 0)
    await house.assert_laws_hold()


async def test_when_patience_is_over_the_order_is_cancelled_and_the_customer_told(
    house: House, product: str
) -> None:
    order_id = await wait_in_line(house, product)
    await house.pass_time(order_id, timedelta(days=6, hours=23))
    assert (await house.order(order_id))["status"] == "pending_restock"
    await house.pass_time(order_id, timedelta(hours=2))

    await assert_cancelled(house, order_id, product, (0, 0, 0))
    assert (await mails(house, order_id))["order_cancelled"] == 1

    assert (await receive(house, product, 1)).woken == ()
    await assert_cancelled(house, order_id, product, (1, 1, 0))


async def test_who_came_first_is_served_first(house: House, product: str) -> None:
    first = await wait_in_line(house, product)
    second = await wait_in_line(house, product)

    await receive(house, product, 1)

    await pay_and_reach_the_warehouse(house, await until_payable(house, first))
    await assert_processing(house, first, product, (0, 0, 0))
    await house.until_waiting_for(second, "goods")
    assert (await house.order(second))["status"] == "pending_restock"

    await receive(house, product, 1)
    await pay_and_reach_the_warehouse(house, await until_payable(house, second))
    await assert_processing(house, second, product, (0, 0, 0))


async def test_a_newcomer_does_not_take_the_goods_of_those_who_wait(
    house: House, product: str
) -> None:
    waiting = await wait_in_line(house, product)
    await receive(house, product, 1)
    newcomer = (await house.place(product))["orderId"]

    await until_payable(house, waiting)

    assert (await house.order(newcomer))["status"] == "pending_restock"
    assert await house.stock(product) == (1, 0, 1)


async def test_stock_that_comes_free_wakes_who_waits_for_it(house: House) -> None:
    """An order that is cancelled gives its unit back, and somebody waits for just that."""
    product = await house.add_product(stock=1)
    holder = (await house.place(product))["orderId"]
    waiting = await wait_in_line(house, product)

    await cancel(house, holder)

    await assert_cancelled(house, holder, product, (1, 0, 1))
    await pay_and_reach_the_warehouse(house, await until_payable(house, waiting))
    await assert_processing(house, waiting, product, (0, 0, 0))


async def test_a_waiting_order_is_cancelled_by_its_customer(house: House, product: str) -> None:
    order_id = await wait_in_line(house, product)

    assert (await cancel(house, order_id)).status_code == 202

    await assert_cancelled(house, order_id, product, (0, 0, 0))
    assert (await mails(house, order_id))["order_cancelled"] == 1
    assert (await receive(house, product, 1)).woken == ()


async def test_goods_and_a_cancellation_at_the_same_moment_leave_no_hold(
    house: House, product: str
) -> None:
    order_id = await wait_in_line(house, product)

    await asyncio.gather(receive(house, product, 1), cancel(house, order_id))

    await assert_cancelled(house, order_id, product, (1, 1, 0))
    moved = await movements(house, order_id)
    assert moved["reserved"] == moved["released"]
