from __future__ import annotations

import httpx
import pytest

from gateways.errors import GatewayAuthError, InvalidCallback, OutcomeUnknown, RateLimited
from gateways.payments.paypal import PayPalGateway
from tests.gateways.paypal_wire import (
    CERTIFICATE,
    NOW,
    VERIFY,
    WEBHOOK_ID,
    capture,
    event,
    gateway,
    paypal,
    problem,
)
from tests.gateways.peer import Peer

PAID = event("PAYMENT.CAPTURE.COMPLETED", "capture", capture())


@pytest.fixture
def adapter(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    # Nothing is verified here, so no roots are needed.
    return gateway(client, peer, verification="postback", trust_roots="")


async def test_paypal_is_asked_with_the_body_exactly_as_it_came(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(VERIFY, {"verification_status": "SUCCESS"})
    headers = paypal().headers(peer, PAID)
    news = await adapter.parse_callback(headers, PAID, NOW)
    assert news.capture_ref == "CAPTURE1"
    request = peer.only(VERIFY)
    assert PAID in request.body
    question = request.json
    assert isinstance(question.pop("webhook_event"), dict)
    assert question == {
        "auth_algo": "SHA256withRSA",
        "cert_url": headers["PAYPAL-CERT-URL"],
        "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": WEBHOOK_ID,
    }
    assert request.headers["authorization"] == "Bearer token-1"
    assert not peer.requests(CERTIFICATE)


async def test_what_paypal_does_not_know_is_refused(adapter: PayPalGateway, peer: Peer) -> None:
    peer.says(VERIFY, {"verification_status": "FAILURE"})
    with pytest.raises(InvalidCallback, match="did not send"):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_what_paypal_does_not_even_look_at_is_refused(
    adapter: PayPalGateway, peer: Peer, status: int
) -> None:
    name = "RESOURCE_NOT_FOUND" if status == 404 else "VALIDATION_ERROR"
    peer.says(VERIFY, problem("", name), status=status)
    with pytest.raises(InvalidCallback):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


@pytest.mark.parametrize(
    "body",
    [
        PAID + b', "webhook_id": "WH-EVIL"',
        PAID + b"}, {",
        PAID + PAID,
        b'{}, "webhook_id": "WH-EVIL", "x": {}',
        b"[" + PAID + b"]",
        b"null",
        b"",
        b"\xff",
        PAID.decode().encode("utf-16"),
        b"[" * 100_000,
    ],
)
async def test_a_body_cannot_add_anything_to_our_question(
    adapter: PayPalGateway, peer: Peer, body: bytes
) -> None:
    peer.says(VERIFY, {"verification_status": "SUCCESS"})
    with pytest.raises(InvalidCallback):
        await adapter.parse_callback(paypal().headers(peer, body), body, NOW)
    assert not peer.seen


async def test_nobody_outside_is_asked_about_malformed_headers(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(VERIFY, {"verification_status": "SUCCESS"})
    headers = paypal().headers(peer, PAID)
    for changed in ({}, headers | {"PAYPAL-CERT-URL": "https://evil.example/cert"}):
        with pytest.raises(InvalidCallback):
            await adapter.parse_callback(changed, PAID, NOW)
    assert not peer.seen


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {"verification_status": "PERHAPS"}, OutcomeUnknown),
        (200, {}, OutcomeUnknown),
        (200, b"<html>", OutcomeUnknown),
        (500, {}, OutcomeUnknown),
        (429, {}, RateLimited),
        (401, {}, GatewayAuthError),
    ],
)
async def test_without_paypals_verdict_nothing_is_refused_for_good(
    adapter: PayPalGateway, peer: Peer, status: int, body: object, error: type[Exception]
) -> None:
    peer.says(VERIFY, body, status=status)
    with pytest.raises(error):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


async def test_nor_when_paypal_cannot_be_reached(
    client: httpx.AsyncClient, peer: Peer, deaf_url: str
) -> None:
    adapter = gateway(client, peer, verification="postback", base_url=deaf_url)
    with pytest.raises(ConnectionError):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)
