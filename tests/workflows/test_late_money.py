"""Money that comes after the order has ended, or after its stock has gone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from db import holds
from domain.inventory import HoldState
from tests.house import House
from tests.serving import eventually, eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    journal,
    kinds,
    movements,
    until_ended,
    until_mailed,
)
from tests.workflows.paying import (
    CLOSING,
    another_attempt,
    assert_given_back,
    assert_paid,
    end_unpaid,
    let_it_end,
    move,
    place_at,
    reach_the_warehouse,
    settle_late_money,
    until_applied,
    until_noted,
)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


@pytest.mark.parametrize("how", ["expired", "cancelled"])
@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_that_comes_after_the_end_goes_back_by_itself(
    house: House, product: str, gateway: str, how: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, how)

    await move(house, placed["payment"], "pay", force=True)

    await settle_late_money(house, order_id)
    order = await assert_given_back(house, order_id, product)
    assert {"payment_closed", "order_cancelled", "payment_paid"} <= set(kinds(order))
    assert "order_confirmed" not in kinds(order)


@pytest.mark.parametrize("stock", [5, 1], ids=["stock left", "stock gone"])
async def test_a_code_that_is_scanned_after_the_end_pays_for_nothing(
    house: House, stock: int
) -> None:
    """Nobody had scanned it, so there was nothing to close: it works until its time is over."""
    product = await house.add_product(stock=stock)
    placed = await house.place(product, paymentMethod="alipay")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, "cancelled")
    other = await place_at(house, product, "stripe")
    await reach_the_warehouse(house, other)

    await move(house, placed["payment"], "pay")

    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(stock - 1, stock - 1, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert (await house.order(other["orderId"]))["status"] == "processing"


@pytest.mark.parametrize("how", ["expired", "cancelled"])
async def test_what_is_approved_after_the_end_is_never_captured(
    house: House, product: str, how: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await end_unpaid(house, order_id, how)

    await move(house, placed["payment"], "approve")

    await until_applied(house, order_id, "CHECKOUT.ORDER.APPROVED")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(5, 5, 0),
        captured=0,
        refunded=0,
    )
    assert not await journal(house, order_id, "capture")


async def test_money_that_comes_in_the_last_moment_of_an_order_is_not_forgotten(
    house: House, product: str
) -> None:
    """The payment is closed, and the order is not quite: its workflow listens no more."""
    placed = await place_at(house, product, "wechatpay")
    order_id = placed["orderId"]
    closing = house.faults.add(order_id, "close_order", times=3)
    assert (await cancel(house, order_id)).status_code == 202
    # Not by the API, which has to wait until the workflow can answer.
    await eventually(lambda: closing.hits > 0)
    await move(house, placed["payment"], "pay", force=True)
    await until_ended(house, order_id)
    assert closing.hits == 3
    async with house.sessions.begin() as session:
        aged = await session.execute(
            text(
                "UPDATE callback_inbox SET received_at = received_at - interval '1 minute'"
                " WHERE order_id = :id AND applied_at IS NULL RETURNING id"
            ),
            {"id": order_id},
        )
    assert len(aged.all()) == 1

    await house.sweep()

    await settle_late_money(house, order_id)
    await assert_given_back(house, order_id, product)


async def test_a_code_that_is_scanned_after_it_was_closed_pays_while_the_hold_lives(
    house: House, product: str
) -> None:
    placed = await house.place(product, paymentMethod="alipay")
    order_id = placed["orderId"]
    await another_attempt(house, order_id, "stripe")

    await move(house, placed["payment"], "pay")

    await assert_paid(house, order_id, product)

    async def other_is_closed() -> bool:
        payments = (await house.order(order_id))["payments"]
        told = [(payment["gateway"], payment["state"]) for payment in payments]
        return told == [("alipay", "paid"), ("stripe", "closed")]

    # In the background: the order does not wait for it.
    await eventually_async(other_is_closed)
    assert await movements(house, order_id) == {"reserved": 1, "committed": 1}


async def lose_the_hold(house: House, order_id: str) -> None:
    """The stock goes back to the shelf though its order still waits for its money."""
    async with house.sessions.begin() as session:
        hold = await holds.live_hold(session, order_id)
        assert hold is not None
        await holds.move_hold(session, hold, HoldState.EXPIRED, datetime.now(UTC))


@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_whose_hold_has_gone_is_accepted_if_the_stock_can_be_held_again(
    house: House, product: str, gateway: str
) -> None:
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)

    await move(house, placed["payment"], "pay")

    order = await assert_paid(house, order_id, product)
    assert "stock_reserved_again" in kinds(order)
    assert await movements(house, order_id) == {"reserved": 2, "expired": 1, "committed": 1}


@pytest.mark.parametrize("gateway", CLOSING)
async def test_money_whose_stock_has_gone_goes_back_and_the_order_ends(
    house: House, gateway: str
) -> None:
    product = await house.add_product(stock=1)
    placed = await place_at(house, product, gateway)
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)
    faster = await place_at(house, product, "stripe")
    await reach_the_warehouse(house, faster)

    await move(house, placed["payment"], "pay")

    await until_noted(house, order_id, "refund_requested")
    await let_it_end(house, order_id)
    await until_mailed(house, order_id, "order_refunded")
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(0, 0, 0),
        captured=PRICE,
        refunded=PRICE,
    )
    assert (await house.order(faster["orderId"]))["status"] == "processing"


async def test_what_is_approved_after_the_hold_has_gone_is_not_captured(
    house: House, product: str
) -> None:
    placed = await place_at(house, product, "paypal")
    order_id = placed["orderId"]
    await lose_the_hold(house, order_id)

    await move(house, placed["payment"], "approve")

    await until_noted(house, order_id, "payment_closed")
    await let_it_end(house, order_id)
    await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="failed",
        stock=(5, 5, 0),
        captured=0,
        refunded=0,
    )
    assert not await journal(house, order_id, "capture")
