"""PayPal's HTTP side: tokens, JSON, idempotent replays and error answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from secrets import token_hex

from starlette.requests import Request
from starlette.responses import Response

from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.journal import Entry
from sandbox.simulator.paypal.books import Books
from sandbox.simulator.paypal.calls import Call, Task
from sandbox.simulator.paypal.errors import PayPalError, TokenError, refusal
from sandbox.simulator.paypal.facts import facts_of
from sandbox.simulator.paypal.model import OrderStatus
from sandbox.simulator.paypal.params import parse_body
from sandbox.simulator.paypal.request_ids import RequestIds
from sandbox.simulator.paypal.site import Site
from sandbox.simulator.paypal.tokens import Tokens
from sandbox.simulator.paypal.webhooks import PARTY
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.world import Answer, Facts, World

Endpoint = Callable[[Request], Awaitable[Response]]

# What an operation is refused with unless the scenario says it.
_REFUSALS = {
    "create": "PAYEE_ACCOUNT_RESTRICTED",
    "capture": "TRANSACTION_REFUSED",
    "refund": "REFUND_NOT_ALLOWED",
}


class Door:
    """Where PayPal's API is entered."""

    def __init__(self, world: World, books: Books, site: Site) -> None:
        self._world = world
        self._books = books
        self._site = site
        self._tokens = Tokens(world.store, world.config)
        self._request_ids = RequestIds(world.store)
        self._gate = Gate(world, PARTY, _misfortune)

    async def token(self, request: Request) -> Response:
        """POST /v1/oauth2/token."""
        authorization = request.headers.get("authorization", "")
        form, debug_id = (await request.body()).decode(errors="replace"), _debug_id()

        def act(fault: Scenario | None) -> Answer:
            try:
                _refuse_token_if_due(fault)
                body = self._tokens.issue(authorization, form)
            except TokenError as error:
                return _error_answer(error, debug_id)
            self._site.remember(request)
            return Answer(200, body, _headers(debug_id))

        return await self._gate.pass_through(request, "token", Facts(), act)

    def endpoint(self, operation: str, task: Task) -> Endpoint:
        """The HTTP endpoint of one operation."""

        async def answer(request: Request) -> Response:
            debug_id = _debug_id()
            try:
                self._tokens.check(request.headers.get("authorization", ""))
                call = await _read(request, operation, task, debug_id)
                self._request_ids.enter(operation, call.request_id, debug_id)
            except PayPalError as error:
                self._turn_away(operation, error)
                return json_response(_error_answer(error, debug_id))
            try:
                facts = facts_of(call, self._books)
                return await self._gate.pass_through(
                    request, operation, facts, lambda fault: self._act(call, task, fault)
                )
            finally:
                self._request_ids.leave(operation, call.request_id, debug_id)

        return answer

    def _act(self, call: Call, task: Task, fault: Scenario | None) -> Answer:
        try:
            return self._replayed(call, task) or self._executed(call, task, fault)
        except PayPalError as error:
            return _error_answer(error, call.debug_id)
        finally:
            # An answer that is lost on its way does not keep the id busy.
            self._request_ids.leave(call.operation, call.request_id, call.debug_id)

    def _replayed(self, call: Call, task: Task) -> Answer | None:
        reference = self._request_ids.recall(call.operation, call.request_id)
        if not reference:
            return None
        body = task.show(reference, call)
        return Answer(200, body, _headers(call.debug_id), verdict="replayed", ref=reference)

    def _executed(self, call: Call, task: Task, fault: Scenario | None) -> Answer:
        behavior = fault.behavior if fault else None
        if fault is not None and behavior is Behavior.REJECT:
            issue = fault.code or _REFUSALS.get(call.operation, "PERMISSION_DENIED")
            raise refusal(issue, description=fault.message)
        if behavior is Behavior.PAID_MEANWHILE:
            self._approve(call.reference)
        reference = task.do(replace(call, slow_bank=behavior is Behavior.REFUND_PENDING))
        body, headers = task.show(reference, call), _headers(call.debug_id)
        if not task.creates:
            return Answer(200, body, headers, verdict="read", ref=reference)
        self._request_ids.keep(call.operation, call.request_id, reference)
        return Answer(201, body, headers, ref=reference)

    def _approve(self, order_id: str) -> None:
        order = self._books.orders.get(order_id)
        if order is not None and order.status is not OrderStatus.COMPLETED:
            self._books.approve(order, order.next_capture)

    def _turn_away(self, operation: str, error: PayPalError) -> None:
        self._world.journal.write(
            Entry(
                party=PARTY,
                kind="request",
                operation=operation,
                status=error.status,
                verdict="rejected",
                detail=error.issue,
            )
        )


async def _read(request: Request, operation: str, task: Task, debug_id: str) -> Call:
    raw, writes = await request.body(), task.method == "POST"
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if writes and media_type != "application/json":
        raise PayPalError(415)
    prefer = request.headers.get("prefer", "").replace(" ", "")
    return Call(
        operation=operation,
        reference=request.path_params.get("id", ""),
        body=parse_body(raw) if writes else {},
        raw=raw,
        request_id=request.headers.get("paypal-request-id", "") if task.creates else "",
        debug_id=debug_id,
        full=not writes or "return=representation" in prefer.split(","),
    )


def _refuse_token_if_due(fault: Scenario | None) -> None:
    if fault is not None and fault.behavior is Behavior.REJECT:
        message = fault.message or "Client Authentication failed"
        raise TokenError(401, fault.code or "invalid_client", message)


def _debug_id() -> str:
    return "f" + token_hex(6)


def _headers(debug_id: str) -> dict[str, str]:
    return {"Paypal-Debug-Id": debug_id}


def _error_answer(error: PayPalError, debug_id: str) -> Answer:
    verdict = "committed" if error.effect else "rejected"
    return Answer(error.status, error.body(debug_id), _headers(debug_id), verdict=verdict)


def _misfortune(status: int, fault: Scenario) -> Answer:
    answer = _error_answer(PayPalError(status), _debug_id())
    more = rate_limit_headers(fault) if status == 429 else {}
    return replace(answer, headers={**answer.headers, **more})
