"""Everybody locks an order before its payments: nobody waits in a circle."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.testing import ActivityEnvironment

import worker
from activities.payments import CreatePayment, IntendPayment
from db import orders, payments
from domain.ids import PAYMENT, encode_id
from tests.house import House
from tests.serving import eventually_async

NOW = datetime.now(UTC)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def somebody_waits(house: House) -> bool:
    """Whether a transaction waits for another one's lock."""
    return bool(
        await house.rows(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


async def test_a_payment_that_was_created_waits_for_who_settles_the_order(
    house: House, product: str
) -> None:
    order_id = (await house.place(product))["orderId"]
    payment_id = encode_id(PAYMENT, uuid4())
    does = worker.build_activities(
        house.settings, house.sessions, house.http, house.email, house.client
    )
    intend = IntendPayment(
        payment_id=payment_id,
        order_id=order_id,
        attempt=2,
        gateway="stripe",
        idempotency_key=f"{payment_id}:create:1",
        expires_at=NOW + timedelta(minutes=15),
        at=NOW,
    )
    await ActivityEnvironment().run(does.payments.intend_payment, intend)

    async with house.sessions.begin() as session:
        await orders.lock_order(session, order_id)
        creating = asyncio.create_task(
            ActivityEnvironment().run(
                does.payments.create_payment, CreatePayment(payment_id=payment_id, at=NOW)
            )
        )
        await eventually_async(lambda: somebody_waits(house))
        await payments.lock_payment(session, payment_id)

    assert (await creating).result.outcome == "ready"
    # Its workflow does not know of this payment, and would not close it with the others.
    await house.forget(order_id, product)
