"""A refund that may have been asked for before: nobody pays it twice, or calls it refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

import worker
from activities.refunds import RefundPayment, RefundSettled
from domain.ids import REFUND, encode_id
from domain.money import Money
from domain.payment import RefundState
from gateways.errors import OutcomeUnknown
from tests.house import House
from tests.serving import eventually_async
from tests.workflows.journey import journal, mishap
from tests.workflows.refunding import being_picked

NOW = datetime.now(UTC)
A_DAY_LATER = NOW + timedelta(hours=25)


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


def refund_of(payment_id: str) -> RefundPayment:
    refund_id = encode_id(REFUND, uuid4())
    return RefundPayment(
        refund_id=refund_id,
        payment_id=payment_id,
        amount=Money.of("40.00", "CNY"),
        reason="broken",
        idempotency_key=f"{refund_id}:refund:1",
        at=NOW,
    )


async def run(house: House, command: RefundPayment) -> RefundSettled:
    """The activity's first attempt, as in a workflow that knows of no other."""
    does = worker.build_activities(
        house.settings, house.sessions, house.http, house.email, house.client
    )
    return await ActivityEnvironment().run(does.refunds.refund_payment, command)


async def run_to_its_end(house: House, command: RefundPayment) -> RefundSettled:
    """The same, and once more while the bank takes its time, as its retries would."""

    async def attempt() -> RefundSettled | None:
        try:
            return await run(house, command)
        except ApplicationError as error:
            if error.type != "NotYet":
                raise
            return None

    settled = await eventually_async(attempt)
    assert settled is not None
    return settled


async def lose_answer(house: House, product: str, gateway: str) -> tuple[str, RefundPayment]:
    """An order, and a refund of it that was made though we never heard so."""
    order_id, payment = await being_picked(house, product, gateway)
    await mishap(house, gateway, "*", "drop_callbacks", times=99, orderId=order_id)
    await mishap(house, gateway, "refund", "error_after_commit", orderId=order_id)
    command = refund_of(payment["paymentId"])
    with pytest.raises(OutcomeUnknown):
        await run(house, command)
    return order_id, command


@pytest.mark.parametrize("gateway", ["stripe", "paypal", "alipay", "wechatpay"])
async def test_a_day_later_it_is_looked_for_since_keys_are_forgotten(
    house: House, product: str, gateway: str
) -> None:
    order_id, command = await lose_answer(house, product, gateway)

    settled = await run_to_its_end(house, command.model_copy(update={"at": A_DAY_LATER}))

    assert settled.state is RefundState.SUCCEEDED
    assert len(await journal(house, order_id, "refund")) == 1
    order = await house.order(order_id)
    assert (order["kept"], order["refunds"][0]["state"]) == ("60.00", "succeeded")


# The other two repeat their first answer while they remember the key.
@pytest.mark.parametrize("gateway", ["alipay", "wechatpay"])
async def test_a_refusal_of_its_repetition_does_not_make_it_fail(
    house: House, product: str, gateway: str
) -> None:
    order_id, command = await lose_answer(house, product, gateway)
    await mishap(house, gateway, "refund", "reject", orderId=order_id)

    settled = await run_to_its_end(house, command)

    assert settled.state is RefundState.SUCCEEDED
    verdicts = [entry["verdict"] for entry in await journal(house, order_id, "refund")]
    assert verdicts == ["error_after_commit+committed", "reject"]
    order = await house.order(order_id)
    assert (order["kept"], order["refunds"][0]["state"]) == ("60.00", "succeeded")


async def test_a_day_later_it_is_made_if_it_never_was(house: House, product: str) -> None:
    order_id, payment = await being_picked(house, product)
    await mishap(house, "stripe", "refund", "fail_before_commit", orderId=order_id)
    command = refund_of(payment["paymentId"])
    with pytest.raises(OutcomeUnknown):
        await run(house, command)

    settled = await run(house, command.model_copy(update={"at": A_DAY_LATER}))

    assert settled.state is RefundState.SUCCEEDED
    await house.until(order_id, kept="60.00", paymentStatus="partially_refunded")
    await house.assert_laws_hold()
