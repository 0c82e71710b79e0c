"""Request bodies: read raw, capped while they are read, decoded without surprises."""

from __future__ import annotations

import json
from typing import Annotated, NoReturn

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Refusal, refusal

_LIMIT = 1024 * 1024
# The longest prefix that fits counts. The Web UI sends a whole page of payloads at once.
_LIMITS = {"/t/": 64 * 1024, "/callbacks/": 256 * 1024, "/codec/": 8 * 1024 * 1024}


class BodyTooLarge(Refusal):
    """The body is larger than this endpoint reads."""


class BodyLimit:
    """ASGI middleware that stops reading a body that is too large, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body capped."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _limit(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        read = int(announced) if announced.isdigit() and int(announced) > limit else 0

        async def receive_capped() -> Message:
            nonlocal read
            if read > limit:
                raise _too_large(limit)
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_capped, send)


async def read_json(request: Request) -> object:
    """The decoded body.

    Raises:
        Refusal: the body is not JSON.
    """
    body = await request.body()
    try:
        # Infinity and NaN are not JSON, though Python reads them.
        return json.loads(body, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise refusal(422, "invalid_json", "the body is not valid JSON (UTF-8)") from error


async def read_optional_json(request: Request) -> object:
    """The decoded body; an object without fields when there is no body."""
    return await read_json(request) if await request.body() else {}


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def _limit(path: str) -> int:
    return next((limit for start, limit in _LIMITS.items() if path.startswith(start)), _LIMIT)


def _too_large(limit: int) -> BodyTooLarge:
    problem = refusal(413, "body_too_large", f"send at most {limit // 1024} KiB").problems
    return BodyTooLarge(413, *problem.errors)


JsonBody = Annotated[object, Depends(read_json)]
OptionalJsonBody = Annotated[object, Depends(read_optional_json)]
