from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from domain.errors import PermanentError
from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.payments.paypal import PayPalGateway
from tests.gateways.paypal_wire import (
    CAPTURE,
    CLIENT_SECRET,
    CREATE,
    GET,
    GET_REFUND,
    NOT_FOUND,
    REFUND,
    TOKEN,
    gateway,
    payment_ref,
    payment_request,
    problem,
    refund_request,
)
from tests.gateways.peer import Peer

Call = Callable[[PayPalGateway], Awaitable[object]]

CALLS: dict[str, Call] = {
    CREATE: lambda paypal: paypal.create(payment_request()),
    GET: lambda paypal: paypal.query(payment_ref()),
    CAPTURE: lambda paypal: paypal.capture(payment_ref(), "key"),
    REFUND: lambda paypal: paypal.refund(refund_request()),
    GET_REFUND: lambda paypal: paypal.query_refund(payment_ref(), refund_ref="REFUND1"),
}

each_call = pytest.mark.parametrize("call", sorted(CALLS))


@each_call
@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (401, "AUTHENTICATION_FAILURE", GatewayAuthError),
        (403, "NOT_AUTHORIZED", GatewayAuthError),
        (408, "TIMEOUT", RateLimited),
        (429, "RATE_LIMIT_REACHED", RateLimited),
        (500, "INTERNAL_SERVER_ERROR", OutcomeUnknown),
        (503, "SERVICE_UNAVAILABLE", OutcomeUnknown),
        (302, "", OutcomeUnknown),
    ],
)
async def test_each_failure_has_its_meaning_whatever_we_asked(
    client: httpx.AsyncClient,
    peer: Peer,
    call: str,
    status: int,
    name: str,
    error: type[Exception],
) -> None:
    peer.says(call, problem("", name), status=status, headers={"Retry-After": "7"})
    with pytest.raises(error) as raised:
        await CALLS[call](gateway(client, peer))
    assert "ming.wang" not in str(raised.value)
    assert CLIENT_SECRET not in str(raised.value)
    if isinstance(raised.value, RateLimited):
        assert raised.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("call", [GET, REFUND, GET_REFUND])
async def test_what_paypal_does_not_know_is_not_found(
    client: httpx.AsyncClient, peer: Peer, call: str
) -> None:
    peer.says(call, NOT_FOUND, status=404)
    with pytest.raises(NotFound, match="INVALID_RESOURCE_ID"):
        await CALLS[call](gateway(client, peer))


@each_call
async def test_a_call_that_is_not_answered_may_have_happened(
    hasty_client: httpx.AsyncClient, peer: Peer, call: str
) -> None:
    peer.hangs(call)
    with pytest.raises(OutcomeUnknown):
        await CALLS[call](gateway(hasty_client, peer))
    assert len(peer.requests(call)) == 1


async def test_a_call_that_nobody_heard_did_not_happen(
    client: httpx.AsyncClient, peer: Peer, deaf_url: str
) -> None:
    for call in CALLS.values():
        with pytest.raises(ConnectionError):
            await call(gateway(client, peer, base_url=deaf_url))


@each_call
@pytest.mark.parametrize("body", [b"<html>your name is Ming Wang</html>", b"", [], {"details": 1}])
async def test_a_page_that_is_not_paypals_is_not_quoted(
    client: httpx.AsyncClient, peer: Peer, call: str, body: object
) -> None:
    peer.says(call, body, status=502)
    with pytest.raises(OutcomeUnknown) as raised:
        await CALLS[call](gateway(client, peer))
    assert "Ming" not in str(raised.value)


@each_call
async def test_an_answer_that_cannot_be_read_is_not_quoted(
    client: httpx.AsyncClient, peer: Peer, call: str
) -> None:
    peer.says(call, {"id": ["Ming Wang"], "status": {}})
    with pytest.raises(OutcomeUnknown, match="cannot be read") as raised:
        await CALLS[call](gateway(client, peer))
    assert "Ming" not in f"{raised.value} {raised.value.__cause__}"


async def test_an_error_names_paypals_debug_id_for_their_support(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(GET, b"", status=500, headers={"Paypal-Debug-Id": "f00d"})
    with pytest.raises(OutcomeUnknown, match=r"debug id f00d"):
        await gateway(client, peer).query(payment_ref())


async def test_a_long_text_of_paypals_is_cut(client: httpx.AsyncClient, peer: Peer) -> None:
    detail = {"issue": "I" * 9999, "description": "D" * 9999}
    peer.says(REFUND, {"debug_id": "X" * 9999, "details": [detail]}, status=422)
    with pytest.raises(GatewayRejected) as refused:
        await gateway(client, peer).refund(refund_request())
    assert len(str(refused.value)) < 1000


async def test_nothing_is_repeated_but_what_a_new_token_is_for(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    for status in (400, 403, 404, 409, 422, 429, 500, 503):
        peer.says(REFUND, problem("X"), status=status)
    paypal = gateway(client, peer)
    for _ in range(8):
        with pytest.raises((PermanentError, OutcomeUnknown, RateLimited)):
            await paypal.refund(refund_request())
    assert len(peer.requests(REFUND)) == 8
    assert len(peer.requests(TOKEN)) == 1
