from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payment import CallbackTopic
from gateways.errors import InvalidCallback
from gateways.keys import InvalidKey
from gateways.payments.paypal import PayPalGateway
from gateways.payments.paypal_certificates import CertificateUrls
from gateways.payments.paypal_webhooks import read_transmission
from tests.gateways.paypal_wire import (
    CERTIFICATE,
    NOW,
    Signer,
    authority,
    capture,
    crc32,
    event,
    gateway,
    paypal,
)
from tests.gateways.peer import Peer

PAID = event("PAYMENT.CAPTURE.COMPLETED", "capture", capture())


@pytest.fixture
def adapter(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    peer.says(CERTIFICATE, paypal().chain_pem)
    return gateway(client, peer)


def _body_with_checksum(*, high: bool) -> bytes:
    bodies = (
        event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), id=f"WH-{n}") for n in range(99)
    )
    return next(body for body in bodies if (crc32(body) >= 2**31) == high)


async def test_a_signed_event_says_what_it_is_about(adapter: PayPalGateway, peer: Peer) -> None:
    news = await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)
    assert news.gateway == "paypal"
    assert news.dedupe_key == "WH-58D329510W468432D-8HN650336L201105X"
    assert (news.kind, news.topic) == ("PAYMENT.CAPTURE.COMPLETED", CallbackTopic.PAYMENT)
    assert (news.payment_id, news.provider_ref, news.capture_ref) == ("P01", "ORDER1", "CAPTURE1")
    assert news.occurred_at == datetime(2026, 11, 21, 10, 29, 58, 940000, tzinfo=UTC)


@pytest.mark.parametrize("high", [True, False])
async def test_the_checksum_is_unsigned_on_either_side_of_two_billion(
    adapter: PayPalGateway, peer: Peer, *, high: bool
) -> None:
    body = _body_with_checksum(high=high)
    await adapter.parse_callback(paypal().headers(peer, body), body, NOW)


def test_the_tests_own_checksum_is_the_usual_one() -> None:
    assert crc32(b"123456789") == 0xCBF43926
    assert crc32(PAID) == zlib.crc32(PAID)


async def test_headers_are_read_in_any_case_of_letters(adapter: PayPalGateway, peer: Peer) -> None:
    headers = {name.lower(): value for name, value in paypal().headers(peer, PAID).items()}
    await adapter.parse_callback(headers, PAID, NOW)


async def test_an_old_transmission_is_welcome(adapter: PayPalGateway, peer: Peer) -> None:
    later = NOW + timedelta(days=3)
    await adapter.parse_callback(paypal().headers(peer, PAID), PAID, later)


@pytest.mark.parametrize(
    "body",
    [
        PAID.replace(b"123.45", b"123.46"),
        json.dumps(json.loads(PAID)).encode(),
        json.dumps(json.loads(PAID), indent=1).encode(),
        PAID + b" ",
        PAID[:-1],
        b"",
        b"\xff\xfe",
    ],
    ids=["tampered", "reserialized", "escaped", "longer", "shorter", "empty", "not text"],
)
async def test_any_other_body_is_refused(adapter: PayPalGateway, peer: Peer, body: bytes) -> None:
    with pytest.raises(InvalidCallback, match="does not match") as refused:
        await adapter.parse_callback(paypal().headers(peer, PAID), body, NOW)
    assert "123" not in str(refused.value)


async def test_an_event_for_another_webhook_is_refused(adapter: PayPalGateway, peer: Peer) -> None:
    headers = paypal().headers(peer, PAID, webhook_id="WH-OTHER")
    with pytest.raises(InvalidCallback, match="does not match"):
        await adapter.parse_callback(headers, PAID, NOW)


