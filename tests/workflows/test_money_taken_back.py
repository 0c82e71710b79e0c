"""Money that is given back in a provider's dashboard, behind our back."""

from __future__ import annotations

import asyncio

import pytest

from tests.house import House
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    journal,
    kinds,
    refunds,
    until_ended,
)
from tests.workflows.paying import (
    A_MOMENT,
    HOLD,
    assert_given_back,
    complete,
    let_it_end,
    lose_callbacks,
    move,
    place_at,
    reach_the_warehouse,
    until_applied,
    until_noted,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_money_given_back_in_the_dashboard_before_the_parcel_leaves_cancels_the_order(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    await move(house, placed["payment"], "refund-outside")

    await until_ended(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert [(one["state"], one["amount"]) for one in order["refunds"]] == [("succeeded", "100.00")]
    assert not await journal(house, order_id, "refund")
    assert "picking_recalled" in kinds(order)


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_a_cancellation_and_a_refund_in_the_dashboard_at_once_give_the_money_back_once(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)

    await asyncio.gather(cancel(house, order_id), move(house, placed["payment"], "refund-outside"))

    await let_it_end(house, order_id)
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_a_part_given_back_in_the_dashboard_is_not_given_back_again(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await move(house, placed["payment"], "refund-outside", amount=2_500)
    await house.until(order_id, paymentStatus="partially_refunded", kept="75.00")
    assert (await house.order(order_id))["status"] == "processing"

    assert (await cancel(house, order_id)).status_code == 202

    await until_ended(house, order_id)
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert sorted(one["amount"] for one in order["refunds"]) == ["25.00", "75.00"]
    (ours,) = await journal(house, order_id, "refund")
    assert ours["amount"] == "7500"


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay"])
async def test_money_given_back_in_the_dashboard_after_the_end_is_in_the_books(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await complete(house, order_id)

    await move(house, placed["payment"], "refund-outside", amount=4_000)
    await house.until(order_id, status="completed", paymentStatus="partially_refunded")
    await move(house, placed["payment"], "refund-outside")

    order = await assert_end(
        house,
        order_id,
        product,
        status="refunded",
        payment_status="refunded",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert sorted(one["amount"] for one in order["refunds"]) == ["40.00", "60.00"]


async def test_money_that_was_given_back_before_we_heard_of_it_pays_for_nothing(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await lose_callbacks(house, placed)
    await move(house, placed["payment"], "pay")
    await move(house, placed["payment"], "refund-outside")
    await house.pass_time(order_id, HOLD + A_MOMENT)
    await until_ended(house, order_id)

    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=PRICE,
        refunded=PRICE,
    )

    assert not await journal(house, order_id, "refund")
    assert "order_confirmed" not in kinds(order)


async def test_a_trade_that_alipay_closes_after_its_refund_stays_paid_and_refunded(
    house: House, product: str
) -> None:
    """Alipay says TRADE_CLOSED of it, as of one that nobody ever paid."""
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await cancel(house, order_id)
    await until_applied(house, order_id, "refund")
    (paid,) = await journal(house, order_id, "TRADE_SUCCESS", "callback")
    (closed,) = await journal(house, order_id, "refund", "callback")

    # The oldest and the newest news come once more, in this order.
    for event in (paid, closed):
        await house.simulate(f"redeliver/{event['eventId']}")

    async def delivered_again() -> bool:
        return len(await journal(house, order_id, "refund", "callback")) == 2

    await eventually_async(delivered_again)
    order = await assert_given_back(house, order_id, product)
    (payment,) = await house.at_provider(order_id)
    assert payment["status"] == "TRADE_CLOSED"
    assert [one["state"] for one in order["payments"]] == ["paid"]
    assert "payment_closed" not in kinds(order)


async def test_a_trade_that_finishes_months_later_changes_nothing_but_refuses_refunds(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "alipay")
    order_id = placed["orderId"]
    await reach_the_warehouse(house, placed)
    await complete(house, order_id)
    before = kinds(await house.order(order_id))

    await move(house, placed["payment"], "finish")

    await until_applied(house, order_id, "TRADE_FINISHED")
    order = await assert_end(
        house,
        order_id,
        product,
        status="completed",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE,
        refunded=0,
    )
    assert kinds(order) == before
    assert (await house.call("POST", f"/orders/{order_id}/refunds", json={})).status_code == 202
    order = await until_noted(house, order_id, "refund_failed")
    assert (order["paymentStatus"], order["kept"]) == ("paid", "100.00")
    await house.assert_laws_hold()
