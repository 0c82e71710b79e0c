from __future__ import annotations

import json

import pytest
from alipay.exceptions import (  # type: ignore[import-untyped]  # it has no types
    AliPayException,
    AliPayValidationError,
)
from hypothesis import given
from hypothesis import strategies as st

from gateways import keys
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.payments.alipay_answers import believed, members
from tests.accounts import provider_keys
from tests.gateways.alipay_wire import (
    BUYER,
    QUERY,
    answer,
    enveloped,
    merchant_sdk,
    merchant_signature,
    pem,
    provider_sdk,
    provider_signature,
    refused,
    response_name,
    success,
    trade,
)

NAME = response_name(QUERY)
KEY = keys.public_key(pem(provider_keys().public_half(provider_keys().alipay_provider)))
PAID = answer(QUERY, trade("TRADE_SUCCESS"))
TEXT = json.dumps(trade("TRADE_SUCCESS"))
ERROR = json.dumps(refused("40002", "isv.invalid-app-id"))
TRICKY = success(subject='"}]}, "sign":"x" {', qr_code="https://qr.alipay.com/x", body="{[")


def test_a_signed_answer_is_believed_word_for_word_and_so_says_the_foreign_sdk() -> None:
    text = believed(PAID, QUERY, KEY)
    assert text.encode() in PAID
    assert merchant_sdk()._verify_and_return_sync_response(PAID.decode(), NAME) == json.loads(text)


def test_braces_and_quotes_in_strings_end_nothing() -> None:
    assert json.loads(believed(answer(QUERY, TRICKY), QUERY, KEY)) == TRICKY
    # The foreign SDK's own bug, which is why it is not what we use.
    with pytest.raises(AliPayValidationError):
        merchant_sdk()._verify_and_return_sync_response(answer(QUERY, TRICKY).decode(), NAME)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"sign":"{provider_signature(TEXT)}","{NAME}":{TEXT}}}',
        f'{{"{NAME}":{TEXT},"alipay_cert_sn":"a5b5","sign":"{provider_signature(TEXT)}"}}',
        f' {{ "{NAME}" : {TEXT} ,\n\t"sign" : "{provider_signature(TEXT)}" }} \n',
    ],
    ids=["sign first", "certificate number", "white space"],
)
def test_where_the_signature_stands_does_not_matter(body: str) -> None:
    assert believed(body.encode(), QUERY, KEY) == TEXT


