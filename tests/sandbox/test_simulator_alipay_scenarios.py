"""Misfortunes at the simulated Alipay, and what a merchant with the SDK sees of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

import pytest
from alipay.exceptions import (  # type: ignore[import-untyped]
    AliPayException,
    AliPayValidationError,
)

from tests.sandbox.alipay_kit import SUBJECT, Merchant, merchant, new_number
from tests.sandbox.simulator_kit import Json


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


def an_order() -> Json:
    return {"subject": SUBJECT, "out_trade_no": new_number(), "total_amount": "10.00"}


async def verdicts(shop: Merchant, number: object) -> list[object]:
    return [entry["verdict"] for entry in await shop.journal(str(number))]


async def test_a_failure_before_commit_is_an_unknown_outcome_that_stored_nothing(
    shop: Merchant,
) -> None:
    order = an_order()
    match = {"paymentId": order["out_trade_no"]}
    await shop.suffers("fail_before_commit", "create", match=match)
    await shop.suffers("fail_before_commit", "create", match=match, code="ACQ.SYSTEM_ERROR")
    answers = [await shop.call("precreate", **order) for _ in range(3)]

    assert [(a["code"], a.get("sub_code")) for a in answers] == [
        ("20000", "isp.unknow-error"),
        ("40004", "ACQ.SYSTEM_ERROR"),
        ("10000", None),
    ]
    assert await verdicts(shop, order["out_trade_no"]) == [
        "fail_before_commit",
        "fail_before_commit",
        "committed",
    ]


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
async def test_an_order_whose_answer_is_lost_is_there_when_it_is_placed_again(
    shop: Merchant, behavior: str
) -> None:
    order = an_order()
    number = order["out_trade_no"]
    await shop.suffers(behavior, "create", seconds=0, match={"paymentId": number})
    with pytest.raises((HTTPError, HTTPException, ValueError)):
        await shop.call("precreate", **order)
    again = await shop.call("precreate", **order)

    assert again["code"] == "10000"
    assert await verdicts(shop, number) == [f"{behavior}+committed", "replayed"]


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
async def test_a_refund_whose_answer_is_lost_is_found_and_not_made_again(
    shop: Merchant, behavior: str
) -> None:
    number = await shop.paid("10.00")
    match = {"paymentId": number, "refundId": "R1", "amount": 400}
    await shop.suffers(behavior, "refund", seconds=0, match=match)
    with pytest.raises((HTTPError, HTTPException, ValueError)):
        await shop.refund(number, "4.00", "R1")
    found = await shop.call("fastpay_refund_query", out_request_no="R1", out_trade_no=number)
    again = await shop.refund(number, "4.00", "R1")

    assert found["refund_amount"] == "4.00"
    assert (again["fund_change"], again["refund_fee"]) == ("N", "4.00")
    assert (await shop.journal(number))[-1]["idempotencyKey"] == "R1"


@pytest.mark.parametrize(
    ("behavior", "error"),
    [("unsigned_answer", AliPayException), ("forged_answer", AliPayValidationError)],
)
async def test_an_answer_that_nobody_signed_hides_an_effect(
    shop: Merchant, behavior: str, error: type[Exception]
) -> None:
    number = await shop.paid("10.00")
    await shop.suffers(behavior, "refund", match={"paymentId": number})
    with pytest.raises(error):
        await shop.refund(number, "10.00", "R1")

    assert await shop.status(number) == "TRADE_CLOSED"
    assert await verdicts(shop, number) == ["committed", f"{behavior}+committed", "read"]


async def test_too_many_calls_are_refused_with_a_code_of_their_own(shop: Merchant) -> None:
    order = an_order()
    await shop.suffers("rate_limit", "create", match={"paymentId": order["out_trade_no"]})
    limited = await shop.call("precreate", **order)

    assert (limited["code"], limited["sub_code"]) == ("40005", "isv.app-call-limited")
    assert (await shop.call("precreate", **order))["code"] == "10000"


async def test_a_rejection_has_the_code_that_was_asked_for(shop: Merchant) -> None:
    order = an_order()
    await shop.suffers(
        "reject",
        "create",
        match={"paymentId": order["out_trade_no"]},
        code="ACQ.SELLER_BEEN_BLOCKED",
        message="商家账号被冻结",
    )
    refused = await shop.call("precreate", **order)

    assert (refused["code"], refused["sub_code"]) == ("40004", "ACQ.SELLER_BEEN_BLOCKED")
    assert refused["sub_msg"] == "商家账号被冻结"
    assert await verdicts(shop, order["out_trade_no"]) == ["reject"]


@pytest.mark.parametrize("scanned", [True, False])
async def test_a_buyer_may_pay_in_the_moment_of_the_close(shop: Merchant, *, scanned: bool) -> None:
    number = await shop.order()
    if scanned:
        await shop.does(number, "scan")
    await shop.suffers("paid_meanwhile", "cancel", match={"paymentId": number})
    refused = await shop.call("close", out_trade_no=number)
    (told,) = await shop.told(number)

    assert (refused["code"], refused["sub_code"]) == ("40004", "ACQ.TRADE_STATUS_ERROR")
    assert await shop.status(number) == "TRADE_SUCCESS"
    assert told["trade_status"] == "TRADE_SUCCESS"


async def test_money_may_come_after_a_close(shop: Merchant) -> None:
    number = await shop.order()
    await shop.does(number, "scan")
    await shop.call("close", out_trade_no=number)
    await shop.told(number)
    await shop.does(number, "pay", expect=409)
    await shop.does(number, "pay", force="true")
    _, late = await shop.told(number, 2)
    back = await shop.refund(number, "88.88", "R1")

    assert late["trade_status"] == "TRADE_SUCCESS"
    assert "gmt_close" not in late
    assert (back["fund_change"], await shop.status(number)) == ("Y", "TRADE_CLOSED")


async def test_another_amount_may_be_paid_and_is_truly_signed(shop: Merchant) -> None:
    order_id = "O" + new_number()
    number = await shop.order("10.00", passback_params=order_id)
    await shop.does(number, "pay", amount=999)
    (told,) = await shop.told(number)
    (held,) = await shop.held(order_id)

    assert shop.believes(told)
    assert (told["total_amount"], (await shop.query(number))["total_amount"]) == ("9.99", "9.99")
    assert (held["amount"], held["captured"]) == (1000, 999)


async def test_the_journal_names_order_payment_and_refund(shop: Merchant) -> None:
    order_id = "O" + new_number()
    number = await shop.paid("10.00", passback_params=order_id)
    await shop.refund(number, "1.00", "R1")
    await shop.query(number)
    entries = await shop.journal(number)

    assert {entry["orderId"] for entry in entries} == {order_id}
    assert [(e["operation"], e["verdict"], e["idempotencyKey"]) for e in entries] == [
        ("create", "committed", number),
        ("refund", "committed", "R1"),
        ("retrieve", "read", ""),
    ]


async def test_orders_may_be_paid_by_themselves_and_nothing_is_lost_on_the_way(
    tmp_path: Path,
) -> None:
    state = tmp_path / "simulator.db"
    async with merchant(state) as before:
        refunded = await before.paid("10.00")
        await before.refund(refunded, "4.00", "R1")
        await before.http.post("/_sim/scenario/defaults", json={"autoPay": 1.5})
        number = await before.order(notify_url=None)
    async with merchant(state) as after:
        (told,) = await after.told(number)
        again = await after.refund(refunded, "4.00", "R1")

    assert told["trade_status"] == "TRADE_SUCCESS"
    assert again["fund_change"] == "N"
