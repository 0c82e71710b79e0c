"""Callbacks, sealed and judged by other people's code beside ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]

from domain.payment import CallbackTopic
from gateways.errors import InvalidCallback
from gateways.keys import public_key
from gateways.payments.wechat_pay import WeChatPayGateway
from gateways.payments.wechat_pay_callbacks import Account, parse
from gateways.payments.wechat_pay_signing import WeChatKey
from tests.gateways.wechat_pay_wire import (
    APIV3_KEY,
    APPID,
    KEY_ID,
    MCHID,
    MERCHANT,
    NOTIFY_URL,
    NOW,
    PAYMENT_ID,
    REFUND_ID,
    SCHEME,
    SERIAL,
    STRANGER,
    TRANSACTION_ID,
    UNIX,
    WECHAT,
    new_gateway,
    notice,
    refund_news,
    seal,
    signed,
    to_bytes,
    told,
    transaction,
)

PAID = told("TRANSACTION.SUCCESS", transaction("SUCCESS"))
SUBJECT = to_bytes(transaction("SUCCESS"))


@pytest.fixture
def gateway(client: httpx.AsyncClient) -> WeChatPayGateway:
    return new_gateway(client)


@pytest.fixture(scope="module")
def sdk() -> WeChatPay:
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=MCHID,
        private_key=MERCHANT.private,
        cert_serial_no=SERIAL,
        apiv3_key=APIV3_KEY,
        appid=APPID,
        notify_url=NOTIFY_URL,
        public_key=WECHAT.public,
        public_key_id=KEY_ID,
    )


async def test_a_payments_callback_says_what_it_is_about(gateway: WeChatPayGateway) -> None:
    news = await gateway.parse_callback(signed(PAID), PAID, NOW)
    assert news.gateway == "wechatpay"
    assert news.dedupe_key == "EV-2026112118300012345"
    assert (news.kind, news.topic) == ("TRANSACTION.SUCCESS", CallbackTopic.PAYMENT)
    assert (news.payment_id, news.provider_ref) == (PAYMENT_ID, PAYMENT_ID)
    assert (news.capture_ref, news.refund_ref) == (TRANSACTION_ID, "")
    assert news.occurred_at == datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("status", ["SUCCESS", "ABNORMAL", "CLOSED"])
async def test_a_refunds_callback_names_the_refund_as_a_query_takes_it(
    gateway: WeChatPayGateway, status: str
) -> None:
    body = told(f"REFUND.{status}", refund_news(status))
    news = await gateway.parse_callback(signed(body), body, NOW)
    assert (news.kind, news.topic) == (f"REFUND.{status}", CallbackTopic.REFUND)
    assert (news.payment_id, news.capture_ref) == (PAYMENT_ID, TRANSACTION_ID)
    assert news.refund_ref == REFUND_ID


async def test_an_event_that_is_not_known_is_kept_and_changes_nothing(
    gateway: WeChatPayGateway,
) -> None:
    body = told("COMPLAINT.CREATE", {"complaint_id": "200000020221020220032603511"})
    news = await gateway.parse_callback(signed(body), body, NOW)
    assert (news.kind, news.topic) == ("COMPLAINT.CREATE", CallbackTopic.OTHER)
    assert (news.payment_id, news.refund_ref) == ("", "")


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
async def test_headers_are_found_in_any_case(gateway: WeChatPayGateway, case: type[str]) -> None:
    headers = {case(name): value for name, value in signed(PAID).items()}
    await gateway.parse_callback(headers, PAID, NOW)


async def test_the_kind_of_signature_need_not_be_named(gateway: WeChatPayGateway) -> None:
    headers = signed(PAID)
    assert headers.pop("Wechatpay-Signature-Type") == SCHEME
    await gateway.parse_callback(headers, PAID, NOW)


@pytest.mark.parametrize("associated_data", ["transaction", "", "退款"])
async def test_any_associated_data_is_honored(
    gateway: WeChatPayGateway, sdk: WeChatPay, associated_data: str
) -> None:
    body = notice("TRANSACTION.SUCCESS", seal(SUBJECT, associated_data=associated_data))
    assert sdk.callback(signed(body), body)["resource"]["out_trade_no"] == PAYMENT_ID
    assert (await gateway.parse_callback(signed(body), body, NOW)).payment_id == PAYMENT_ID


@pytest.mark.parametrize("missing", [None, "left out"])
async def test_associated_data_may_be_missing(
    gateway: WeChatPayGateway, missing: str | None
) -> None:
    resource = seal(SUBJECT, associated_data="")
    if missing is None:
        resource["associated_data"] = None
    else:
        del resource["associated_data"]
    body = notice("TRANSACTION.SUCCESS", resource)
    await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize("seconds", [-299, 299])
async def test_a_callback_at_the_edge_of_the_window_is_accepted(
    gateway: WeChatPayGateway, seconds: int
) -> None:
    await gateway.parse_callback(signed(PAID, unix=UNIX + seconds), PAID, NOW)


@pytest.mark.parametrize("seconds", [-86_400, -301, -300, 300, 301])
async def test_a_stale_or_future_callback_is_refused_although_the_sdk_takes_it(
    gateway: WeChatPayGateway, sdk: WeChatPay, seconds: int
) -> None:
    headers = signed(PAID, unix=UNIX + seconds)
    assert sdk.callback(headers, PAID)
    with pytest.raises(InvalidCallback, match="stale"):
        await gateway.parse_callback(headers, PAID, NOW)


def _tampered(name: str, value: str) -> bytes:
    """A callback whose seal was broken before WeChat's key signed the whole."""
    resource = seal(SUBJECT)
    return notice("TRANSACTION.SUCCESS", resource | {name: value})


