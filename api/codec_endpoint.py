"""Temporal's codec server: shows authorized people what is encrypted in the histories.

https://docs.temporal.io/production-deployment/data-encryption
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from google.protobuf import json_format
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.api.common.v1 import Payload, Payloads

from api.auth import authorize
from api.problems import refusal
from api.resources import Uses
from codec import UndecryptablePayload

router = APIRouter(prefix="/codec", tags=["codec"])

_Step = Callable[[Iterable[Payload]], Awaitable[list[Payload]]]

_PAYLOADS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "`temporal.api.common.v1.Payloads` as protobuf JSON.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class CodecCors:
    """ASGI middleware that lets the Web UI's page, on another origin, call the codec only."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=tuple(origins),
            allow_methods=("POST",),
            allow_headers=("content-type", "x-namespace", "authorization"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, the codec's through CORS."""
        codec = scope["type"] == "http" and scope["path"].startswith("/codec/")
        await (self._open if codec else self._app)(scope, receive, send)


def _holds_link(uses: Uses, token: str) -> None:
    """The link that the Web UI is started with is a capability: it cannot send a header."""
    known = uses.codec_token.encode()
    if not known or not hmac.compare_digest(known, token.encode()):
        raise refusal(404, "not_found", "Not Found")


@router.post(
    "/decode", summary="Decrypt", dependencies=[Depends(authorize)], openapi_extra=_PAYLOADS
)
@router.post("/{token}/decode", dependencies=[Depends(_holds_link)], include_in_schema=False)
async def decode(uses: Uses, request: Request) -> Response:
    """Decrypt payloads, e.g. `temporal workflow show --codec-endpoint URL --codec-auth TOKEN`."""
    return await _translate(request, uses.codec.decode)


@router.post(
    "/encode", summary="Encrypt", dependencies=[Depends(authorize)], openapi_extra=_PAYLOADS
)
@router.post("/{token}/encode", dependencies=[Depends(_holds_link)], include_in_schema=False)
async def encode(uses: Uses, request: Request) -> Response:
    """Encrypt payloads, for values that are typed into the Web UI or the CLI."""
    return await _translate(request, uses.codec.encode)


async def _translate(request: Request, step: _Step) -> Response:
    payloads = Payloads()
    try:
        json_format.Parse(await request.body(), payloads, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise refusal(400, "payloads_invalid", "send Payloads as protobuf JSON") from error
    try:
        answer = Payloads(payloads=await step(payloads.payloads))
    except (UndecryptablePayload, ValueError) as error:
        # ValueError: too short to hold a nonce, or a key's id that is not text.
        raise refusal(
            400, "payload_undecryptable", "a payload cannot be decrypted with our keys"
        ) from error
    return Response(json_format.MessageToJson(answer), media_type="application/json")
