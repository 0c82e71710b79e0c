"""The simulated gateway's side of the protocol: who may ask, in which form, and how it signs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode

import pytest
from alipay import AliPay  # type: ignore[import-untyped]
from alipay.exceptions import AliPayException  # type: ignore[import-untyped]

from tests.sandbox.alipay_kit import SUBJECT, Merchant, merchant, merchant_sdk, new_number
from tests.sandbox.simulator_kit import Json

GATEWAY = "/alipay/gateway.do"
PRECREATE = "alipay.trade.precreate"


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


def signed(sdk: AliPay, method: str = PRECREATE, **common: str) -> dict[str, str]:
    """A request as the SDK signs it; its business parameters hold Chinese text as it is."""
    order = {"out_trade_no": new_number(), "total_amount": "1.00", "subject": SUBJECT}
    content = json.dumps(order, ensure_ascii=False)
    return dict(parse_qsl(sdk.client_api(method, biz_content=content, **common)))


async def asked(shop: Merchant, parameters: dict[str, str]) -> Json:
    answer = await shop.http.get(GATEWAY, params=parameters)
    assert answer.status_code == 200
    parsed = answer.json()
    assert isinstance(parsed, dict)
    return parsed


async def test_a_form_may_hold_all_parameters_or_the_business_ones_alone(shop: Merchant) -> None:
    in_query = signed(shop.sdk)
    content = in_query.pop("biz_content")
    official = await shop.http.post(GATEWAY, params=in_query, data={"biz_content": content})
    everything = signed(shop.sdk)
    in_body = await shop.http.post(GATEWAY + "?charset=utf-8", data=everything)

    for answer in (official, in_body):
        assert answer.json()["alipay_trade_precreate_response"]["code"] == "10000"


async def test_a_charset_that_only_the_form_names_garbles_chinese(shop: Merchant) -> None:
    answer = await shop.http.post(GATEWAY, data=signed(shop.sdk))
    refused = json.loads(answer.content.decode("gbk"))["alipay_trade_precreate_response"]

    assert (refused["code"], refused["sub_code"]) == ("40002", "isv.invalid-signature")


async def test_blank_parameters_are_not_part_of_what_is_signed(shop: Merchant) -> None:
    answer = await asked(shop, {**signed(shop.sdk), "app_auth_token": ""})

    assert "sign" in answer
    assert answer["alipay_trade_precreate_response"]["code"] == "10000"  # type: ignore[index]


async def test_an_answer_is_signed_over_the_very_text_that_was_sent(shop: Merchant) -> None:
    answer = await shop.http.get(GATEWAY, params=signed(shop.sdk))
    inner = answer.text[answer.text.index(":{") + 1 : answer.text.index(',"sign"')]
    rewritten = json.dumps(json.loads(inner), separators=(",", ":"))

    assert answer.headers["content-type"] == "text/html;charset=utf-8"
    assert "https:\\/\\/qr.alipay.com\\/" in inner
    assert shop.sdk._verify(inner, answer.json()["sign"])
    assert not shop.sdk._verify(rewritten, answer.json()["sign"])


async def test_a_changed_request_is_refused_in_a_signed_answer(shop: Merchant) -> None:
    parameters = signed(shop.sdk)
    changed = parameters["biz_content"].replace("1.00", "0.01")
    answer = await asked(shop, {**parameters, "biz_content": changed})
    refused = answer["alipay_trade_precreate_response"]
    assert isinstance(refused, dict)

    assert (refused["code"], refused["sub_code"]) == ("40002", "isv.invalid-signature")
    assert "sign" in answer
    assert await shop.journal(json.loads(changed)["out_trade_no"]) == []


async def test_another_app_is_refused_unsigned(shop: Merchant) -> None:
    stranger = merchant_sdk(shop.url, app_id="2021999999999999")
    answer = await asked(shop, signed(stranger))
    refused = answer["alipay_trade_precreate_response"]
    assert isinstance(refused, dict)

    assert (refused["sub_code"], "sign" in answer) == ("isv.invalid-app-id", False)
    with pytest.raises(AliPayException):
        await asyncio.to_thread(stranger.api_alipay_trade_query, out_trade_no="P1")


@pytest.mark.parametrize(
    ("name", "value", "sub_code"),
    [
        ("method", "", "isv.missing-method"),
        ("method", "alipay.trade.teleport", "isv.invalid-method"),
        ("app_id", "", "isv.missing-app-id"),
        ("sign", "", "isv.missing-signature"),
        ("sign_type", "", "isv.missing-signature-type"),
        ("sign_type", "RSA", "isv.invalid-signature-type"),
        ("timestamp", "", "isv.missing-timestamp"),
        ("version", "", "isv.missing-version"),
        ("charset", "latin-1", "isv.invalid-charset"),
        ("sign", "not base64", "isv.invalid-signature"),
    ],
)
async def test_a_gateway_parameter_that_is_wrong_is_named(
    shop: Merchant, name: str, value: str, sub_code: str
) -> None:
    answer = await asked(shop, {**signed(shop.sdk), name: value})
    (refused,) = (part for key, part in answer.items() if key != "sign")
    assert isinstance(refused, dict)

    assert refused["sub_code"] == sub_code
    assert "error_response" in answer or name not in {"method", "charset"}


@pytest.mark.parametrize(
    ("common", "sub_code"),
    [
        ({"timestamp": "2026-11-21T14:00:00Z"}, "isv.invalid-timestamp"),
        ({"format": "XML"}, "isv.invalid-format"),
        ({"biz_content": "[]"}, "isv.illegal-json"),
        ({"biz_content": "{"}, "isv.illegal-json"),
    ],
)
async def test_a_well_signed_request_may_still_be_malformed(
    shop: Merchant, common: dict[str, str], sub_code: str
) -> None:
    data = shop.sdk.build_body(PRECREATE, common.get("biz_content", "{}")) | common
    answer = await shop.http.get(f"{GATEWAY}?{shop.sdk.sign_data(data)}")
    refused = answer.json()["alipay_trade_precreate_response"]

    assert (refused["code"], refused["sub_code"]) == ("40002", sub_code)


async def test_a_merchant_may_speak_gbk(shop: Merchant) -> None:
    data = shop.sdk.build_body(PRECREATE, "") | {"charset": "GBK"}
    order = {"out_trade_no": new_number(), "total_amount": "1.00", "subject": "书"}
    data["biz_content"] = json.dumps(order)
    answer = await shop.http.get(f"{GATEWAY}?{shop.sdk.sign_data(data)}")
    await shop.does(order["out_trade_no"], "scan")
    data["method"] = "alipay.trade.query"
    found = await shop.http.get(f"{GATEWAY}?{urlencode(dict(parse_qsl(shop.sdk.sign_data(data))))}")

    assert answer.headers["content-type"] == "text/html;charset=gbk"
    assert json.loads(found.content.decode("gbk"))["alipay_trade_query_response"]["subject"] == "书"