async def test_a_signature_of_another_key_is_refused(adapter: PayPalGateway, peer: Peer) -> None:
    stranger = Signer(authority("Evil").middle_key, b"")
    with pytest.raises(InvalidCallback, match="does not match"):
        await adapter.parse_callback(stranger.headers(peer, PAID), PAID, NOW)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("PAYPAL-TRANSMISSION-ID", "103e3700-8b0c-11e6-8695-6b62a8a99ac5"),
        ("PAYPAL-TRANSMISSION-TIME", "2026-11-21T10:30:00Z"),
    ],
)
async def test_what_the_headers_say_is_signed_too(
    adapter: PayPalGateway, peer: Peer, header: str, value: str
) -> None:
    headers = paypal().headers(peer, PAID) | {header: value}
    with pytest.raises(InvalidCallback, match="does not match"):
        await adapter.parse_callback(headers, PAID, NOW)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
        ("PAYPAL-AUTH-ALGO", "sha256withrsa"),
        ("PAYPAL-AUTH-ALGO", ""),
        ("PAYPAL-TRANSMISSION-ID", ""),
        ("PAYPAL-TRANSMISSION-ID", "a|b"),
        ("PAYPAL-TRANSMISSION-ID", "a b"),
        ("PAYPAL-TRANSMISSION-ID", "a" * 65),
        ("PAYPAL-TRANSMISSION-TIME", ""),
        ("PAYPAL-TRANSMISSION-TIME", "1700000000"),
        ("PAYPAL-TRANSMISSION-TIME", "2026-11-21T10:29:59Z|x"),
        ("PAYPAL-TRANSMISSION-SIG", ""),
        ("PAYPAL-TRANSMISSION-SIG", "QUJD"),
        ("PAYPAL-TRANSMISSION-SIG", "é" * 344),
        ("PAYPAL-TRANSMISSION-SIG", "A" * 2000),
        ("PAYPAL-CERT-URL", ""),
        ("PAYPAL-CERT-URL", "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1"),
        ("PAYPAL-CERT-URL", "file:///etc/passwd"),
    ],
)
async def test_nobody_outside_is_asked_about_malformed_headers(
    adapter: PayPalGateway, peer: Peer, header: str, value: str
) -> None:
    headers = paypal().headers(peer, PAID)
    for changed in (headers | {header: value}, {k: v for k, v in headers.items() if k != header}):
        with pytest.raises(InvalidCallback):
            await adapter.parse_callback(changed, PAID, NOW)
    assert not peer.seen


async def test_a_signature_with_wrong_padding_is_refused_without_asking(
    adapter: PayPalGateway, peer: Peer
) -> None:
    headers = paypal().headers(peer, PAID) | {"PAYPAL-TRANSMISSION-SIG": "A" * 341}
    with pytest.raises(InvalidCallback, match="malformed"):
        await adapter.parse_callback(headers, PAID, NOW)
    assert not peer.seen


@pytest.mark.parametrize("webhook_id", ["", "  "])
@pytest.mark.parametrize("verification", ["offline", "postback"])
async def test_an_empty_webhook_id_turns_the_endpoint_off_and_says_so(
    client: httpx.AsyncClient, peer: Peer, webhook_id: str, verification: str
) -> None:
    adapter = gateway(client, peer, webhook_id=webhook_id, verification=verification)
    headers = paypal().headers(peer, PAID, webhook_id=webhook_id)
    with pytest.raises(InvalidCallback, match="callbacks are off"):
        await adapter.parse_callback(headers, PAID, NOW)
    assert not peer.seen


@pytest.mark.parametrize("roots", ["no such file", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_unreadable_roots_are_found_out_at_once(
    client: httpx.AsyncClient, peer: Peer, roots: str
) -> None:
    with pytest.raises(InvalidKey):
        gateway(client, peer, trust_roots=roots)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        event("PAYMENT.CAPTURE.COMPLETED", "capture", None),
        event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), id=""),
        event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), id=None),
        event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), id="WH 1"),
        event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), id="W" * 129),
        event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(id={"a": 1})),
        event("", "capture", capture()),
    ],
)
async def test_a_validly_signed_body_that_cannot_be_read_is_refused(
    adapter: PayPalGateway, peer: Peer, body: bytes
) -> None:
    with pytest.raises(InvalidCallback, match="cannot be read"):
        await adapter.parse_callback(paypal().headers(peer, body), body, NOW)


@pytest.mark.parametrize(("accepted", "status"), [(True, 200), (False, 400)])
def test_only_an_accepted_event_is_acknowledged(
    adapter: PayPalGateway,
    accepted: bool,  # noqa: FBT001
    status: int,
) -> None:
    assert adapter.acknowledge(accepted=accepted) == (status, "application/json", b"{}")


@given(
    values=st.lists(st.text(max_size=60), min_size=5, max_size=5),
    url=st.one_of(st.text(max_size=60), st.from_regex(r"https://api\.paypal\.com[^/].{0,20}")),
)
def test_headers_of_any_text_break_nothing(values: list[str], url: str) -> None:
    names = ("ID", "TIME", "SIG")
    headers = {f"PAYPAL-TRANSMISSION-{n}": v for n, v in zip(names, values, strict=False)}
    headers |= {"PAYPAL-AUTH-ALGO": "SHA256withRSA", "PAYPAL-CERT-URL": url}
    with pytest.raises(InvalidCallback):
        read_transmission(headers, CertificateUrls(["api.paypal.com"]))