def _flipped(text: str, at: int) -> str:
    other = "B" if text[at] == "A" else "A"
    return text[:at] + other + text[at + 1 :]


CIPHERTEXT = str(seal(SUBJECT)["ciphertext"])

BROKEN_SEALS = {
    "the content": _tampered("ciphertext", _flipped(CIPHERTEXT, 40)),
    "the tag": _tampered("ciphertext", _flipped(CIPHERTEXT, -6)),
    "no tag": _tampered("ciphertext", CIPHERTEXT[:8]),
    "nothing": _tampered("ciphertext", ""),
    "associated data": _tampered("associated_data", "refund"),
    "no associated data": _tampered("associated_data", ""),
    "the nonce": _tampered("nonce", "fdasflkja485"),
}


@pytest.mark.parametrize("flaw", BROKEN_SEALS)
async def test_a_broken_seal_under_a_valid_signature_is_refused(
    gateway: WeChatPayGateway, flaw: str
) -> None:
    body = BROKEN_SEALS[flaw]
    with pytest.raises(InvalidCallback, match="cannot be decrypted"):
        await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize("flaw", ["the content", "the tag", "associated data", "the nonce"])
def test_the_sdk_refuses_those_broken_seals_too(sdk: WeChatPay, flaw: str) -> None:
    body = BROKEN_SEALS[flaw]
    assert sdk.callback(signed(body), body) is None


async def test_a_seal_of_another_secret_is_refused(gateway: WeChatPayGateway) -> None:
    body = notice("TRANSACTION.SUCCESS", seal(SUBJECT, secret="x" * 32))
    with pytest.raises(InvalidCallback, match="cannot be decrypted"):
        await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize("nonce", ["short", "fdasflkja484-too-long", ""])
