from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

import pytest
from alipay.exceptions import AliPayException  # type: ignore[import-untyped]  # it has no types
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways import keys
from gateways.errors import InvalidCallback
from gateways.http import build_client
from gateways.payments import alipay_notifications
from gateways.payments.alipay import AlipayGateway
from tests.accounts import provider_keys
from tests.gateways import alipay_wire as wire
from tests.gateways.alipay_wire import (
    BUYER,
    NOW,
    merchant_sdk,
    merchant_signature,
    notification,
    notified_refund,
    provider_sdk,
    signed_form,
)

PAID = signed_form(notification())


KEY = keys.public_key(wire.pem(provider_keys().public_half(provider_keys().alipay_provider)))


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[AlipayGateway]:
    async with build_client() as client:
        yield wire.gateway(client, "http://127.0.0.1:9")


def without(body: bytes, *names: str) -> bytes:
    """The same form without some of its fields."""
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    return urlencode([pair for pair in pairs if pair[0] not in names]).encode()


def replaced(form: bytes, /, **changes: str) -> bytes:
    """The same form with other values, signed as before."""
    fields = dict(parse_qsl(form.decode(), keep_blank_values=True))
    return urlencode(fields | changes).encode()


def sdk_accepts(body: bytes) -> bool:
    """The foreign SDK's verdict."""
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    signature = fields.pop("sign", "")
    try:
        return bool(merchant_sdk().verify(fields, signature))
    except (AliPayException, ValueError):
        return False


def test_what_alipay_signed_is_accepted_and_so_says_the_foreign_sdk() -> None:
    for fields in (
        notification(),
        notified_refund(),
        notification(app_id=""),
        notification(body="a b"),
    ):
        body = signed_form(fields)
        assert sdk_accepts(body)
        assert alipay_notifications.verified(body, KEY) == fields


async def test_blank_values_are_signed_and_dropping_one_breaks_the_signature(
    gateway: AlipayGateway,
) -> None:
    assert b"&body=&" in PAID
    dropped = without(PAID, "body")
    assert urlencode({k: v[0] for k, v in parse_qs(PAID.decode()).items()}).encode() == dropped
    assert not sdk_accepts(dropped)
    with pytest.raises(InvalidCallback, match="does not match"):
        await gateway.parse_callback({}, dropped, NOW)


async def test_the_order_and_the_escaping_of_the_fields_do_not_matter(
    gateway: AlipayGateway,
) -> None:
    pairs = parse_qsl(PAID.decode(), keep_blank_values=True)
    escaped = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in reversed(pairs))
    assert (await gateway.parse_callback({}, escaped.encode(), NOW)).payment_id == "P00001"


async def test_the_weak_old_signature_is_refused_whatever_it_calls_itself(
    gateway: AlipayGateway,
) -> None:
    weak = signed_form(notification(), sign_type="RSA")
    assert merchant_sdk("RSA").verify(
        dict(parse_qsl(without(weak, "sign").decode(), keep_blank_values=True)),
        dict(parse_qsl(weak.decode()))["sign"],
    )
    assert not sdk_accepts(weak)
    with pytest.raises(InvalidCallback, match="RSA2"):
        await gateway.parse_callback({}, weak, NOW)
    with pytest.raises(InvalidCallback, match="does not match"):
        await gateway.parse_callback({}, replaced(weak, sign_type="RSA2"), NOW)


@pytest.mark.parametrize("sign_type", ["RSA", "rsa2", "RSA2 ", "MD5", "none", ""])
async def test_no_other_sign_type_is_taken(gateway: AlipayGateway, sign_type: str) -> None:
    with pytest.raises(InvalidCallback, match="RSA2"):
        await gateway.parse_callback({}, replaced(PAID, sign_type=sign_type), NOW)


