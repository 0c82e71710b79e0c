"""Disputes come to an end: the money stays, or the bank has taken it and nobody gives it back."""

from __future__ import annotations

import pytest

from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.deciding import DISPUTE, decided, refused
from tests.workflows.journey import PRICE, assert_end, cancel, journal, kinds, mishap, refunds
from tests.workflows.paying import (
    complete,
    let_it_end,
    move,
    place_at,
    reach_the_warehouse,
    until_noted,
)
from tests.workflows.reconciling import found, reconcile
from tests.workflows.refunding import ask_back
from tests.workflows.troubles import until_task

telling_of_disputes = pytest.mark.parametrize("gateway", ["stripe", "paypal"])


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def disputed(house: House, product: str, gateway: str) -> tuple[Json, Json]:
    """An order at the warehouse whose payment the bank wants back; and its task."""
    placed = await place_at(house, product, gateway)
    await reach_the_warehouse(house, placed)
    await move(house, placed["payment"], "dispute")
    return placed, await until_task(house, placed["orderId"], DISPUTE)


async def assert_taken(house: House, order: Json) -> None:
    """The money is gone in our books, and nobody was asked for it."""
    (refund,) = order["refunds"]
    assert (refund["madeBy"], refund["amount"], refund["state"]) == ("bank", "100.00", "succeeded")
    assert not await journal(house, order["orderId"], "refund")
    assert (order["kept"], order["paymentStatus"]) == ("0.00", "refunded")
    await house.assert_laws_hold()


@telling_of_disputes
async def test_a_dispute_that_was_won_is_over_and_the_money_stays(
    house: House, product: str, gateway: str
) -> None:
    placed, task = await disputed(house, product, gateway)
    order_id = placed["orderId"]
    assert "wants 100.00 CNY back" in task["task"]

    await decided(house, task, "won")

    assert (await house.order(order_id))["paymentStatus"] == "paid"
    await complete(house, order_id)
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
    assert not order["refunds"]
    assert "closed before, with the decision won" in await refused(house, task, "lost")


@telling_of_disputes
async def test_money_that_the_bank_has_taken_is_booked_once_whatever_the_provider_tells_later(
    house: House, product: str, gateway: str
) -> None:
    placed, task = await disputed(house, product, gateway)
    order_id = placed["orderId"]
    await complete(house, order_id)

    await decided(house, task, "lost")

    await assert_taken(house, await house.until(order_id, status="refunded"))
    assert await found(house, await reconcile(house), order_id) == []
    await move(house, placed["payment"], "refund-outside")
    await _until_applied(house, order_id)
    await assert_taken(house, await house.order(order_id))
    assert await found(house, await reconcile(house), order_id) == []


async def _until_applied(house: House, order_id: str) -> None:
    """Wait until every callback of the order, and its decision, has been dealt with."""

    async def look() -> bool:
        rows = await house.rows(
            "SELECT applied_at, kind FROM callback_inbox WHERE order_id = :id"
            " AND source LIKE 'payment:%'",
            id=order_id,
        )
        told = any("refund" in row.kind.lower() for row in rows)
        return told and all(row.applied_at is not None for row in rows)

    await eventually_async(look)


@telling_of_disputes
async def test_a_parcel_does_not_leave_for_money_that_the_bank_has_taken(
    house: House, product: str, gateway: str
) -> None:
    placed, task = await disputed(house, product, gateway)
    order_id = placed["orderId"]

    await decided(house, task, "lost")

    await let_it_end(house, order_id)
    order = await house.until(order_id, status="cancelled")
    assert "picking_recalled" in kinds(order)
    assert await house.stock(product) == (5, 5, 0)
    await assert_taken(house, order)


async def test_a_cancelled_order_waits_for_its_bank_and_ends_when_the_dispute_is_lost(
    house: House, product: str
) -> None:
    placed, task = await disputed(house, product, "stripe")
    order_id = placed["orderId"]
    # Stripe does not refund what is disputed.
    assert (await cancel(house, order_id)).status_code == 202
    await until_noted(house, order_id, "refund_failed")

    await decided(house, task, "lost")

    await let_it_end(house, order_id)
    order = await house.until(order_id, status="cancelled", paymentStatus="refunded")
    assert [one["state"] for one in order["refunds"] if one["madeBy"] == "bank"] == ["succeeded"]
    assert not refunds(await house.at_provider(order_id))
    assert await house.stock(product) == (5, 5, 0)
    await house.assert_laws_hold()


async def test_a_dispute_is_not_lost_while_a_refund_of_the_payment_is_under_way(
    house: House, product: str
) -> None:
    placed, task = await disputed(house, product, "paypal")
    order_id = placed["orderId"]
    await complete(house, order_id)
    await mishap(house, "paypal", "refund", "refund_pending", orderId=order_id)
    assert (await ask_back(house, order_id)).status_code == 202
    await until_noted(house, order_id, "refund_pending")

    assert "a refund of this payment is under way" in await refused(house, task, "lost")

    await move(house, placed["payment"], "refund-settle")
    order = await house.until(order_id, paymentStatus="refunded", status="refunded")
    (ended,) = order["tasks"]
    assert ended["state"] == "obsolete"
    await house.assert_laws_hold()


async def test_a_dispute_that_stripe_calls_won_is_over_by_itself(
    house: House, product: str
) -> None:
    placed, _ = await disputed(house, product, "stripe")
    order_id = placed["orderId"]

    await move(house, placed["payment"], "dispute-win")

    order = await until_noted(house, order_id, "chargeback_won")
    (task,) = order["tasks"]
    assert (task["state"], order["paymentStatus"]) == ("obsolete", "paid")
    await complete(house, order_id)
    await house.assert_laws_hold()


async def test_a_dispute_that_stripe_calls_lost_is_said_in_the_task_and_decided_by_a_person(
    house: House, product: str
) -> None:
    placed, _ = await disputed(house, product, "stripe")
    order_id = placed["orderId"]

    await move(house, placed["payment"], "dispute-lose")

    order = await until_noted(house, order_id, "chargeback_lost")
    (task,) = order["tasks"]
    assert (task["state"], order["paymentStatus"]) == ("open", "review")
    assert "stripe says that it is lost" in task["task"]
    await decided(house, task, "lost")
    await let_it_end(house, order_id)
    await assert_taken(house, await house.until(order_id, status="cancelled"))
