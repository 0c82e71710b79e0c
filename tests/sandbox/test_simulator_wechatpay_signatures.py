"""Who gets in at the simulated WeChat Pay, and whether its answers prove where they come from."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from secrets import token_hex

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from wechatpayv3.utils import load_private_key, rsa_verify  # type: ignore[import-untyped]

from tests.accounts import ACCOUNTS, provider_keys
from tests.sandbox.wechatpay_kit import (
    MCHID,
    PUBLIC_KEY_ID,
    Merchant,
    Params,
    merchant,
    new_number,
)

QUERY = f"/v3/pay/transactions/out-trade-no/{{}}?mchid={MCHID}"


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Merchant]:
    async with merchant() as running:
        yield running


async def send(
    shop: Merchant, method: str, target: str, body: bytes = b"", **deviations: str | bytes
) -> httpx.Response:
    """A request signed by hand; `deviations` replace parts of it, blank ones leave them out."""
    usual = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "orderflow-tests/1",
        "Wechatpay-Serial": PUBLIC_KEY_ID,
        "Authorization": authorization(method, target, body, deviations),
    }
    headers = {
        name: str(deviations.get(name.lower().replace("-", "_"), value))
        for name, value in usual.items()
    }
    present = {name: value for name, value in headers.items() if value}
    request = httpx.Request(method, shop.url + target, content=body, headers=present)
    return await shop.http.send(request)


def authorization(
    method: str, target: str, body: bytes, deviations: Mapping[str, str | bytes]
) -> str:
    """The header of a signed request, written from the protocol's description."""
    fields = {
        "mchid": MCHID,
        "nonce_str": token_hex(16),
        "timestamp": str(int(time.time())),
        "serial_no": ACCOUNTS["wechatpay_serial"],
    }
    fields |= {name: str(deviations[name]) for name in fields if name in deviations}
    signed = deviations.get("signed_body", body)
    assert isinstance(signed, bytes)
    lines = [method, str(deviations.get("signed_target", target))]
    lines += [fields["timestamp"], fields["nonce_str"], signed.decode()]
    message = "".join(line + "\n" for line in lines).encode()
    key = load_private_key(provider_keys().wechatpay_merchant.read_text())
    signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    fields["signature"] = base64.b64encode(signature).decode()
    pairs = ",".join(f'{name}="{value}"' for name, value in fields.items())
    return f"WECHATPAY2-SHA256-RSA2048 {pairs}"


def believed(shop: Merchant, answer: httpx.Response) -> bool:
    """Whether the SDK's verification takes the answer for WeChat Pay's own, errors included."""
    assert answer.headers["Wechatpay-Serial"] == PUBLIC_KEY_ID
    assert abs(time.time() - int(answer.headers["Wechatpay-Timestamp"])) < 60
    return bool(
        rsa_verify(
            answer.headers["Wechatpay-Timestamp"],
            answer.headers["Wechatpay-Nonce"],
            answer.text,
            answer.headers["Wechatpay-Signature"],
            shop.sdk._core._public_key,
        )
    )


async def test_a_request_signed_by_hand_is_let_in_and_its_answer_is_signed(shop: Merchant) -> None:
    number = await shop.paid()
    answer = await send(shop, "GET", QUERY.format(number))

    assert answer.status_code == 200
    assert believed(shop, answer)
    assert answer.headers["Request-ID"]
    assert answer.headers["Content-Type"] == "application/json"


async def test_an_answer_without_a_body_is_signed_too(shop: Merchant) -> None:
    number = await shop.order()
    body = json.dumps({"mchid": MCHID}).encode()
    answer = await send(shop, "POST", f"/v3/pay/transactions/out-trade-no/{number}/close", body)

    assert (answer.status_code, answer.content) == (204, b"")
    assert believed(shop, answer)


async def test_a_refusal_is_signed_too(shop: Merchant) -> None:
    missing = await send(shop, "GET", QUERY.format(new_number()))

    assert (missing.status_code, missing.json()["code"]) == (404, "ORDER_NOT_EXIST")
    assert believed(shop, missing)


async def test_a_throttled_answer_is_signed_too_and_tells_when_to_come_back(
    shop: Merchant,
) -> None:
    number = await shop.order()
    shop.suffers("rate_limit", "retrieve", seconds=7, match={"paymentId": number})
    limited = await send(shop, "GET", QUERY.format(number))

    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert believed(shop, limited)


async def test_a_request_that_names_no_key_is_answered_with_the_certificate(
    shop: Merchant,
) -> None:
    answer = await send(shop, "GET", QUERY.format(await shop.paid()), wechatpay_serial="")

    assert answer.status_code == 200
    assert len(answer.headers["Wechatpay-Serial"]) == 40
    assert answer.headers["Wechatpay-Serial"] != PUBLIC_KEY_ID


