"""Asks a local server whether it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 3.0


def answers_ok(url: str) -> Callable[[], Awaitable[bool]]:
    """A probe that passes when a GET of `url` is answered with 200."""

    async def probe() -> bool:
        try:
            return await http_status(url) == 200
        except (OSError, TimeoutError, ValueError):
            return False

    return probe


async def http_status(url: str) -> int:
    """The status of a GET. Spoken by hand: a client would look for proxies and certificates."""
    parts = urlsplit(url)
    target = parts.path or "/"
    async with asyncio.timeout(_PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            await writer.drain()
            status_line = await reader.readline()
        finally:
            writer.close()
    return int(status_line.split(b" ", 2)[1]) if status_line.startswith(b"HTTP/") else 0
