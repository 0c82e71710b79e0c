from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways import keys
from gateways.payments.alipay_signing import sign, signed_query, signed_text, verify
from tests.accounts import provider_keys
from tests.gateways.alipay_wire import merchant_sdk, pem, provider_sdk, provider_signature

COMMON = {
    "app_id": "2021000000000001",
    "charset": "utf-8",
    "method": "alipay.trade.query",
    "sign_type": "RSA2",
    "timestamp": "2026-11-21 18:30:00",
    "version": "1.0",
}
BIZ_CONTENT = '{"out_trade_no":"P00001","subject":"订单 a+b=100%&/{}"}'
OUR_KEY = keys.private_key(pem(provider_keys().alipay_merchant))
ALIPAYS_KEY = keys.public_key(pem(provider_keys().public_half(provider_keys().alipay_provider)))


def test_a_request_is_signed_as_the_foreign_sdk_signs_it() -> None:
    theirs = merchant_sdk().sign_data({**COMMON, "biz_content": BIZ_CONTENT})
    ours = signed_query(COMMON, BIZ_CONTENT, OUR_KEY)["sign"]
    text = signed_text({**COMMON, "biz_content": BIZ_CONTENT})
    assert ours == merchant_sdk()._sign(text)
    assert theirs.startswith("app_id=2021000000000001&biz_content=")
    assert provider_sdk()._verify(text, ours)


def test_the_sign_type_is_signed_and_values_are_not_url_encoded() -> None:
    text = signed_text({"sign_type": "RSA2", "notify_url": "https://a/b?c=d", "app_id": "1"})
    assert text == "app_id=1&notify_url=https://a/b?c=d&sign_type=RSA2"


def test_blank_parameters_are_neither_signed_nor_sent() -> None:
    with_blank = signed_query({**COMMON, "notify_url": ""}, BIZ_CONTENT, OUR_KEY)
    assert with_blank == signed_query(COMMON, BIZ_CONTENT, OUR_KEY)
    assert "notify_url" not in with_blank


def test_names_are_sorted_as_ascii() -> None:
    assert signed_text({"a_b": "1", "aB": "2", "a": "3", "Z": "4"}) == "Z=4&a=3&aB=2&a_b=1"


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=60))
def test_whatever_is_signed_is_accepted_by_the_foreign_sdk(text: str) -> None:
    assert provider_sdk()._verify(text, sign(text, OUR_KEY))


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=60))
def test_whatever_the_foreign_sdk_signs_is_accepted(text: str) -> None:
    assert verify(text, provider_sdk()._sign(text), ALIPAYS_KEY)


@pytest.mark.parametrize(
    "signature",
    [
        merchant_sdk()._sign("text"),
        provider_sdk("RSA")._sign("text"),
        provider_signature("other text"),
        provider_signature("text").rstrip("="),
        provider_signature("text")[4:],
        provider_signature("text") + "AAAA",
        "!" + provider_signature("text"),
        "签名",
        "AAAA",
        b64encode(bytes(256)).decode(),
        "",
    ],
    ids=[
        "another key",
        "SHA-1",
        "another text",
        "no padding",
        "cut",
        "longer",
        "not base64",
        "not ASCII",
        "short",
        "zeros",
        "empty",
    ],
)
def test_any_other_signature_is_refused(signature: str) -> None:
    assert verify("text", provider_signature("text"), ALIPAYS_KEY)
    assert not verify("text", signature, ALIPAYS_KEY)
