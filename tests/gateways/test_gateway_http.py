from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.http import build_client, error_for, retry_after, send, wait_until
from tests.gateways.peer import Peer

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_the_client_is_pooled_bounded_in_time_and_follows_no_redirect(peer: Peer) -> None:
    peer.says("GET /here", status=302, headers={"location": f"{peer.url}/there"})
    async with build_client() as client:
        assert client.timeout == httpx.Timeout(10, connect=3, pool=3)
        response = await send(client, client.build_request("GET", f"{peer.url}/here"))
    assert response.status_code == 302
    assert not peer.requests("GET /there")


async def test_a_refused_connection_is_retryable_and_not_an_unknown_outcome(
    client: httpx.AsyncClient, deaf_url: str
) -> None:
    with pytest.raises(ConnectionError, match="was not reached: ConnectError"):
        await send(client, client.build_request("POST", deaf_url))


async def test_a_timeout_after_the_request_went_out_is_an_unknown_outcome(
    peer: Peer, hasty_client: httpx.AsyncClient
) -> None:
    peer.hangs("POST /slow")
    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        await send(hasty_client, hasty_client.build_request("POST", f"{peer.url}/slow"))
    assert len(peer.requests("POST /slow")) == 1


async def test_a_connection_that_breaks_after_the_request_went_out_is_an_unknown_outcome(
    client: httpx.AsyncClient,
) -> None:
    async def read_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(read_and_hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OutcomeUnknown, match="RemoteProtocolError"):
            await send(client, client.build_request("POST", f"http://127.0.0.1:{port}/"))


async def test_a_full_pool_is_retryable_because_nothing_was_sent(peer: Peer) -> None:
    peer.hangs("GET /slow")
    timeout = httpx.Timeout(5, pool=0.1)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=timeout) as client:
        first = asyncio.create_task(send(client, client.build_request("GET", f"{peer.url}/slow")))
        await peer.reached("GET /slow")
        with pytest.raises(ConnectionError, match="PoolTimeout"):
            await send(client, client.build_request("GET", f"{peer.url}/slow"))
        peer.release()
        await first


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, OutcomeUnknown),
        (400, GatewayRejected),
        (401, GatewayAuthError),
        (402, GatewayRejected),
        (403, GatewayAuthError),
        (404, NotFound),
        (408, RateLimited),
        (409, GatewayRejected),
        (422, GatewayRejected),
        (425, RateLimited),
        (429, RateLimited),
        (499, GatewayRejected),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[Exception]) -> None:
    assert type(error_for(status, {})) is kind


def test_a_refusal_carries_the_partys_code_or_else_the_status() -> None:
    named = error_for(422, {}, code="no_such_bin", message="bin A-1 is gone")
    nameless = error_for(422, {})
    assert isinstance(named, GatewayRejected)
    assert isinstance(nameless, GatewayRejected)
    assert (named.code, named.reason) == ("no_such_bin", "bin A-1 is gone")
    assert nameless.code == "http_422"


def test_rate_limiting_names_the_wait_whatever_the_case_of_the_header() -> None:
    for name in ("Retry-After", "retry-after"):
        error = error_for(429, {name: "7"})
        assert isinstance(error, RateLimited)
        assert error.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", timedelta(0)),
        (" 120 ", timedelta(seconds=120)),
        ("Sat, 21 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sat, 21 Nov 2026 12:00:30 -0000", timedelta(seconds=30)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Sun, 22 Nov 2026 12:00:00 GMT", timedelta(hours=1)),
        ("9" * 5000, timedelta(hours=1)),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_and_bounded(
    value: str, wait: timedelta | None
) -> None:
    assert retry_after({"Retry-After": value}, NOON) == wait


def test_a_reset_time_in_unix_seconds_becomes_a_wait() -> None:
    assert wait_until(str(int(NOON.timestamp()) + 9), NOON) == timedelta(seconds=9)
    assert wait_until("1", NOON) == timedelta(0)
    assert wait_until("", NOON) is None
