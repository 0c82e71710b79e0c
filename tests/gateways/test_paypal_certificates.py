from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateways.errors import InvalidCallback, OutcomeUnknown
from gateways.payments.paypal import PayPalGateway
from gateways.payments.paypal_certificates import (
    LARGEST,
    MOST_FETCHES,
    REFUSED_FOR,
    REMEMBERED,
    CertificateUrls,
    trusted_roots,
)
from tests.gateways.paypal_wire import (
    CERTIFICATE,
    NOW,
    Signer,
    authority,
    capture,
    event,
    gateway,
    paypal,
)
from tests.gateways.peer import Peer

PAID = event("PAYMENT.CAPTURE.COMPLETED", "capture", capture())
LIVE = ["api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com", "api-m.sandbox.paypal.com"]


@pytest.fixture
def adapter(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    return gateway(client, peer)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77",
        "https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
        "https://API.paypal.com/v1/notifications/certs/CERT-1",
    ],
)
def test_paypals_own_places_are_allowed(url: str) -> None:
    assert CertificateUrls(LIVE).allow(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "http://api.paypal.com:443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:80/cert",
        "https://paypal.com/cert",
        "https://www.paypal.com/cert",
        "https://evil.example/api.paypal.com",
        "https://api.paypal.com.evil.example/cert",
        "https://evilapi.paypal.com/cert",
        "https://x.api.paypal.com/cert",
        "https://api.paypal.com./cert",
        "https://api.paypal.com@evil.example/cert",
        "https://user@api.paypal.com/cert",
        "https://user:password@api.paypal.com/cert",
        "https://api.paypal.com\\@evil.example/cert",
        "https://api.paypal.com\\.evil.example/cert",
        "https://evil.example#@api.paypal.com/cert",
        "https://evil.example?@api.paypal.com/cert",
        "https:/api.paypal.com/cert",
        "https:api.paypal.com/cert",
        "https:///cert",
        "https://",
        "//api.paypal.com/cert",
        "api.paypal.com/cert",
        "ftp://api.paypal.com/cert",
        "file:///cert",
        " https://api.paypal.com/cert",
        "https://api.paypal.com/a cert",
        "https://api.paypal.com/\ncert",
        "https://api.paypal.com/cert\n",
        "https://api.paypal.com:x/cert",
        "https://api.paypal.com:99999999/cert",
        "https://[api.paypal.com/cert",
        "https://аpi.paypal.com/cert",
        "https://api。paypal.com/cert",
        "https://127.0.0.1/cert",
        "https://api.paypal.com/" + "a" * 2100,
        "https://api.paypal.com/v1/anything",
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs/CERT-1/",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
        "https://api.paypal.com/v1/notifications/certs/../../oauth2/token",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e",
        "https://api.paypal.com//v1/notifications/certs/CERT-1",
        "https://api.paypal.com/x/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/" + "a" * 101,
        "",
    ],
)
def test_no_other_place_is_allowed(url: str) -> None:
    assert not CertificateUrls(LIVE).allow(url)
    assert not CertificateUrls([]).allow(url)


def test_a_whole_origin_is_allowed_as_it_is_written_and_nothing_beside_it() -> None:
    urls = CertificateUrls(["http://127.0.0.1:8004", "", " "])
    assert urls.allow("http://127.0.0.1:8004/paypal/v1/notifications/certs/CERT-1")
    for other in ("http://127.0.0.1:8005/c", "https://127.0.0.1:8004/c", "http://127.0.0.1/c"):
        assert not urls.allow(other)
    assert not urls.allow("http://127.0.0.1:8004@evil.example/c")
    assert not urls.allow("http:///c")


def test_without_roots_of_our_own_the_public_ones_are_trusted_and_ours_is_not_among_them() -> None:
    names = [root.subject.rfc4514_string() for root in trusted_roots("")]
    assert len(names) > 50
    assert any(name.startswith("CN=DigiCert Global Root G2") for name in names)
    assert "CN=Trusted root" not in names


def test_roots_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "root.pem"
    file.write_text(authority().root_pem)
    assert trusted_roots(str(file)) == [authority().root]