@pytest.mark.parametrize("body", [b"", without(PAID, "sign_type"), b"sign=x"])
async def test_a_message_without_sign_type_is_refused(gateway: AlipayGateway, body: bytes) -> None:
    with pytest.raises(InvalidCallback, match="RSA2"):
        await gateway.parse_callback({}, body, NOW)


TAMPERED = {
    "another amount": replaced(PAID, total_amount="0.01"),
    "another status": replaced(PAID, trade_status="TRADE_FINISHED"),
    "another payment": replaced(PAID, out_trade_no="P00002"),
    "a space more": replaced(PAID, body=" "),
    "a field less": without(PAID, "total_amount"),
    "a field more": PAID + b"&refund_fee=1.00",
    "a blank field more": PAID + b"&refund_fee=",
    "another key": replaced(PAID, sign=merchant_signature("x")),
    "no signature": without(PAID, "sign"),
    "a blank signature": replaced(PAID, sign=""),
    "garbage": replaced(PAID, sign="签名!"),
}


@pytest.mark.parametrize("body", TAMPERED.values(), ids=TAMPERED.keys())
async def test_any_other_form_is_refused_and_so_says_the_foreign_sdk(
    gateway: AlipayGateway, body: bytes
) -> None:
    assert not sdk_accepts(body)
    with pytest.raises(InvalidCallback, match="does not match") as refused:
        await gateway.parse_callback({}, body, NOW)
    assert BUYER not in str(refused.value)


async def test_a_message_signed_with_our_own_key_is_refused(gateway: AlipayGateway) -> None:
    fields = notification()
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    body = urlencode({**fields, "sign": merchant_signature(text), "sign_type": "RSA2"}).encode()
    assert not sdk_accepts(body)
    with pytest.raises(InvalidCallback, match="does not match"):
        await gateway.parse_callback({}, body, NOW)


@pytest.mark.parametrize("name", ["out_trade_no", "total_amount", "sign", "sign_type", "body"])
@pytest.mark.parametrize("first", [True, False])
async def test_a_field_that_is_there_twice_is_refused_though_one_of_them_is_signed(
    gateway: AlipayGateway,
    name: str,
    first: bool,  # noqa: FBT001
) -> None:
    forged = f"{name}=P00002".encode()
    body = forged + b"&" + PAID if first else PAID + b"&" + forged
    with pytest.raises(InvalidCallback, match="twice"):
        await gateway.parse_callback({}, body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"null",
        b"&" + PAID,
        PAID + b"&",
        PAID + b"&novalue",
        PAID + b"&x=%ff%fe",
        PAID.replace(b"%7B", "｛".encode()),
        b"\xff\xfe",
        b"&".join(b"f%d=" % number for number in range(201)),
    ],
)
async def test_what_is_no_form_is_refused(gateway: AlipayGateway, body: bytes) -> None:
    with pytest.raises(InvalidCallback, match="no form") as refused:
        await gateway.parse_callback({}, body, NOW)
    assert refused.value.__cause__ is None


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=6),
    value=st.text(max_size=20),
)
def test_any_form_that_the_foreign_sdk_signs_is_verified_with_all_its_fields(
    names: list[str], value: str
) -> None:
    fields = {name: value for name in names if name not in {"sign", "sign_type"}}
    assert alipay_notifications.verified(signed_form(fields), KEY) == fields


@given(body=st.binary(max_size=200) | st.text(alphabet="sign_type=RSA2&%", max_size=60))
def test_nothing_unsigned_gets_through_or_breaks_anything(body: bytes | str) -> None:
    with pytest.raises(InvalidCallback):
        alipay_notifications.verified(body if isinstance(body, bytes) else body.encode(), KEY)


def test_the_wire_format_of_these_tests_is_the_foreign_sdks() -> None:
    fields = notification()
    fields.pop("body")
    text = provider_sdk().sign_data(dict(fields))
    assert dict(parse_qsl(text))["sign"] == dict(parse_qsl(signed_form(fields).decode()))["sign"]
