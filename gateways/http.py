"""How all adapters use HTTP: one pooled client a party, and one reading of what goes wrong.

Clients neither retry nor follow redirects: Temporal retries, with the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)

CONNECT_TIMEOUT = timedelta(seconds=3)
ANSWER_TIMEOUT = timedelta(seconds=10)

# A party that names next week must not put an order to sleep until then.
LONGEST_WAIT = timedelta(hours=1)

_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def build_client(*, answer_timeout: timedelta = ANSWER_TIMEOUT) -> httpx.AsyncClient:
    """A pooled client for one party; whoever builds it closes it."""
    connect = CONNECT_TIMEOUT.total_seconds()
    return httpx.AsyncClient(
        timeout=httpx.Timeout(answer_timeout.total_seconds(), connect=connect, pool=connect),
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        follow_redirects=False,
    )


async def send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send `request` once and read the whole answer, whatever its status.

    Raises:
        ConnectionError: nothing was sent, so nothing happened.
        OutcomeUnknown: it broke after the request may have gone out.
    """
    try:
        return await client.send(request)
    except _NOTHING_SENT as error:
        kind = type(error).__name__
        raise ConnectionError(f"{request.url.host} was not reached: {kind}") from error
    except httpx.HTTPError as error:
        kind = type(error).__name__
        raise OutcomeUnknown(f"{request.url.host} did not answer: {kind}") from error


def error_for(
    status: int, headers: Mapping[str, str], *, code: str = "", message: str = ""
) -> Exception:
    """The error that an answer without success stands for; `code` is the party's own.

    A redirect, or anything else that is neither success nor refusal, cannot be believed.
    """
    says = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    if status in {401, 403}:
        return GatewayAuthError(says)
    if status == 404:
        return NotFound(says)
    if status in {408, 425, 429}:
        return RateLimited(says, retry_after(headers))
    if 400 <= status < 500:
        return GatewayRejected(code or f"http_{status}", message or says)
    return OutcomeUnknown(says)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """The wait that `Retry-After` asks for, in seconds or until a date; at most an hour."""
    value = header_value(headers, "Retry-After").strip()
    if value.isascii() and value.isdigit():
        return _bounded(float(value))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return _bounded((until - (now or datetime.now(UTC))).total_seconds())


def wait_until(unix_seconds: str, now: datetime | None = None) -> timedelta | None:
    """The wait until a moment given as text in unix seconds; at most an hour."""
    if not (unix_seconds.isascii() and unix_seconds.isdigit()):
        return None
    return _bounded(float(unix_seconds) - (now or datetime.now(UTC)).timestamp())


def header_value(headers: Mapping[str, str], name: str) -> str:
    """The value of header `name` in any case of letters; empty when it is missing."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0), LONGEST_WAIT.total_seconds()))