async def test_paypal_is_asked_for_its_certificate_once_a_day(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(CERTIFICATE, paypal().chain_pem)
    headers = paypal().headers(peer, PAID)
    for moment, fetched in ((timedelta(), 1), (timedelta(hours=23), 1), (timedelta(hours=25), 2)):
        await adapter.parse_callback(headers, PAID, NOW + moment)
        assert len(peer.requests(CERTIFICATE)) == fetched
    assert "authorization" not in peer.requests(CERTIFICATE)[0].headers


async def test_a_remembered_certificate_is_not_used_beyond_its_own_time(
    adapter: PayPalGateway, peer: Peer
) -> None:
    signer = authority().signer(expires=NOW + timedelta(hours=1))
    peer.says(CERTIFICATE, signer.chain_pem)
    headers = signer.headers(peer, PAID)
    await adapter.parse_callback(headers, PAID, NOW)
    with pytest.raises(InvalidCallback, match="not proven"):
        await adapter.parse_callback(headers, PAID, NOW + timedelta(hours=2))


async def test_a_certificate_that_replaced_an_expired_one_is_fetched(
    adapter: PayPalGateway, peer: Peer
) -> None:
    old = authority().signer(expires=NOW + timedelta(hours=1))
    peer.says(CERTIFICATE, old.chain_pem)
    peer.says(CERTIFICATE, paypal().chain_pem)
    await adapter.parse_callback(old.headers(peer, PAID), PAID, NOW)
    later, headers = NOW + timedelta(hours=2), paypal().headers(peer, PAID)
    with pytest.raises(InvalidCallback):
        await adapter.parse_callback(headers, PAID, later)
    await adapter.parse_callback(headers, PAID, later)


async def test_only_a_few_certificates_are_remembered(adapter: PayPalGateway, peer: Peer) -> None:
    names = [f"CERT-{number}" for number in range(REMEMBERED + 1)]
    for name in [*names, names[0], names[-1]]:
        call = f"GET /v1/notifications/certs/{name}"
        peer.says(call, paypal().chain_pem)
        url = f"{peer.url}/v1/notifications/certs/{name}"
        await adapter.parse_callback(paypal().headers(peer, PAID, cert_url=url), PAID, NOW)
    fetched = [len(peer.requests(f"GET /v1/notifications/certs/{name}")) for name in names]
    assert fetched == [2] + [1] * REMEMBERED


async def test_what_is_not_proven_pushes_no_certificate_out(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(CERTIFICATE, paypal().chain_pem)
    await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)
    for number in range(REMEMBERED + 1):
        path = f"/v1/notifications/certs/EVIL-{number}"
        peer.says(f"GET {path}", authority("Evil").signer().chain_pem if number == 0 else b"junk")
        headers = paypal().headers(peer, PAID, cert_url=peer.url + path)
        with pytest.raises(InvalidCallback):
            await adapter.parse_callback(headers, PAID, NOW)
    await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)
    assert peer.only(CERTIFICATE)


async def test_what_is_no_certificate_is_not_fetched_again_for_a_while(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(CERTIFICATE, b"", status=404)
    peer.says(CERTIFICATE, paypal().chain_pem)
    headers = paypal().headers(peer, PAID)
    for _ in range(50):
        with pytest.raises(InvalidCallback):
            await adapter.parse_callback(headers, PAID, NOW)
    assert len(peer.requests(CERTIFICATE)) == 1

    await adapter.parse_callback(headers, PAID, NOW + REFUSED_FOR)


async def forge(adapter: PayPalGateway, peer: Peer, number: int, now: datetime) -> None:
    """A forged webhook, each with a certificate of its own."""
    url = f"{peer.url}/v1/notifications/certs/CERT-{number}"
    peer.says(f"GET /v1/notifications/certs/CERT-{number}", b"junk")
    with pytest.raises((InvalidCallback, OutcomeUnknown)):
        await adapter.parse_callback(paypal().headers(peer, PAID, cert_url=url), PAID, now)


async def test_forged_webhooks_cause_few_fetches_a_minute(
    adapter: PayPalGateway, peer: Peer
) -> None:
    for number in range(50):
        await forge(adapter, peer, number + 2, NOW + number * timedelta(milliseconds=10))
    assert len(peer.seen) == MOST_FETCHES

    peer.says(CERTIFICATE, paypal().chain_pem)
    headers = paypal().headers(peer, PAID)
    with pytest.raises(OutcomeUnknown, match="too many"):
        await adapter.parse_callback(headers, PAID, NOW + timedelta(seconds=30))
    await adapter.parse_callback(headers, PAID, NOW + timedelta(minutes=1))


async def test_a_known_certificate_serves_on_while_others_are_forged(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(CERTIFICATE, paypal().chain_pem)
    headers = paypal().headers(peer, PAID)
    await adapter.parse_callback(headers, PAID, NOW)
    tomorrow = NOW + timedelta(hours=25)
    for number in range(MOST_FETCHES):
        await forge(adapter, peer, number + 2, tomorrow)
    await adapter.parse_callback(headers, PAID, tomorrow)
    assert peer.only(CERTIFICATE)

    await adapter.parse_callback(headers, PAID, tomorrow + timedelta(minutes=1))
    assert len(peer.requests(CERTIFICATE)) == 2


@pytest.mark.parametrize(
    "issue",
    [
        lambda: authority("Evil").signer(),
        # The evil issuer bears the same names as ours.
        lambda: authority.__wrapped__("Trusted").signer(),
        lambda: authority().signer("evil.example"),
        lambda: authority().signer("messageverificationcerts.paypal.com.evil.example"),
        lambda: authority().signer("*.paypal.com.evil.example"),
        lambda: authority().signer(expires=NOW - timedelta(seconds=1)),
        lambda: authority().signer(intermediates=False),
    ],
    ids=["evil", "namesake", "wrong name", "longer name", "wildcard", "expired", "no issuer"],
)
async def test_a_certificate_that_is_not_paypals_proves_nothing(
    adapter: PayPalGateway, peer: Peer, issue: Callable[[], Signer]
) -> None:
    signer = issue()
    peer.says(CERTIFICATE, signer.chain_pem)
    with pytest.raises(InvalidCallback, match="not proven"):
        await adapter.parse_callback(signer.headers(peer, PAID), PAID, NOW)


async def test_a_certificate_is_not_valid_before_its_time(
    adapter: PayPalGateway, peer: Peer
) -> None:
    peer.says(CERTIFICATE, paypal().chain_pem)
    with pytest.raises(InvalidCallback, match="not proven"):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW - timedelta(days=366))


async def test_a_true_chain_behind_an_evil_leaf_proves_nothing(
    adapter: PayPalGateway, peer: Peer
) -> None:
    evil = authority("Evil").signer()
    peer.says(CERTIFICATE, evil.chain_pem + paypal().chain_pem)
    with pytest.raises(InvalidCallback, match="not proven"):
        await adapter.parse_callback(evil.headers(peer, PAID), PAID, NOW)


async def test_our_throwaway_root_is_not_trusted_unless_we_say_so(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(CERTIFICATE, paypal().chain_pem)
    adapter = gateway(client, peer, trust_roots="")
    with pytest.raises(InvalidCallback, match="not proven"):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"\xff" * 100,
        paypal().chain_pem[:300],
        paypal().chain_pem * 6,
        paypal().chain_pem + b" " * LARGEST,
    ],
    ids=["empty", "a page", "bytes", "cut off", "endless chain", "oversize"],
)
async def test_what_is_no_certificate_proves_nothing(
    adapter: PayPalGateway, peer: Peer, content: bytes
) -> None:
    peer.says(CERTIFICATE, content)
    with pytest.raises(InvalidCallback):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


