"""What goes wrong on order at the simulated WeChat Pay, seen through somebody else's SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import requests

from tests.sandbox.simulator_kit import eventually
from tests.sandbox.wechatpay_kit import Merchant, merchant, new_number

# A connection that breaks off, or a proxy's page where JSON was expected.
LOST = (requests.RequestException, httpx.HTTPError, ValueError)
both_flavors = pytest.mark.parametrize("flavor", ["sync", "async"])


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


def verdicts(shop: Merchant, number: str, operation: str) -> list[str]:
    return [e.verdict for e in shop.journal(number) if e.operation == operation]


async def test_an_error_before_the_effect_leaves_nothing_behind(shop: Merchant) -> None:
    number = new_number()
    shop.suffers("fail_before_commit", "create", match={"paymentId": number})
    failed = await shop.create(number)

    assert (failed.status, failed.code) == (500, "SYSTEM_ERROR")
    assert await shop.state(number) == "ORDER_NOT_EXIST"
    assert (await shop.create(number)).status == 200
    assert verdicts(shop, number, "create") == ["fail_before_commit", "committed"]


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
@both_flavors
async def test_an_order_whose_answer_is_lost_exists_once(
    shop: Merchant, behavior: str, flavor: str
) -> None:
    number = new_number()
    shop.suffers(behavior, "create", seconds=0, match={"amount": 8888, "paymentId": number})
    with pytest.raises(LOST):
        await shop.create(number, flavor=flavor)

    assert await shop.state(number) == "NOTPAY"
    assert (await shop.create(number)).status == 200
    assert verdicts(shop, number, "create") == [f"{behavior}+committed", "replayed"]


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
async def test_a_refund_whose_answer_is_lost_is_made_once(shop: Merchant, behavior: str) -> None:
    number, refund_no = await shop.paid(), new_number("R")
    shop.suffers(behavior, "refund", seconds=0, match={"refundId": refund_no})
    with pytest.raises(LOST):
        await shop.refund(number, 3000, out_refund_no=refund_no)
    again = await shop.refund(number, 3000, out_refund_no=refund_no)
    (held,) = shop.refunds_of(number)

    assert again.body["refund_id"] == held["providerRef"]
    assert verdicts(shop, number, "refund") == [f"{behavior}+committed", "replayed"]


async def test_throttling_passes(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("rate_limit", "retrieve", times=2, match={"paymentId": number})

    assert await shop.state(number) == "FREQUENCY_LIMITED"
    assert await shop.state(number) == "FREQUENCY_LIMITED"
    assert await shop.state(number) == "NOTPAY"


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 400), ("NO_AUTH", 403), ("RULE_LIMIT", 403), ("SIGN_ERROR", 401), ("BANK_ERROR", 500)],
)
async def test_a_refusal_has_the_status_that_belongs_to_its_code(
    shop: Merchant, code: str, status: int
) -> None:
    number = new_number()
    shop.suffers("reject", "create", code=code, message="no", match={"paymentId": number})
    refused = await shop.create(number)

    assert (refused.status, refused.code) == (status, code or "INVALID_REQUEST")
    assert refused.body["message"] == "no"
    assert await shop.state(number) == "ORDER_NOT_EXIST"


async def test_accepted_is_neither_done_nor_refused(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("reject", "retrieve", code="USERPAYING", match={"paymentId": number})
    paying = await shop.call("query", out_trade_no=number)

    assert (paying.status, paying.code) == (202, "USERPAYING")


@pytest.mark.parametrize("behavior", ["unsigned_answer", "forged_answer"])
@both_flavors
async def test_an_answer_without_a_true_signature_is_not_believed_but_has_its_effect(
    shop: Merchant, behavior: str, flavor: str
) -> None:
    number = new_number()
    shop.suffers(behavior, "create", match={"paymentId": number})
    with pytest.raises(Exception, match=r"signature|algorithm"):
        await shop.create(number, flavor=flavor)
    shop.suffers(behavior, "cancel", match={"paymentId": number})
    with pytest.raises(Exception, match=r"signature|algorithm"):
        await shop.call("close", flavor=flavor, out_trade_no=number)

    assert await shop.state(number) == "CLOSED"
    assert verdicts(shop, number, "create") == [f"{behavior}+committed"]
    assert verdicts(shop, number, "cancel") == [f"{behavior}+committed"]


async def test_a_customer_may_pay_while_the_order_is_being_closed(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("paid_meanwhile", "cancel", match={"paymentId": number})
    refused = await shop.call("close", out_trade_no=number)

    assert (refused.status, refused.code) == (400, "ORDERPAID")
    assert await shop.state(number) == "SUCCESS"
    assert verdicts(shop, number, "cancel") == ["paid_meanwhile"]
    assert await shop.told(number)


async def test_a_payment_during_a_slow_close_wins(shop: Merchant) -> None:
    number = await shop.order()
    shop.suffers("delay_before_commit", "cancel", seconds=0.3, match={"paymentId": number})
    closing = asyncio.create_task(shop.call("close", out_trade_no=number))
    await eventually(lambda: not shop.world.scenarios.left())
    shop.pays(number)

    assert (await closing).code == "ORDERPAID"
    assert await shop.state(number) == "SUCCESS"
