"""The simulated Alipay's notifications: believed by `python-alipay-sdk`, repeated until taken."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.accounts import ACCOUNTS
from tests.sandbox.alipay_kit import SUBJECT, Merchant, fields_of, merchant
from tests.sandbox.simulator_kit import eventually


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


async def test_a_payment_is_told_in_a_form_that_the_sdk_believes(shop: Merchant) -> None:
    number = await shop.paid("88.88", passback_params="ORDER_1")
    (fields,) = await shop.told(number)
    (delivery,) = shop.about(number)

    assert delivery.path == "/notify"
    assert delivery.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert shop.believes(fields)
    assert (
        fields
        | {
            "notify_type": "trade_status_sync",
            "app_id": ACCOUNTS["alipay_app_id"],
            "seller_id": ACCOUNTS["alipay_seller_id"],
            "sign_type": "RSA2",
            "out_trade_no": number,
            "trade_no": str((await shop.query(number))["trade_no"]),
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "88.88",
            "receipt_amount": "88.88",
            "buyer_pay_amount": "88.88",
            "subject": SUBJECT,
            "passback_params": "ORDER_1",
        }
        == fields
    )
    assert {"notify_id", "notify_time", "gmt_create", "gmt_payment", "fund_bill_list"} <= set(
        fields
    )
    assert not {"gmt_close", "gmt_refund", "refund_fee", "out_biz_no"} & set(fields)


async def test_a_blank_value_is_signed_and_so_is_chinese_text(shop: Merchant) -> None:
    number = await shop.paid()
    (fields,) = await shop.told(number)
    without_blanks = {name: value for name, value in fields.items() if value}

    assert fields["body"] == ""
    assert not fields["store_name"].isascii()
    assert not shop.believes(without_blanks)
    assert not shop.believes({**fields, "total_amount": "0.01"})


async def test_without_an_address_of_its_own_an_order_is_told_where_all_providers_are(
    shop: Merchant,
) -> None:
    number = await shop.paid(notify_url=None)
    await shop.told(number)

    assert [delivery.path for delivery in shop.about(number)] == ["/callbacks/payments/alipay"]


async def test_refunds_are_told_with_the_sum_and_the_number_of_the_refund(shop: Merchant) -> None:
    number = await shop.paid("10.00")
    await shop.refund(number, "4.00", "R1")
    await shop.refund(number, "4.00", "R1")
    await shop.refund(number, "6.00", "R2")
    told = {fields.get("out_biz_no", ""): fields for fields in await shop.told(number, 3)}
    part, rest = told["R1"], told["R2"]

    assert all(shop.believes(fields) for fields in told.values())
    assert set(told) == {"", "R1", "R2"}
    assert (part["trade_status"], part["refund_fee"]) == ("TRADE_SUCCESS", "4.00")
    assert (rest["trade_status"], rest["refund_fee"]) == ("TRADE_CLOSED", "10.00")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", part["gmt_refund"])
    assert "gmt_payment" in rest
    assert "gmt_close" in rest
    assert "gmt_close" not in part
    assert len({fields["notify_id"] for fields in told.values()}) == 3


async def test_a_refund_in_the_web_console_is_told_under_a_number_that_can_be_asked_for(
    shop: Merchant,
) -> None:
    number = await shop.paid("10.00")
    made = await shop.does(number, "refund-outside", amount=250)
    (told,) = (fields for fields in await shop.told(number, 2) if "out_biz_no" in fields)
    found = await shop.call(
        "fastpay_refund_query", out_request_no=told["out_biz_no"], out_trade_no=number
    )

    assert (made["refundId"], made["providerRef"]) == ("", told["out_biz_no"])
    assert (told["refund_fee"], found["refund_amount"]) == ("2.50", "2.50")
    assert told["trade_status"] == "TRADE_SUCCESS"
    await shop.does(number, "refund-outside", expect=409, amount=751)
    await shop.does(number, "refund-outside")
    assert await shop.status(number) == "TRADE_CLOSED"


async def test_closing_is_told_without_a_payment_and_finishing_with_it(shop: Merchant) -> None:
    closed, finished = await shop.order(), await shop.paid()
    await shop.does(closed, "scan")
    await shop.call("close", out_trade_no=closed)
    await shop.told(finished)
    await shop.does(finished, "finish")
    (closing,) = await shop.told(closed)
    _, finishing = await shop.told(finished, 2)

    assert closing["trade_status"] == "TRADE_CLOSED"
    assert "gmt_close" in closing
    assert "gmt_payment" not in closing
    assert "refund_fee" not in closing
    assert finishing["trade_status"] == "TRADE_FINISHED"
    assert "gmt_payment" in finishing


async def test_scanning_and_being_declined_is_nobody_elses_business(shop: Merchant) -> None:
    number = await shop.order()
    await shop.does(number, "scan")
    declined = await shop.does(number, "decline", code="BALANCE_NOT_ENOUGH")
    await shop.does(number, "pay")
    (only,) = await shop.told(number)

    assert (declined["status"], declined["open"]) == ("WAIT_BUYER_PAY", True)
    assert only["trade_status"] == "TRADE_SUCCESS"
    assert [e["operation"] for e in await shop.journal(number, "callback")] == ["TRADE_SUCCESS"]


async def test_only_the_word_success_stops_the_redelivery_of_one_notification(
    shop: Merchant,
) -> None:
    shop.answers[:] = [b"fail", b"success\n"]
    number = await shop.paid()
    told = await shop.told(number, 3)
    tries = [e["verdict"] for e in await shop.journal(number, "callback")]

    assert len({fields["notify_id"] for fields in told}) == 1
    assert tries[:2] == ["retrying", "retrying"]


async def test_a_forged_notification_is_refused_by_the_sdk_and_the_true_one_follows(
    shop: Merchant,
) -> None:
    await shop.suffers("bad_signature", "TRADE_SUCCESS")
    shop.answers[:] = [b"fail"]
    forged, true = await shop.told(await shop.paid(), 2)

    assert not shop.believes(forged)
    assert shop.believes(true)
    assert forged["notify_id"] == true["notify_id"]


async def test_duplicates_are_the_same_notification(shop: Merchant) -> None:
    await shop.suffers("duplicate_callbacks", "refund", count=3)
    number = await shop.paid()
    await shop.told(number)
    await shop.refund(number, "1.00", "R1")
    told = [fields for fields in await shop.told(number, 4) if "refund_fee" in fields]

    assert len(told) == 3
    assert len({fields["notify_id"] for fields in told}) == 1


async def test_a_delayed_payment_is_overtaken_by_its_refund(shop: Merchant) -> None:
    await shop.suffers("delay_callbacks", "TRADE_SUCCESS", seconds=0.4)
    number = await shop.paid()
    await shop.refund(number, "1.00", "R1")
    told = await shop.told(number, 2)

    assert ["refund_fee" in fields for fields in told] == [True, False]


async def test_a_dropped_notification_comes_by_hand_alone(shop: Merchant) -> None:
    await shop.suffers("drop_callbacks", "TRADE_SUCCESS")
    dropped = await shop.paid()
    await shop.told(await shop.paid())
    (entry,) = await shop.journal(dropped, "callback")
    assert shop.about(dropped) == []

    await shop.http.post(f"/_sim/redeliver/{entry['eventId']}")
    await eventually(lambda: shop.about(dropped))
    assert fields_of(shop.about(dropped)[0])["notify_id"] == entry["eventId"]
