"""Words for paying at any of the four providers, and for what they hold afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from tests.house import House, Json, order_for
from tests.serving import eventually_async
from tests.workflows.journey import (
    PRICE,
    assert_end,
    cancel,
    kinds,
    mails,
    mishap,
    refunds,
    until_ended,
    until_mailed,
    until_registered,
)

HOLD = timedelta(minutes=15)
A_MOMENT = timedelta(seconds=10)

GATEWAYS = ("stripe", "paypal", "alipay", "wechatpay")
every_gateway = pytest.mark.parametrize("gateway", GATEWAYS)

# PayPal has no call to close a payment, and needs none: the capture is ours.
CLOSING = ("stripe", "alipay", "wechatpay")

# Written by the test server when a workflow's clock is moved forward; no real order has them.
_CLOCK_EVENTS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
}


async def place_at(house: House, product: str, gateway: str) -> Json:
    """A new order that is to be paid at `gateway`, where the customer has begun to pay."""
    placed = await house.place(product, paymentMethod=gateway)
    await begin_to_pay(house, placed["payment"])
    return placed


async def begin_to_pay(house: House, payment: Json) -> None:
    """The customer opens the way to pay; at Alipay no payment exists before that."""
    if payment["gateway"] == "alipay":
        await move(house, payment, "scan")


async def move(house: House, payment: Json, action: str, **query: Any) -> Json:
    """Something happens to a payment at its provider."""
    return await house.simulate(
        f"{payment['gateway']}/{payment['paymentId']}/{action}", params=query
    )


async def another_attempt(house: House, order_id: str, gateway: str) -> Json:
    """Ask for another way to pay the same order."""
    answer = await house.call("POST", f"/orders/{order_id}/payments", json={"gateway": gateway})
    assert answer.status_code == 201, answer.text
    attempt: Json = answer.json()
    return attempt


async def reach_the_warehouse(house: House, placed: Json) -> None:
    """Pay, and wait until the warehouse has the picking list."""
    await move(house, placed["payment"], "pay")
    await house.until(placed["orderId"], status="processing")
    await house.until_waiting_for(placed["orderId"], "the warehouse")


async def lose_callbacks(house: House, placed: Json) -> None:
    """From now on no callback of the payment's provider arrives."""
    gateway = placed["payment"]["gateway"]
    await mishap(house, gateway, "*", "drop_callbacks", times=50, orderId=placed["orderId"])


async def until_noted(house: House, order_id: str, *wanted: str) -> Json:
    """Wait until the timeline has all that is wanted; the order then."""
    last: Json = {}

    async def look() -> bool:
        nonlocal last
        last = await house.order(order_id)
        return set(wanted) <= set(kinds(last))

    await eventually_async(look)
    return last


async def let_it_end(house: House, order_id: str) -> None:
    """Wait until the order's workflow is over; what rests between two tries need not rest."""

    async def over() -> bool:
        description = await house.handle(order_id).describe()
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return True
        # It may end in this very moment.
        with suppress(RPCError):
            await house.pass_time(order_id, timedelta(minutes=6))
        return False

    await eventually_async(over)


async def settle_late_money(house: House, order_id: str) -> None:
    """Wait until what came after the order's end has been dealt with, refunds included."""

    async def settled() -> bool:
        rows = await house.rows(
            "SELECT id FROM callback_inbox WHERE order_id = :id AND source LIKE 'payment:%'",
            id=order_id,
        )
        for row in rows:
            # Not every callback came too late, and what did may end in this very moment.
            with suppress(RPCError):
                late = house.client.get_workflow_handle(f"late-{row.id}")
                await house.environment.fast_forward(late, A_MOMENT)
        return "refund_succeeded" in kinds(await house.order(order_id))

    await eventually_async(settled)


async def until_applied(house: House, order_id: str, kind: str) -> None:
    """Wait until a callback of this kind has come and has been dealt with."""

    async def look() -> bool:
        rows = await house.rows(
            "SELECT applied_at FROM callback_inbox WHERE order_id = :id AND kind = :kind",
            id=order_id,
            kind=kind,
        )
        return bool(rows) and all(row.applied_at is not None for row in rows)

    await eventually_async(look)


async def events_of(house: House, order_id: str) -> Sequence[HistoryEvent]:
    """The order's history, without what only tests write into it."""
    history = await house.handle(order_id).fetch_history()
    return [event for event in history.events if event.event_type not in _CLOCK_EVENTS]


async def place_knowing(house: House, product: str, gateway: str, key: str) -> Json:
    """Place an order whose id is known beforehand by its idempotency key."""
    body = order_for(product, paymentMethod=gateway)
    answer = await house.call("POST", "/orders", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    placed: Json = answer.json()
    return placed


async def assert_paid(house: House, order_id: str, product: str, *, surplus: int = 0) -> Json:
    """On its way to the customer, and everything but the price has gone back."""
    order = await assert_end(
        house,
        order_id,
        product,
        status="processing",
        payment_status="paid",
        stock=(4, 4, 0),
        captured=PRICE + surplus,
        refunded=surplus,
    )
    assert kinds(order).count("order_confirmed") == 1
    return order


async def assert_given_back(house: House, order_id: str, product: str, money: int = PRICE) -> Json:
    """Cancelled; the money has gone back once, and the customer knows."""
    await until_mailed(house, order_id, "order_refunded")
    order = await assert_end(
        house,
        order_id,
        product,
        status="cancelled",
        payment_status="refunded",
        stock=(5, 5, 0),
        captured=money,
        refunded=money,
    )
    assert len(refunds(await house.at_provider(order_id))) == 1
    assert (await mails(house, order_id))["order_refunded"] == 1
    return order


async def end_unpaid(house: House, order_id: str, how: str) -> None:
    if how == "expired":
        await house.pass_time(order_id, HOLD + A_MOMENT)
    else:
        assert (await cancel(house, order_id)).status_code == 202
    await until_ended(house, order_id)


async def complete(house: House, order_id: str) -> None:
    """Take an order that is paid to its end."""
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")
    await until_registered(house, order_id)
    await house.deliver(order_id, number)
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))
    await house.until(order_id, status="completed")
    await until_ended(house, order_id)