async def test_a_nonce_of_another_length_is_refused(gateway: WeChatPayGateway, nonce: str) -> None:
    body = _tampered("nonce", nonce)
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize("rest", ["", "c2lnbmF0dXJl"])
async def test_wechats_own_probes_fail(gateway: WeChatPayGateway, rest: str) -> None:
    headers = signed(PAID) | {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{rest}"}
    with pytest.raises(InvalidCallback, match="probe"):
        await gateway.parse_callback(headers, PAID, NOW)


async def test_a_probe_around_the_true_signature_fails_too(gateway: WeChatPayGateway) -> None:
    headers = signed(PAID)
    headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{headers['Wechatpay-Signature']}"
    with pytest.raises(InvalidCallback, match="probe"):
        await gateway.parse_callback(headers, PAID, NOW)
    status, _, _ = gateway.acknowledge(accepted=False)
    assert status >= 400


@pytest.mark.parametrize(
    "body",
    [
        PAID.replace(b"EV-2026", b"EV-2027"),
        json.dumps(json.loads(PAID)).encode(),
        json.dumps(json.loads(PAID), indent=1).encode(),
        PAID + b"\n",
        PAID[:-1],
        b"",
        b"\xff\xfe",
    ],
    ids=["tampered", "reserialized", "escaped", "longer", "shorter", "empty", "not text"],
)
async def test_any_other_body_is_refused(gateway: WeChatPayGateway, body: bytes) -> None:
    with pytest.raises(InvalidCallback, match="does not match") as refused:
        await gateway.parse_callback(signed(PAID), body, NOW)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "changes",
    [
        {"Wechatpay-Timestamp": str(UNIX + 1)},
        {"Wechatpay-Timestamp": ""},
        {"Wechatpay-Timestamp": "-1"},
        {"Wechatpay-Timestamp": f" {UNIX}"},
        {"Wechatpay-Timestamp": f"{UNIX}.0"},
        {"Wechatpay-Timestamp": "9" * 5000},
        {"Wechatpay-Timestamp": "１７９５２５７０００"},
        {"Wechatpay-Nonce": "other"},
        {"Wechatpay-Nonce": ""},
        {"Wechatpay-Nonce": "c5ac7061fccab6bf\n"},
        {"Wechatpay-Serial": ""},
        {"Wechatpay-Serial": KEY_ID.lower()},
        {"Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7200000000"},
        {"Wechatpay-Signature": ""},
        {"Wechatpay-Signature": "é"},
        {"Wechatpay-Signature": "QUJD"},
        {"Wechatpay-Signature": "A" * 100_000},
        {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
        {"Wechatpay-Signature-Type": "WECHATPAY2-SHA1-RSA2048"},
    ],
)
async def test_a_signature_that_does_not_fit_is_refused(
    gateway: WeChatPayGateway, changes: dict[str, str]
) -> None:
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(signed(PAID) | changes, PAID, NOW)


@pytest.mark.parametrize("strange", ["!", " ", "\n", "==="])
async def test_a_true_signature_with_something_strange_in_it_is_refused(
    gateway: WeChatPayGateway, strange: str
) -> None:
    signature = signed(PAID)["Wechatpay-Signature"]
    headers = signed(PAID) | {"Wechatpay-Signature": signature[:20] + strange + signature[20:]}
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(headers, PAID, NOW)


async def test_the_line_between_nonce_and_body_cannot_be_moved(gateway: WeChatPayGateway) -> None:
    shifted = signed(b"x\n" + PAID, nonce="n") | {"Wechatpay-Nonce": "n\nx"}
    with pytest.raises(InvalidCallback, match="nonce"):
        await gateway.parse_callback(shifted, PAID, NOW)


async def test_a_strangers_signature_is_refused(gateway: WeChatPayGateway, sdk: WeChatPay) -> None:
    headers = signed(PAID, key=STRANGER)
    assert sdk.callback(headers, PAID) is None
    with pytest.raises(InvalidCallback, match="does not match"):
        await gateway.parse_callback(headers, PAID, NOW)


async def test_our_own_key_does_not_make_a_callback(gateway: WeChatPayGateway) -> None:
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(signed(PAID, key=MERCHANT), PAID, NOW)


async def test_nothing_at_all_is_refused(gateway: WeChatPayGateway) -> None:
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback({}, b"", NOW)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", mchid="1900000002")),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", mchid="")),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", appid="wx0000000000000002")),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", appid="")),
        ("REFUND.SUCCESS", refund_news(mchid="1900000002")),
        ("REFUND.SUCCESS", refund_news(appid="wx0000000000000002")),
        ("COMPLAINT.CREATE", {"mchid": "1900000002"}),
        ("COMPLAINT.CREATE", {"appid": "wx0000000000000002"}),
    ],
)
async def test_a_callback_for_another_account_is_refused(
    gateway: WeChatPayGateway, kind: str, subject: dict[str, object]
) -> None:
    body = told(kind, subject)
    with pytest.raises(InvalidCallback, match="another"):
        await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        told("TRANSACTION.SUCCESS", transaction("SUCCESS"), id=""),
        told("TRANSACTION.SUCCESS", transaction("SUCCESS"), id=7),
        told("", transaction("SUCCESS")),
        told("TRANSACTION.SUCCESS", transaction("SUCCESS"), create_time="yesterday"),
        told("TRANSACTION.SUCCESS", transaction("SUCCESS"), create_time="2026-11-21T18:30:00"),
        told("TRANSACTION.SUCCESS", transaction("SUCCESS"), resource_type="plain"),
        notice("TRANSACTION.SUCCESS", transaction("SUCCESS")),
        notice("TRANSACTION.SUCCESS", seal(SUBJECT) | {"algorithm": "AEAD_AES_128_GCM"}),
        notice("TRANSACTION.SUCCESS", seal(SUBJECT) | {"ciphertext": None}),
        told("TRANSACTION.SUCCESS", b""),
        told("TRANSACTION.SUCCESS", b"not json"),
        told("TRANSACTION.SUCCESS", [transaction("SUCCESS")]),
        told("TRANSACTION.SUCCESS", transaction("SUCCESS", out_trade_no={"a": 1})),
    ],
)
async def test_a_validly_signed_body_that_cannot_be_read_is_refused(
    gateway: WeChatPayGateway, body: bytes
) -> None:
    with pytest.raises(InvalidCallback, match="cannot be read"):
        await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize(
    ("kind", "subject", "missing"),
    [
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", out_trade_no=""), "payment"),
        ("REFUND.SUCCESS", refund_news(out_trade_no=""), "payment"),
        ("REFUND.SUCCESS", refund_news(out_refund_no=""), "refund"),
    ],
)
async def test_a_callback_about_nothing_in_particular_is_refused(
    gateway: WeChatPayGateway, kind: str, subject: dict[str, object], missing: str
) -> None:
    body = told(kind, subject)
    with pytest.raises(InvalidCallback, match=f"names no {missing}"):
        await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize("secret", ["", "  "])
