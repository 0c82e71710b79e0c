"""Refunds at the simulated WeChat Pay: accepted first, done later, told at their own address."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.simulator.errors import Conflict, NotKnown
from tests.sandbox.simulator_kit import Json, eventually
from tests.sandbox.wechatpay_kit import Merchant, Reply, merchant, new_number


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


async def kinds(shop: Merchant, number: str, count: int) -> list[object]:
    """What was told about an order."""
    opened = [shop.opened(delivery) for delivery in await shop.told(number, count)]
    return [event["event_type"] if event else None for event in opened]


async def status(shop: Merchant, refund_no: str) -> object:
    return (await shop.call("query_refund", out_refund_no=refund_no)).body["status"]


async def ask(shop: Merchant, number: str, amount: Json) -> Reply:
    """Asks for a refund of just that amount."""
    return await shop.call(
        "refund", out_trade_no=number, out_refund_no=new_number("R"), amount=amount
    )


async def test_a_refund_is_accepted_and_then_succeeds_by_itself(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    accepted = await shop.refund(number, 3000, out_refund_no=refund_no, reason="缺货")
    assert (accepted.status, accepted.body["status"]) == (200, "PROCESSING")
    assert "success_time" not in accepted.body
    assert await kinds(shop, number, 2) == ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]
    done = (await shop.call("query_refund", out_refund_no=refund_no)).body

    assert (done["status"], done["refund_id"]) == ("SUCCESS", accepted.body["refund_id"])
    assert (done["out_trade_no"], done["out_refund_no"]) == (number, refund_no)
    amount = done["amount"]
    assert isinstance(amount, dict)
    assert (amount["refund"], amount["total"], amount["currency"]) == (3000, 8888, "CNY")
    assert done["success_time"]
    assert await shop.state(number) == "REFUND"
    assert shop.held(number)["refunded"] == 3000


async def test_a_refund_notification_has_the_plaintext_of_the_protocol(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    accepted = await shop.refund(number, 8888, out_refund_no=refund_no)
    told = shop.opened((await shop.told(number, 2))[1])

    assert told is not None
    resource = told["resource"]
    assert isinstance(resource, dict)
    assert resource.pop("success_time")
    assert resource.pop("transaction_id")
    assert resource == {
        "mchid": "1900000001",
        "out_trade_no": number,
        "out_refund_no": refund_no,
        "refund_id": accepted.body["refund_id"],
        "refund_status": "SUCCESS",
        "user_received_account": "招商银行信用卡0403",
        "amount": {"total": 8888, "refund": 8888, "payer_total": 8888, "payer_refund": 8888},
    }


async def test_one_refund_number_refunds_once(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    first = await shop.refund(number, 3000, out_refund_no=refund_no)
    again = await shop.refund(number, 3000, out_refund_no=refund_no)
    other = await shop.refund(number, 3001, out_refund_no=refund_no)
    (held,) = shop.refunds_of(number)

    assert first.body["refund_id"] == again.body["refund_id"] == held["providerRef"]
    assert (other.status, other.code) == (400, "INVALID_REQUEST")
    refunds = [e for e in shop.journal(number) if e.operation == "refund"]
    assert [e.verdict for e in refunds] == ["committed", "replayed", "rejected"]
    assert {e.idempotency_key for e in refunds} == {refund_no}


async def test_a_refund_by_wechats_own_number_is_the_same(shop: Merchant) -> None:
    number = await shop.paid()
    paid = (await shop.call("query", out_trade_no=number)).body
    accepted = await shop.refund(
        number, 100, out_trade_no=None, transaction_id=paid["transaction_id"]
    )

    assert (accepted.status, accepted.body["out_trade_no"]) == (200, number)
    assert [e.order_id for e in shop.journal(number) if e.operation == "refund"]


@pytest.mark.parametrize(
    ("first", "amount"),
    [
        (0, {"refund": 8889, "total": 8888, "currency": "CNY"}),
        (3000, {"refund": 5889, "total": 8888, "currency": "CNY"}),
        (8888, {"refund": 1, "total": 8888, "currency": "CNY"}),
        (0, {"refund": 100, "total": 9999, "currency": "CNY"}),
    ],
    ids=["more than paid", "more than left", "all went back", "another total"],
)
async def test_what_cannot_go_back_is_refused(shop: Merchant, first: int, amount: Json) -> None:
    number = await shop.paid()
    if first:
        assert (await shop.refund(number, first)).status == 200
    refused = await ask(shop, number, amount)

    assert (refused.status, refused.code) == (400, "INVALID_REQUEST")


async def test_only_a_paid_order_can_be_refunded(shop: Merchant) -> None:
    unpaid = await shop.refund(await shop.order(), 100)
    unknown = await shop.refund(new_number(), 100)
    missing = await shop.call("query_refund", out_refund_no=new_number("R"))

    for refused in (unpaid, unknown, missing):
        assert (refused.status, refused.code) == (404, "RESOURCE_NOT_EXISTS")


async def test_a_refund_must_name_its_currency(shop: Merchant) -> None:
    number = await shop.paid()
    refused = await ask(shop, number, {"refund": 100, "total": 8888})

    assert (refused.status, refused.code) == (400, "PARAM_ERROR")


async def test_a_slow_bank_lets_a_refund_through_when_it_likes(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    shop.suffers("refund_pending", "refund", match={"refundId": refund_no})
    await shop.refund(number, 8888, out_refund_no=refund_no)
    assert await status(shop, refund_no) == "PROCESSING"
    assert shop.held(number)["refunded"] == 0

    with shop.world.store.transaction():
        shop.party.settle_refund(number, refund_no)
    assert await status(shop, refund_no) == "SUCCESS"
    assert await kinds(shop, number, 2) == ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]


async def test_money_that_is_stuck_takes_a_person(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    shop.suffers("refund_pending", "refund", match={"refundId": refund_no})
    await shop.refund(number, 8888, out_refund_no=refund_no)
    with shop.world.store.transaction():
        shop.party.fail_refund(number, "")
    assert await status(shop, refund_no) == "ABNORMAL"
    # What is stuck has left the merchant: it cannot be refunded a second time.
    assert (await shop.refund(number, 1)).code == "INVALID_REQUEST"
    assert await kinds(shop, number, 2) == ["TRANSACTION.SUCCESS", "REFUND.ABNORMAL"]

    with shop.world.store.transaction():
        shop.party.settle_refund(number, refund_no)
    assert await status(shop, refund_no) == "SUCCESS"
    assert (await kinds(shop, number, 3))[2] == "REFUND.SUCCESS"


async def test_a_closed_refund_frees_its_money_for_another_number(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    shop.suffers("refund_pending", "refund", code="CLOSED", match={"refundId": refund_no})
    await shop.refund(number, 8888, out_refund_no=refund_no)
    with shop.world.store.transaction():
        shop.party.fail_refund(number, refund_no)

    assert await status(shop, refund_no) == "CLOSED"
    assert await shop.state(number) == "SUCCESS"
    assert (await kinds(shop, number, 2))[1] == "REFUND.CLOSED"
    assert (await shop.refund(number, 8888)).status == 200


async def test_a_refund_without_an_address_is_told_to_nobody(shop: Merchant) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    await shop.refund(number, 100, out_refund_no=refund_no, notify_url=None)
    await eventually(lambda: shop.held(number)["refunded"] == 100)

    assert await status(shop, refund_no) == "SUCCESS"
    assert await kinds(shop, number, 1) == ["TRANSACTION.SUCCESS"]
    assert shop.world.outbox.undelivered() == []


async def test_a_refund_in_the_web_console_shows_in_the_next_query_only(shop: Merchant) -> None:
    number = await shop.paid()
    with shop.world.store.transaction():
        shop.party.refund_outside(number, 888)
    await eventually(lambda: shop.held(number)["refunded"] == 888)

    assert await shop.state(number) == "REFUND"
    assert await kinds(shop, number, 1) == ["TRANSACTION.SUCCESS"]
    with pytest.raises(Conflict):
        shop.party.refund_outside(number, 8001)
    with shop.world.store.transaction():
        shop.party.refund_outside(number, None)
    await eventually(lambda: shop.held(number)["refunded"] == 8888)


async def test_what_wechat_pay_does_not_have_is_a_conflict(shop: Merchant) -> None:
    number, party = await shop.paid(), shop.party
    with pytest.raises(Conflict):
        party.dispute(number)
    with pytest.raises(Conflict):
        party.process(number)
    with pytest.raises(Conflict):
        party.decline(number, "")
    with pytest.raises(Conflict):
        party.settle_refund(number, "")
    with pytest.raises(Conflict):
        party.fail_refund(number, "")
    with pytest.raises(NotKnown):
        party.pay(new_number())
    assert party.moves == {}


async def test_a_declined_customer_may_try_again(shop: Merchant) -> None:
    number = await shop.order()
    assert shop.party.decline(number, "NOT_ENOUGH")["open"] is True
    shop.pays(number)

    assert await shop.state(number) == "SUCCESS"


async def test_a_closed_order_is_paid_by_force_only(shop: Merchant) -> None:
    number = await shop.order()
    await shop.call("close", out_trade_no=number)
    with pytest.raises(Conflict):
        shop.pays(number)
    shop.pays(number, force=True)

    assert await shop.state(number) == "SUCCESS"
    assert await kinds(shop, number, 1) == ["TRANSACTION.SUCCESS"]
