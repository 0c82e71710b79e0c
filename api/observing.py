"""Around every request: a trace, a duration, an id, and an answer to what nobody expected."""

from __future__ import annotations

import logging
import time
import traceback
from uuid import uuid4

from fastapi import Response
from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.service import RPCError

from api.metrics import Metrics
from api.pages.apologies import PageRoute
from api.problems import refusal, render

log = logging.getLogger("orderflow.api")

REQUEST_ID = "X-Request-Id"


class Observing:
    """ASGI middleware. Neither spans nor logs hold paths or bodies: both may name customers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = trace.get_tracer("orderflow.api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex
        status = 0
        started = time.perf_counter()

        async def send_numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        parent = extract(Headers(scope=scope))
        with self._tracer.start_as_current_span(
            scope["method"], context=parent, kind=SpanKind.SERVER
        ) as span:
            try:
                await self._app(scope, receive, send_numbered)
            except Exception as error:  # noqa: BLE001 - the last line: whatever it is, answer
                _report(request_id, scope, error)
                if status == 0:
                    await _sorry(scope, request_id)(scope, receive, send_numbered)
            route = _route(scope)
            _describe(span, scope["method"], route, status)
            self._metrics.requests.labels(scope["method"], route, status).observe(
                time.perf_counter() - started
            )


def _route(scope: Scope) -> str:
    """The route's template; the path itself may hold ids and tokens."""
    return getattr(scope.get("route"), "path", "unknown")


def _describe(span: Span, method: str, route: str, status: int) -> None:
    span.update_name(f"{method} {route}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _report(request_id: str, scope: Scope, error: Exception) -> None:
    # Without the error's message: those of the database and of parsers quote what they were given.
    log.error(
        "request_failed",
        extra={
            "request_id": request_id,
            "method": scope["method"],
            "route": _route(scope),
            "error": type(error).__name__,
            "status": error.status.name if isinstance(error, RPCError) else "",
            "stack": traceback.format_tb(error.__traceback__),
        },
    )


def _sorry(scope: Scope, request_id: str) -> Response:
    route = scope.get("route")
    if isinstance(route, PageRoute):
        return route.apology(scope)
    return render(
        refusal(500, "internal_error", f"something went wrong on our side (request {request_id})")
    )
