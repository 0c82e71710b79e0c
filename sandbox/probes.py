"""Asks a local server whether it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

Probe = Callable[[], Awaitable[bool]]

_PATIENCE_SECONDS = 3.0


def answers_ok(url: str, *, saying: str = "") -> Probe:
    """A probe that passes when a GET of `url` is answered with 200 and `saying` is in the body."""

    async def probe() -> bool:
        try:
            status, body = await http_get(url)
        except (OSError, TimeoutError, ValueError):
            return False
        return status == 200 and saying.encode() in body

    return probe


async def http_get(url: str) -> tuple[int, bytes]:
    """Status and body of a GET. Spoken by hand: a client would look for proxies and certificates.

    Raises:
        ValueError: the answer is not HTTP.
    """
    parts = urlsplit(url)
    request = (
        f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    )
    async with asyncio.timeout(_PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(request.encode())
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        raise ValueError(f"{url} does not speak HTTP")
    return int(head.split(b" ", 2)[1]), body
