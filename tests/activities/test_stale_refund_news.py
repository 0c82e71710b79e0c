"""What a provider said before a refund came to its end, and what is only booked afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.settling import settle
from domain.money import Money
from domain.payment import PaymentState, PaymentView, RefundState, RefundView
from tests.house import House
from tests.workflows.journey import PRICE, cancel, kinds, mishap, until_ended
from tests.workflows.paying import move
from tests.workflows.refunding import begin_refund, being_picked, until_money, until_refund

ALL = Money(minor=PRICE, currency="CNY")


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def only_refund(house: House, order_id: str) -> Any:
    (row,) = await house.rows(
        "SELECT id, payment_id, provider_ref, amount_minor FROM refunds WHERE order_id = :id",
        id=order_id,
    )
    return row


async def book(house: House, refund: Any, state: RefundState, *, refunded: int) -> None:
    """Book that the payment lists the refund in this state."""
    told = RefundView(
        refund_id=refund.id,
        provider_ref=refund.provider_ref,
        state=state,
        amount=Money(minor=refund.amount_minor, currency="CNY"),
    )
    view = PaymentView(
        payment_id=refund.payment_id,
        provider_ref="",
        state=PaymentState.PAID,
        captured=ALL,
        refunded=Money(minor=refunded, currency="CNY"),
        refunds=(told,),
    )
    async with house.sessions.begin() as session:
        await settle(session, view, datetime.now(UTC))


async def test_a_refund_that_succeeded_is_not_pending_again(house: House, product: str) -> None:
    order_id, _ = await being_picked(house, product)
    await cancel(house, order_id)
    await until_ended(house, order_id)

    await book(house, await only_refund(house, order_id), RefundState.PENDING, refunded=PRICE)

    order = await until_money(house, order_id, "refunded", "0.00")
    assert [refund["state"] for refund in order["refunds"]] == ["succeeded"]
    assert "refund_pending" not in kinds(order)


async def test_a_refund_that_failed_is_not_pending_again(house: House, product: str) -> None:
    """Nor does the sum, which counted it, become a refund that somebody else has made."""
    order_id, payment = await being_picked(house, product)
    refund_id = await begin_refund(house, order_id, amount="40.00")
    await until_refund(house, order_id, refund_id, "succeeded")
    await move(house, payment, "refund-fail")
    await until_refund(house, order_id, refund_id, "failed")

    await book(house, await only_refund(house, order_id), RefundState.PENDING, refunded=4_000)

    order = await until_money(house, order_id, "paid", "100.00")
    assert [refund["state"] for refund in order["refunds"]] == ["failed"]


async def test_a_refund_that_we_thought_had_failed_succeeds(house: House, product: str) -> None:
    order_id, _ = await being_picked(house, product)
    await mishap(house, "stripe", "refund", "reject", orderId=order_id)
    refund_id = await begin_refund(house, order_id, amount="40.00")
    await until_refund(house, order_id, refund_id, "failed")

    await book(house, await only_refund(house, order_id), RefundState.SUCCEEDED, refunded=4_000)

    order = await until_money(house, order_id, "partially_refunded", "60.00")
    assert [refund["state"] for refund in order["refunds"]] == ["succeeded"]