@pytest.mark.parametrize(
    "body",
    [
        answer(QUERY, trade("TRADE_SUCCESS"), merchant_signature(TEXT)),
        enveloped(NAME, TEXT, merchant_signature(TEXT)),
        enveloped(NAME, TEXT, provider_sdk("RSA")._sign(TEXT)),
        enveloped(NAME, TEXT, "AAAA"),
        enveloped(NAME, TEXT, "签名"),
        PAID.replace(b"123.45", b"123.46"),
        PAID.replace(b'"total', b' "total'),
        json.dumps(json.loads(PAID), indent=1).encode(),
        enveloped(NAME, TEXT, ""),
        enveloped(NAME, TEXT, "").replace(b"}}", b'},"sign":""}'),
        enveloped(NAME, TEXT, "").replace(b"}}", b'},"sign":null}'),
        enveloped(NAME, TEXT, "").replace(b"}}", b'},"sign":["x"]}'),
    ],
    ids=[
        "another key and text",
        "another key",
        "SHA-1",
        "garbage",
        "not ASCII",
        "tampered",
        "a space more",
        "written again",
        "unsigned",
        "blank signature",
        "null signature",
        "listed signature",
    ],
)
def test_what_alipay_did_not_sign_is_never_believed(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown, match="not signed"):
        believed(body, QUERY, KEY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"<html>busy</html>",
        b"\xff\xfe",
        PAID[:-1],
        PAID + b"x",
        PAID + PAID,
        PAID[:-1] + b"," + PAID[1:],
        PAID[:-1] + b',"":1,"":2}',
        b'{1:2,"sign":"x"}',
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_object_of_named_members_cannot_be_read(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown, match="cannot be read") as unknown:
        believed(body, QUERY, KEY)
    assert unknown.value.__cause__ is None
    assert BUYER not in str(unknown.value)


@pytest.mark.parametrize(
    "text",
    ["[]", '"x"', "{}", '{"code":10000}', '{"code":"10000","msg":1}', f'{{"code":"{"4" * 17}"}}'],
)
def test_a_signed_member_that_is_no_outcome_cannot_be_read(text: str) -> None:
    with pytest.raises(OutcomeUnknown, match="cannot be read"):
        believed(enveloped(NAME, text), QUERY, KEY)


def test_the_answer_to_another_question_is_not_believed() -> None:
    with pytest.raises(OutcomeUnknown, match="another question"):
        believed(answer("alipay.trade.close", success()), QUERY, KEY)


@pytest.mark.parametrize(
    ("code", "sub_code", "error"),
    [
        ("40004", "ACQ.TRADE_NOT_EXIST", NotFound),
        ("40004", "ACQ.TRADE_STATUS_ERROR", GatewayRejected),
        ("40002", "isv.invalid-signature", GatewayAuthError),
        ("40005", "isv.app-call-limited", RateLimited),
        ("20000", "isp.unknow-error", OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("name", [NAME, "error_response"])
def test_a_signed_refusal_is_what_it_says(
    name: str, code: str, sub_code: str, error: type[Exception]
) -> None:
    text = json.dumps(refused(code, sub_code), ensure_ascii=False)
    with pytest.raises(error, match=sub_code):
        believed(enveloped(name, text), QUERY, KEY)


@pytest.mark.parametrize("name", [NAME, "error_response"])
@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("10000", ""),
        ("20000", "aop.unknow-error"),
        ("40001", "isv.missing-method"),
        ("40004", "ACQ.TRADE_NOT_EXIST"),
        ("40004", "ACQ.TRADE_STATUS_ERROR"),
        ("40005", "isv.app-call-limited"),
    ],
)
def test_an_unsigned_answer_decides_nothing_about_money(
    name: str, code: str, sub_code: str
) -> None:
    text = json.dumps(refused(code, sub_code))
    with pytest.raises(OutcomeUnknown, match=f"not signed .{code} {sub_code}"):
        believed(enveloped(name, text, ""), QUERY, KEY)


def test_an_unsigned_refusal_of_our_credentials_stops_us_as_alipay_cannot_sign_it() -> None:
    body = enveloped("error_response", ERROR, "")
    with pytest.raises(GatewayAuthError, match="invalid-app-id"):
        believed(body, QUERY, KEY)
    with pytest.raises(AliPayException):
        merchant_sdk()._verify_and_return_sync_response(body.decode(), NAME)


def test_a_badly_signed_refusal_of_our_credentials_is_not_believed() -> None:
    with pytest.raises(OutcomeUnknown):
        believed(enveloped("error_response", ERROR, merchant_signature(ERROR)), QUERY, KEY)


def test_a_success_in_the_place_of_an_error_is_not_believed() -> None:
    with pytest.raises(OutcomeUnknown, match="both"):
        believed(enveloped("error_response", TEXT), QUERY, KEY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(document=st.dictionaries(st.text(), JSON, min_size=1, max_size=4), ascii_=st.booleans())
def test_every_member_of_any_object_is_found_as_it_stands(
    document: dict[str, object],
    ascii_: bool,  # noqa: FBT001
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_)
    found = members(text)
    assert {name: json.loads(part) for name, part in found.items()} == document
    assert all(part in text for part in found.values())


@given(body=st.binary(max_size=200) | st.text(alphabet='{}[]:",\\ sign1', max_size=40))
def test_nothing_unsigned_gets_through_or_breaks_anything(body: bytes | str) -> None:
    with pytest.raises(OutcomeUnknown):
        believed(body if isinstance(body, bytes) else body.encode(), QUERY, KEY)