async def test_the_largest_allowed_certificate_is_read(adapter: PayPalGateway, peer: Peer) -> None:
    chain = paypal().chain_pem
    peer.says(CERTIFICATE, chain + b"\n" * (LARGEST - len(chain)))
    await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_place_that_sends_us_elsewhere_is_not_followed(
    adapter: PayPalGateway, peer: Peer, status: int
) -> None:
    peer.says(CERTIFICATE, b"", status=status, headers={"Location": f"{peer.url}/evil"})
    peer.says("GET /evil", paypal().chain_pem)
    with pytest.raises(InvalidCallback, match="not there"):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)
    assert [seen.path for seen in peer.seen] == ["/v1/notifications/certs/CERT-1"]


@pytest.mark.parametrize("status", [204, 206, 400, 403, 404, 410])
async def test_a_place_without_a_certificate_proves_nothing(
    adapter: PayPalGateway, peer: Peer, status: int
) -> None:
    peer.says(CERTIFICATE, b"" if status == 204 else paypal().chain_pem, status=status)
    with pytest.raises(InvalidCallback, match=f"HTTP {status}"):
        await adapter.parse_callback(paypal().headers(peer, PAID), PAID, NOW)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_a_certificate_that_is_not_to_be_had_now_refuses_nobody_for_good(
    adapter: PayPalGateway, peer: Peer, status: int
) -> None:
    peer.says(CERTIFICATE, b"later", status=status)
    peer.says(CERTIFICATE, paypal().chain_pem)
    headers = paypal().headers(peer, PAID)
    with pytest.raises(OutcomeUnknown):
        await adapter.parse_callback(headers, PAID, NOW)
    await adapter.parse_callback(headers, PAID, NOW)


async def test_nor_does_a_place_that_cannot_be_reached(
    client: httpx.AsyncClient, peer: Peer, deaf_url: str
) -> None:
    adapter = gateway(client, peer, cert_hosts=(deaf_url,))
    headers = paypal().headers(peer, PAID, cert_url=f"{deaf_url}/CERT-1")
    with pytest.raises(OutcomeUnknown, match="ConnectError"):
        await adapter.parse_callback(headers, PAID, NOW)


async def test_nor_does_a_place_that_does_not_answer(
    hasty_client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.hangs(CERTIFICATE)
    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        await gateway(hasty_client, peer).parse_callback(paypal().headers(peer, PAID), PAID, NOW)


@asynccontextmanager
async def _server(answer: bytes) -> AsyncIterator[str]:
    """A place that answers with these bytes, and then says nothing more."""
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await closed.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        closed.set()
        server.close()


async def test_an_endless_answer_is_cut_off_as_soon_as_it_is_too_large(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    async with _server(head + b"x" * (LARGEST + 1)) as url:
        adapter = gateway(client, peer, cert_hosts=(url,))
        headers = paypal().headers(peer, PAID, cert_url=f"{url}/CERT-1")
        with pytest.raises(InvalidCallback, match="too large"):
            await adapter.parse_callback(headers, PAID, NOW)


async def test_an_answer_that_stops_halfway_is_not_waited_for_long(
    hasty_client: httpx.AsyncClient, peer: Peer
) -> None:
    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n-----BEGIN") as url:
        adapter = gateway(hasty_client, peer, cert_hosts=(url,))
        headers = paypal().headers(peer, PAID, cert_url=f"{url}/CERT-1")
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            await adapter.parse_callback(headers, PAID, NOW)
