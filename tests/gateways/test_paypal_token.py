from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta

import httpx
import pytest

from gateways.errors import GatewayAuthError, OutcomeUnknown, RateLimited
from tests.gateways.paypal_wire import (
    CAPTURE,
    CLIENT_ID,
    CLIENT_SECRET,
    GET,
    NOW,
    TOKEN,
    capture,
    gateway,
    grant,
    order,
    payment_ref,
)
from tests.gateways.peer import Peer


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def test_the_token_is_asked_for_with_our_credentials_and_sent_with_each_call(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(GET, order())
    await gateway(client, peer).query(payment_ref())
    request = peer.only(TOKEN)
    credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {credentials}"
    assert request.form == {"grant_type": ["client_credentials"]}
    assert peer.only(GET).headers["authorization"] == "Bearer token-1"


async def test_many_calls_at_once_share_one_token(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(GET, order())
    paypal = gateway(client, peer)
    await asyncio.gather(*(paypal.query(payment_ref()) for _ in range(20)))
    await paypal.query(payment_ref())
    assert len(peer.requests(TOKEN)) == 1
    assert len(peer.requests(GET)) == 21


@pytest.mark.parametrize(
    ("life", "still_good"),
    [
        (timedelta(hours=9), timedelta(hours=8, minutes=54)),
        (timedelta(seconds=100), timedelta(seconds=89)),
    ],
)
async def test_a_token_is_renewed_before_it_runs_out(
    client: httpx.AsyncClient, peer: Peer, life: timedelta, still_good: timedelta
) -> None:
    clock = Clock()
    peer.says(TOKEN, grant("old", int(life.total_seconds())))
    peer.says(GET, order())
    paypal = gateway(client, peer, clock=clock)
    for moment in (timedelta(), still_good, life - timedelta(seconds=2)):
        clock.now = NOW + moment
        await paypal.query(payment_ref())
    sent = [seen.headers["authorization"] for seen in peer.requests(GET)]
    assert sent == ["Bearer old", "Bearer old", "Bearer token-1"]


async def test_a_token_that_paypal_ends_early_is_renewed_once_and_the_call_repeated_with_its_key(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(TOKEN, grant("old"))
    peer.says(CAPTURE, {"error": "invalid_token"}, status=401)
    peer.says(CAPTURE, order("COMPLETED", [capture()]), status=201)
    view = await gateway(client, peer).capture(payment_ref(), "P01:capture:1")
    assert view.capture_ref == "CAPTURE1"
    first, second = peer.requests(CAPTURE)
    assert first.headers["authorization"] == "Bearer old"
    assert second.headers["authorization"] == "Bearer token-1"
    assert (first.body, first.headers["paypal-request-id"]) == (
        second.body,
        second.headers["paypal-request-id"],
    )


async def test_calls_that_are_refused_together_renew_the_token_once(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(TOKEN, grant("old"))
    for _ in range(5):
        peer.says(GET, {"error": "invalid_token"}, status=401)
    peer.says(GET, order())
    paypal = gateway(client, peer)
    await asyncio.gather(*(paypal.query(payment_ref()) for _ in range(5)))
    assert len(peer.requests(TOKEN)) == 2


async def test_a_second_refusal_is_about_our_credentials(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(GET, {"name": "AUTHENTICATION_FAILURE", "message": "No."}, status=401)
    with pytest.raises(GatewayAuthError):
        await gateway(client, peer).query(payment_ref())
    assert len(peer.requests(GET)) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
async def test_a_refused_token_says_nothing_of_the_payment_and_quotes_no_secret(
    client: httpx.AsyncClient, peer: Peer, status: int
) -> None:
    refusal = {"error": "invalid_client", "error_description": CLIENT_SECRET}
    for _ in range(2):
        peer.says(TOKEN, refusal, status=status)
    paypal = gateway(client, peer)
    for call in (paypal.query(payment_ref()), paypal.close(payment_ref())):
        with pytest.raises(GatewayAuthError) as refused:
            await call
        assert CLIENT_SECRET not in str(refused.value)
    assert not peer.requests(GET)


@pytest.mark.parametrize("status", [302, 500, 502, 503])
async def test_a_token_that_is_not_to_be_had_now_is_an_unknown_outcome(
    client: httpx.AsyncClient, peer: Peer, status: int
) -> None:
    peer.says(TOKEN, b"<html>", status=status)
    with pytest.raises(OutcomeUnknown):
        await gateway(client, peer).query(payment_ref())


async def test_asking_for_tokens_too_often_waits(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(TOKEN, {}, status=429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as limited:
        await gateway(client, peer).query(payment_ref())
    assert limited.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        {"access_token": "", "expires_in": 1},
        {"access_token": "a\nb: c", "expires_in": 1},
        {"access_token": "a"},
        {"access_token": "a", "expires_in": -1},
    ],
)
async def test_a_token_that_cannot_be_read_is_an_unknown_outcome(
    client: httpx.AsyncClient, peer: Peer, body: object
) -> None:
    peer.says(TOKEN, body)
    with pytest.raises(OutcomeUnknown, match="token cannot be read"):
        await gateway(client, peer).query(payment_ref())


async def test_all_who_wait_for_a_token_learn_at_once_that_there_is_none(
    hasty_client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.hangs(TOKEN)
    peer.says(GET, order())
    paypal = gateway(hasty_client, peer)
    outcomes = await asyncio.gather(
        *(paypal.query(payment_ref()) for _ in range(10)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown}
    assert len(peer.requests(TOKEN)) == 1
    assert (await paypal.query(payment_ref())).provider_ref == "ORDER1"


async def test_whoever_stops_waiting_for_a_token_does_not_take_it_from_the_others(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.hangs(TOKEN)
    peer.says(GET, order())
    paypal = gateway(client, peer)
    impatient = asyncio.create_task(paypal.query(payment_ref()))
    await peer.reached(TOKEN)
    patient = asyncio.create_task(paypal.query(payment_ref()))
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    peer.release()
    with pytest.raises(OutcomeUnknown, match="503"):
        await patient
    assert len(peer.requests(TOKEN)) == 1
