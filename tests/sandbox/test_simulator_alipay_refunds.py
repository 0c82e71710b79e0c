"""Refunds at the simulated Alipay, as `python-alipay-sdk` makes and finds them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.alipay_kit import Merchant, merchant, new_number


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


async def found(shop: Merchant, number: str, request_no: str) -> dict[str, object]:
    return await shop.call("fastpay_refund_query", out_request_no=request_no, out_trade_no=number)


async def test_a_refund_number_means_one_refund(shop: Merchant) -> None:
    number = await shop.paid("10.00")
    first = await shop.refund(number, "4.00", "R1")
    again = await shop.refund(number, "4.00", "R1")
    other = await shop.refund(number, "4.01", "R1")

    assert (first["code"], first["fund_change"], first["refund_fee"]) == ("10000", "Y", "4.00")
    assert (again["code"], again["fund_change"], again["refund_fee"]) == ("10000", "N", "4.00")
    assert (other["code"], other["sub_code"]) == ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST")
    assert await shop.status(number) == "TRADE_SUCCESS"


async def test_refund_fee_is_the_sum_and_the_last_refund_closes_the_trade(shop: Merchant) -> None:
    number = await shop.paid("10.00")
    fees = [(await shop.refund(number, f"{n}.00", f"R{n}"))["refund_fee"] for n in (1, 2)]
    too_much = await shop.refund(number, "7.01", "R3")
    rest = await shop.refund(number, "7.00", "R4")
    replayed = await shop.refund(number, "1.00", "R1")
    after = await shop.refund(number, "0.01", "R5")

    assert fees == ["1.00", "3.00"]
    assert (too_much["sub_code"], too_much["refund_fee"]) == (
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "0.00",
    )
    assert (rest["refund_fee"], await shop.status(number)) == ("10.00", "TRADE_CLOSED")
    assert (replayed["fund_change"], replayed["refund_fee"]) == ("N", "10.00")
    assert (after["code"], after["sub_code"]) == ("40004", "ACQ.TRADE_STATUS_ERROR")


async def test_only_a_paid_trade_can_be_refunded(shop: Merchant) -> None:
    unscanned, scanned, finished = await shop.order(), await shop.order(), await shop.paid()
    await shop.does(scanned, "scan")
    await shop.does(finished, "finish")

    refused = [
        (await shop.refund(number, "1.00", "R1"))["sub_code"]
        for number in (unscanned, scanned, finished)
    ]

    assert refused == [
        "ACQ.TRADE_NOT_EXIST",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.TRADE_HAS_FINISHED",
    ]


async def test_without_a_refund_number_all_goes_back_or_nothing(shop: Merchant) -> None:
    number = await shop.paid("10.00")
    part = await shop.refund(number, "4.00")
    everything = await shop.refund(number, "10.00")

    assert part["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert everything["fund_change"] == "Y"
    assert (await found(shop, number, number))["refund_amount"] == "10.00"


async def test_a_refund_query_without_fields_says_that_nothing_was_refunded(
    shop: Merchant,
) -> None:
    number = await shop.paid("10.00")
    await shop.refund(number, "4.00", "R1")
    made, unknown = await found(shop, number, "R1"), await found(shop, number, "R2")
    nowhere = await found(shop, new_number(), "R1")

    assert (made["refund_amount"], made["refund_status"]) == ("4.00", "REFUND_SUCCESS")
    assert (made["total_amount"], made["out_request_no"]) == ("10.00", "R1")
    assert unknown == {"code": "10000", "msg": "Success"}
    assert nowhere["sub_code"] == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "x"])
async def test_a_malformed_refund_amount_is_refused(shop: Merchant, amount: str) -> None:
    refused = await shop.refund(await shop.paid(), amount, "R1")

    assert refused["sub_code"] == "ACQ.INVALID_PARAMETER"


async def test_cancel_does_not_touch_a_trade_that_was_refunded_in_part(shop: Merchant) -> None:
    number = await shop.paid("10.00")
    await shop.refund(number, "4.00", "R1")
    refused = await shop.call("cancel", out_trade_no=number)

    assert refused["sub_code"] == "ACQ.REASON_TRADE_REFUND_FEE_ERR"


async def test_the_state_shows_what_came_and_what_went_back(shop: Merchant) -> None:
    order_id = "O" + new_number()
    number = await shop.paid("10.00", passback_params=order_id)
    await shop.refund(number, "4.00", "R1")

    assert await shop.held(order_id) == [
        {
            "gateway": "alipay",
            "paymentId": number,
            "orderId": order_id,
            "providerRef": number,
            "status": "TRADE_SUCCESS",
            "open": False,
            "amount": 1000,
            "currency": "CNY",
            "captured": 1000,
            "refunded": 400,
            "refunds": [
                {
                    "refundId": "R1",
                    "providerRef": "R1",
                    "status": "REFUND_SUCCESS",
                    "amount": 400,
                    "currency": "CNY",
                }
            ],
        }
    ]
