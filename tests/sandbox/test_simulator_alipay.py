"""`python-alipay-sdk` drives the simulator: what it believes, our adapter may believe."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.alipay_kit import SUBJECT, Merchant, merchant, new_number
from tests.sandbox.simulator_kit import Json


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


def beijing(seconds: float) -> str:
    moment = datetime.fromtimestamp(time.time() + seconds, UTC) + timedelta(hours=8)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


async def test_an_order_is_a_code_to_scan_and_no_trade_until_somebody_scans_it(
    shop: Merchant,
) -> None:
    number = new_number()
    placed = await shop.call(
        "precreate", subject=SUBJECT, out_trade_no=number, total_amount="88.88"
    )
    unscanned = await shop.query(number)
    await shop.does(number, "scan")
    scanned = await shop.query(number)

    assert (placed["code"], placed["out_trade_no"]) == ("10000", number)
    assert str(placed["qr_code"]).startswith("https://qr.alipay.com/bax")
    assert (unscanned["code"], unscanned["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    assert (unscanned["receipt_amount"], unscanned["out_trade_no"]) == ("0.00", number)
    assert (scanned["trade_status"], scanned["total_amount"]) == ("WAIT_BUYER_PAY", "88.88")
    assert (scanned["subject"], scanned["buyer_pay_amount"]) == (SUBJECT, "0.00")
    assert "send_pay_date" not in scanned


async def test_a_paid_trade_is_found_by_both_numbers(shop: Merchant) -> None:
    number = await shop.paid("0.01")
    by_ours = await shop.query(number)
    by_theirs = await shop.call("query", trade_no=by_ours["trade_no"])

    assert by_ours == by_theirs
    assert (by_ours["trade_status"], by_ours["total_amount"]) == ("TRADE_SUCCESS", "0.01")
    assert (by_ours["receipt_amount"], len(str(by_ours["trade_no"]))) == ("0.01", 28)
    paid_at = datetime.fromisoformat(f"{by_ours['send_pay_date']}+08:00")
    assert abs(paid_at.timestamp() - time.time()) < 60


async def test_a_code_still_works_after_a_close_that_found_no_trade(shop: Merchant) -> None:
    number = await shop.order()
    closed = await shop.call("close", out_trade_no=number)
    await shop.does(number, "pay")

    assert (closed["code"], closed["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    assert await shop.status(number) == "TRADE_SUCCESS"


async def test_only_a_trade_that_waits_for_its_buyer_can_be_closed(shop: Merchant) -> None:
    waiting, paid, finished = await shop.order(), await shop.paid(), await shop.paid()
    await shop.does(waiting, "scan")
    await shop.does(finished, "finish")
    closed = await shop.call("close", out_trade_no=waiting)
    refused = [
        (await shop.call("close", out_trade_no=number))["sub_code"]
        for number in (paid, finished, waiting)
    ]

    assert (closed["code"], closed["out_trade_no"]) == ("10000", waiting)
    assert await shop.status(waiting) == "TRADE_CLOSED"
    assert refused == [
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_TRADE_STATUS_INVALID",
    ]
    await shop.does(waiting, "pay", expect=409)


async def test_an_order_ends_at_its_time_whether_it_was_scanned_or_not(shop: Merchant) -> None:
    unscanned = await shop.order(time_expire=beijing(3))
    scanned = await shop.order(time_expire=beijing(3))
    await shop.does(scanned, "scan")
    (closed,) = await shop.told(scanned)

    assert closed["trade_status"] == "TRADE_CLOSED"
    assert await shop.status(scanned) == "TRADE_CLOSED"
    assert await shop.status(unscanned) == "ACQ.TRADE_NOT_EXIST"
    await shop.does(unscanned, "scan", expect=409)
    await shop.does(unscanned, "pay", expect=409)
    late = await shop.does(unscanned, "pay", force="true")
    assert (late["status"], late["captured"]) == ("TRADE_SUCCESS", 8888)


async def test_the_same_order_again_is_the_same_code(shop: Merchant) -> None:
    order = {"subject": SUBJECT, "out_trade_no": new_number(), "total_amount": "5"}
    first = await shop.call("precreate", **order)
    again = await shop.call("precreate", **order)

    assert again == first
    assert [e["verdict"] for e in await shop.journal(order["out_trade_no"])] == [
        "committed",
        "replayed",
    ]


async def test_another_order_under_the_same_number_is_refused(shop: Merchant) -> None:
    waiting, paid, closed = await shop.order(), await shop.paid(), await shop.order()
    await shop.does(closed, "scan")
    await shop.call("close", out_trade_no=closed)

    async def again(number: str, **other: str) -> object:
        order = {"subject": SUBJECT, "out_trade_no": number, "total_amount": "88.88"} | other
        return (await shop.call("precreate", **order))["sub_code"]

    assert await again(waiting, total_amount="88.89") == "ACQ.CONTEXT_INCONSISTENT"
    assert await again(waiting, subject="别的") == "ACQ.CONTEXT_INCONSISTENT"
    assert await again(paid) == "ACQ.TRADE_HAS_SUCCESS"
    assert await again(closed) == "ACQ.TRADE_HAS_CLOSE"


@pytest.mark.parametrize(
    ("name", "value", "sub_code"),
    [
        ("total_amount", "0.00", "ACQ.INVALID_PARAMETER"),
        ("total_amount", "1.234", "ACQ.INVALID_PARAMETER"),
        ("total_amount", "1,00", "ACQ.INVALID_PARAMETER"),
        ("total_amount", "100000000.01", "ACQ.TOTAL_FEE_EXCEED"),
        ("out_trade_no", "a-b", "ACQ.INVALID_PARAMETER"),
        ("out_trade_no", "x" * 65, "ACQ.INVALID_PARAMETER"),
        ("subject", "", "ACQ.INVALID_PARAMETER"),
        ("time_expire", "2026-11-21T14:00:00", "ACQ.INVALID_PARAMETER"),
        ("time_expire", "2020-01-01 00:00:00", "ACQ.INVALID_PARAMETER"),
        ("timeout_express", "half an hour", "ACQ.INVALID_PARAMETER"),
        ("seller_id", "2088999999999999", "ACQ.INVALID_PARAMETER"),
    ],
)
async def test_a_malformed_order_is_refused(
    shop: Merchant, name: str, value: str, sub_code: str
) -> None:
    order = {"subject": SUBJECT, "out_trade_no": new_number(), "total_amount": "1.00"}
    refused = await shop.call("precreate", **{**order, name: value})

    assert (refused["code"], refused["sub_code"]) == ("40004", sub_code)


async def test_the_web_product_is_a_page_for_the_browser_and_a_trade_when_paid(
    shop: Merchant,
) -> None:
    number = new_number()
    query = shop.sdk.api_alipay_trade_page_pay(
        subject="<b>书</b>", out_trade_no=number, total_amount="12.30"
    )
    page = await shop.http.get("/alipay/gateway.do?" + query)
    before = await shop.status(number)
    await shop.does(number, "pay")

    assert page.headers["content-type"] == "text/html;charset=utf-8"
    assert f'action="/_sim/alipay/{number}/pay"' in page.text
    assert "&lt;b&gt;书&lt;/b&gt;" in page.text
    assert "¥12.30" in page.text
    assert (before, await shop.status(number)) == ("ACQ.TRADE_NOT_EXIST", "TRADE_SUCCESS")


async def test_cancel_closes_what_is_unpaid_and_gives_back_what_is_paid(shop: Merchant) -> None:
    waiting, paid = await shop.order(), await shop.paid("10.00")
    await shop.does(waiting, "scan")

    async def cancel(number: str) -> Json:
        return await shop.call("cancel", out_trade_no=number)

    unknown, closed, refunded = (
        await cancel(new_number()),
        await cancel(waiting),
        await cancel(paid),
    )

    assert (unknown["code"], "action" in unknown) == ("10000", False)
    assert (closed["action"], closed["retry_flag"]) == ("close", "N")
    assert refunded["action"] == "refund"
    assert await shop.status(paid) == "TRADE_CLOSED"
    assert (await cancel(paid))["action"] == "refund"


async def test_what_alipay_cannot_do_is_a_conflict(shop: Merchant) -> None:
    number = await shop.paid()
    for action in ("process", "refund-settle", "refund-fail", "dispute", "scan", "decline"):
        await shop.does(number, action, expect=409)
    await shop.does(await shop.order(), "finish", expect=409)
    await shop.does(new_number(), "pay", expect=404)