async def test_an_empty_secret_turns_the_endpoint_off_and_says_so(
    client: httpx.AsyncClient, secret: str
) -> None:
    gateway = new_gateway(client, apiv3_key=secret)
    with pytest.raises(InvalidCallback, match="callbacks are off"):
        await gateway.parse_callback(signed(PAID), PAID, NOW)


async def test_a_refusal_never_shows_what_the_message_held(gateway: WeChatPayGateway) -> None:
    body = told("TRANSACTION.SUCCESS", transaction("SUCCESS", mchid=7, payer={"openid": "oUpF8"}))
    with pytest.raises(InvalidCallback) as refused:
        await gateway.parse_callback(signed(body), body, NOW)
    said = f"{refused.value} {refused.value.__cause__}"
    for secret in ("oUpF8", APIV3_KEY, PAYMENT_ID, "fdasflkja484"):
        assert secret not in said
    assert APIV3_KEY not in repr(Account.of(MCHID, APPID, APIV3_KEY))


KEY = WeChatKey(KEY_ID, public_key(WECHAT.public))
ACCOUNT = Account.of(MCHID, APPID, APIV3_KEY)


@given(
    body=st.binary(max_size=300),
    nonce=st.text(max_size=50),
    signature=st.one_of(st.text(max_size=100), st.just(WECHAT.sign("something"))),
    timestamp=st.one_of(st.just(str(UNIX)), st.text(max_size=20)),
)
def test_nothing_unsigned_gets_through_or_breaks_anything(
    body: bytes, nonce: str, signature: str, timestamp: str
) -> None:
    headers = {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": KEY_ID,
        "Wechatpay-Signature": signature,
    }
    with pytest.raises(InvalidCallback):
        parse(headers, body, ACCOUNT, KEY, NOW)