async def test_a_request_that_names_an_unknown_key_is_refused(shop: Merchant) -> None:
    answer = await send(
        shop, "GET", QUERY.format(new_number()), wechatpay_serial="PUB_KEY_ID_0000000000"
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


SHIFTED = [str(int(time.time()) + shift) for shift in (-310, 3700)]


@pytest.mark.parametrize(
    "deviation",
    [
        {"signed_target": "/v3/pay/transactions/out-trade-no/other?mchid=" + MCHID},
        {"signed_target": "/v3/pay/transactions/native"},
        {"signed_body": b"{}"},
        {"mchid": "1900000009"},
        {"serial_no": "0" * 40},
        {"timestamp": SHIFTED[0]},
        {"timestamp": SHIFTED[1]},
        {"timestamp": "soon"},
        {"authorization": ""},
        {"authorization": "Bearer something"},
        {"authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1900000001"'},
        {"authorization": 'WECHATPAY2-SM2-WITH-SM3 mchid="1900000001"'},
    ],
    ids=lambda deviation: next(iter(deviation)),
)
async def test_who_does_not_prove_himself_gets_an_answer_without_proof(
    shop: Merchant, deviation: Params
) -> None:
    number = await shop.paid()
    answer = await send(shop, "GET", QUERY.format(number), **deviation)

    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert not [name for name in answer.headers if name.startswith("wechatpay-")]
    assert number not in answer.text.replace(QUERY.format(number), "")


async def test_a_query_left_out_of_the_signature_is_a_wrong_signature(shop: Merchant) -> None:
    target = QUERY.format(await shop.paid())
    answer = await send(shop, "GET", target, signed_target=target.partition("?")[0])

    assert answer.status_code == 401
    detail = answer.json()["detail"]
    assert detail["detail"] == {"issue": "sign not match"}
    assert detail["sign_information"]["url"] == target


async def test_the_bytes_that_were_sent_are_what_counts(shop: Merchant) -> None:
    number = new_number()
    body = {
        "appid": ACCOUNTS["wechatpay_appid"],
        "mchid": MCHID,
        "description": "订单支付",
        "out_trade_no": number,
        "notify_url": f"{shop.notify_url}/{number}",
        "amount": {"total": 1},
    }
    compact = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    spaced = json.dumps(body, ensure_ascii=False, indent=2).encode()
    native = "/v3/pay/transactions/native"

    assert (await send(shop, "POST", native, spaced, signed_body=compact)).status_code == 401
    assert (await send(shop, "POST", native, spaced)).status_code == 200


@pytest.mark.parametrize(
    "deviation", [{"user_agent": "", "accept": ""}, {"accept": "text/html"}], ids=["none", "html"]
)
async def test_a_request_without_the_usual_headers_is_refused(
    shop: Merchant, deviation: Params
) -> None:
    answer = await send(shop, "GET", "/v3/certificates", **deviation)

    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


async def test_a_body_that_is_no_json_is_refused(shop: Merchant) -> None:
    native = "/v3/pay/transactions/native"
    garbled = await send(shop, "POST", native, b"{")
    form = await send(
        shop, "POST", native, b"a=b", content_type="application/x-www-form-urlencoded"
    )

    assert (garbled.status_code, garbled.json()["code"]) == (400, "PARAM_ERROR")
    assert (form.status_code, form.json()["code"]) == (400, "INVALID_REQUEST")


async def test_a_query_names_the_merchant_that_signed(shop: Merchant) -> None:
    number = await shop.paid()
    target = f"/v3/pay/transactions/out-trade-no/{number}"
    nobody = await send(shop, "GET", target)
    other = await send(shop, "GET", target + "?mchid=1900000009")

    assert [nobody.json()["code"], other.json()["code"]] == ["PARAM_ERROR", "PARAM_ERROR"]


async def test_a_prefix_of_the_path_is_signed_as_it_is_sent(shop: Merchant) -> None:
    target = "/wechatpay" + QUERY.format(await shop.paid())
    with_prefix = await send(shop, "GET", target)
    without = await send(shop, "GET", target, signed_target=target.removeprefix("/wechatpay"))

    assert (with_prefix.status_code, without.status_code) == (200, 401)


async def test_who_is_turned_away_is_in_the_journal(shop: Merchant) -> None:
    shop.world.journal.clear()
    await send(shop, "GET", "/v3/certificates", authorization="Bearer x")
    (entry,) = shop.world.journal.read(party="wechatpay")

    assert (entry.operation, entry.status, entry.verdict) == ("certificates", 401, "rejected")
    assert entry.detail == "SIGN_ERROR"
