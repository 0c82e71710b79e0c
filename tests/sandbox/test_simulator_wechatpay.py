"""Somebody else's SDK drives the simulated WeChat Pay: what it believes may be believed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import pytest

from tests.accounts import ACCOUNTS
from tests.sandbox.simulator_kit import eventually
from tests.sandbox.wechatpay_kit import (
    MCHID,
    TITLE,
    Merchant,
    Params,
    async_sdk,
    merchant,
    new_number,
)

BEIJING = timezone(timedelta(hours=8))
both_flavors = pytest.mark.parametrize("flavor", ["sync", "async"])


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


@both_flavors
async def test_a_native_order_gets_a_code_to_scan_and_waits(shop: Merchant, flavor: str) -> None:
    number = new_number()
    created = await shop.create(number, flavor=flavor)
    waiting = await shop.call("query", flavor=flavor, out_trade_no=number)

    assert created.status == 200
    assert re.fullmatch(r"weixin://wxpay/bizpayurl\?pr=\w+", str(created.body["code_url"]))
    assert waiting.body == {
        "amount": {"payer_currency": "CNY", "total": 8888},
        "appid": ACCOUNTS["wechatpay_appid"],
        "mchid": MCHID,
        "out_trade_no": number,
        "promotion_detail": [],
        "scene_info": {"device_id": ""},
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
    }


@both_flavors
async def test_a_paid_order_is_found_by_both_numbers(shop: Merchant, flavor: str) -> None:
    number = await shop.order()
    shop.pays(number)
    paid = (await shop.call("query", flavor=flavor, out_trade_no=number)).body
    again = await shop.call("query", flavor=flavor, transaction_id=paid["transaction_id"])

    assert (paid["trade_state"], paid["trade_type"]) == ("SUCCESS", "NATIVE")
    assert paid["amount"] == {
        "currency": "CNY",
        "payer_currency": "CNY",
        "payer_total": 8888,
        "total": 8888,
    }
    assert paid["attach"] == "O" + number[1:]
    assert re.fullmatch(r"4200\d{24}", str(paid["transaction_id"]))
    assert datetime.fromisoformat(str(paid["success_time"])).utcoffset() == timedelta(hours=8)
    assert again.body == paid


@both_flavors
async def test_a_close_is_answered_by_nothing_but_a_signature(shop: Merchant, flavor: str) -> None:
    number = await shop.order()
    closed = await shop.call("close", flavor=flavor, out_trade_no=number)
    once_more = await shop.call("close", flavor=flavor, out_trade_no=number)

    assert (closed.status, once_more.status) == (204, 204)
    assert await shop.state(number) == "CLOSED"
    verdicts = [e.verdict for e in shop.journal(number) if e.operation == "cancel"]
    assert verdicts == ["committed", "replayed"]


async def test_a_close_of_a_wrong_number_looks_like_any_other(shop: Merchant) -> None:
    number = new_number()

    assert (await shop.call("close", out_trade_no=number)).status == 204
    assert await shop.state(number) == "ORDER_NOT_EXIST"


async def test_a_paid_order_cannot_be_closed(shop: Merchant) -> None:
    number = await shop.paid()
    refused = await shop.call("close", out_trade_no=number)

    assert (refused.status, refused.code) == (400, "ORDERPAID")
    assert await shop.state(number) == "SUCCESS"


async def test_an_unknown_order_is_missing(shop: Merchant) -> None:
    by_ours = await shop.call("query", out_trade_no=new_number())
    by_theirs = await shop.call("query", transaction_id="4200000000202611210000000000")

    assert (by_ours.status, by_ours.code) == (404, "ORDER_NOT_EXIST")
    assert (by_theirs.status, by_theirs.code) == (404, "ORDER_NOT_EXIST")


async def test_the_same_number_with_the_same_parameters_gives_another_code_for_one_order(
    shop: Merchant,
) -> None:
    number = new_number()
    first, second = await shop.create(number), await shop.create(number)
    journal = shop.journal(number)

    assert first.body["code_url"] != second.body["code_url"]
    assert [e.verdict for e in journal] == ["committed", "replayed"]
    assert {e.idempotency_key for e in journal} == {number}
    assert shop.held(number)["open"] is True


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"total": 8887, "currency": "CNY"}},
        {"description": "something else"},
        {"pay_type": "JSAPI", "payer": {"openid": "oUpF8uMuAJO"}},
    ],
    ids=["amount", "description", "kind of payment"],
)
async def test_the_same_number_with_other_parameters_is_refused(
    shop: Merchant, change: Params
) -> None:
    number = await shop.order()
    if "pay_type" in change:
        change = {**change, "pay_type": type(shop.sdk._type).JSAPI}
    refused = await shop.create(number, **change)

    assert (refused.status, refused.code) == (403, "OUT_TRADE_NO_USED")
    assert shop.held(number)["amount"] == 8888


async def test_a_number_that_is_paid_or_closed_is_spent(shop: Merchant) -> None:
    paid, closed = await shop.paid(), await shop.order()
    await shop.call("close", out_trade_no=closed)

    for_paid, for_closed = await shop.create(paid), await shop.create(closed)
    assert (for_paid.status, for_paid.code) == (400, "ORDERPAID")
    assert (for_closed.status, for_closed.code) == (400, "ORDER_CLOSED")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": {"total": "8888"}}, "/amount/total"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": 88.88}}, "/amount/total"),
        ({"amount": {"total": 8888, "currency": "USD"}}, "/amount/currency"),
        ({"description": "字" * 128}, "/description"),
        ({"attach": "x" * 129}, "/attach"),
        ({"out_trade_no": "P12"}, "/out_trade_no"),
        ({"out_trade_no": "P" * 33}, "/out_trade_no"),
        ({"notify_url": "https://shop.example/notify?secret=1"}, "/notify_url"),
        ({"time_expire": "2030-01-01T00:00:00Z"}, "/time_expire"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "/time_expire"),
        ({"mchid": "1900000009"}, "/mchid"),
    ],
)
async def test_what_does_not_fit_is_named(shop: Merchant, change: Params, field: str) -> None:
    refused = await shop.create(new_number(), **change)

    assert (refused.status, refused.code) == (400, "PARAM_ERROR")
    detail = refused.body["detail"]
    assert isinstance(detail, dict)
    assert (detail["field"], detail["location"]) == (field, "body")


async def test_a_foreign_app_id_does_not_match(shop: Merchant) -> None:
    refused = await shop.create(new_number(), appid="wx0000000000000009")

    assert (refused.status, refused.code) == (400, "APPID_MCHID_NOT_MATCH")


async def test_a_page_inside_wechat_pays_with_a_prepay_id(shop: Merchant) -> None:
    jsapi = type(shop.sdk._type).JSAPI
    number = new_number()
    created = await shop.create(number, pay_type=jsapi, payer={"openid": "oUpF8uMuAJO"})
    shop.pays(number)
    paid = await shop.call("query", out_trade_no=number)

    assert str(created.body["prepay_id"]).startswith("wx")
    assert (paid.body["trade_type"], paid.body["payer"]) == ("JSAPI", {"openid": "oUpF8uMuAJO"})


async def test_an_order_closes_by_itself_when_its_time_is_up(shop: Merchant) -> None:
    soon = datetime.now(BEIJING) + timedelta(seconds=2)
    number = await shop.order(time_expire=soon.isoformat(timespec="seconds"))
    assert await shop.state(number) == "NOTPAY"

    await eventually(lambda: shop.held(number)["status"] == "CLOSED")
    assert await shop.state(number) == "CLOSED"
    assert (await shop.call("close", out_trade_no=number)).status == 204


async def test_another_amount_than_asked_for_is_what_the_query_tells(shop: Merchant) -> None:
    number = await shop.order()
    shop.pays(number, amount=1)
    paid = await shop.call("query", out_trade_no=number)

    amount = paid.body["amount"]
    assert isinstance(amount, dict)
    assert amount["total"] == 1
    assert (shop.held(number)["amount"], shop.held(number)["captured"]) == (8888, 1)


async def test_a_merchant_without_the_public_key_downloads_the_certificate_and_believes_it(
    shop: Merchant,
) -> None:
    number = await shop.paid()
    async with async_sdk(shop.url, public_key=None, public_key_id=None) as sdk:
        (certificate,) = sdk._core._certificates
        status, _ = await sdk.query(out_trade_no=number)

    assert status == 200
    assert certificate.serial_number > 0


async def test_the_journal_knows_whose_each_request_was(shop: Merchant) -> None:
    number = await shop.paid()
    transaction_id = (await shop.call("query", out_trade_no=number)).body["transaction_id"]
    await shop.call("query", transaction_id=transaction_id)

    entries = shop.journal(number)
    assert [e.operation for e in entries] == ["create", "retrieve", "retrieve"]
    assert {(e.order_id, e.ref) for e in entries} == {("O" + number[1:], number)}
    assert TITLE not in str(entries)
