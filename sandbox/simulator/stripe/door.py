"""Stripe's HTTP side: keys, forms, idempotent replays and error answers."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.journal import Entry
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.stripe.books import Books
from sandbox.simulator.stripe.errors import StripeError, invalid_key
from sandbox.simulator.stripe.events import PARTY, Origin
from sandbox.simulator.stripe.idempotency import IdempotencyStore, StoredAnswer, fingerprint
from sandbox.simulator.stripe.model import OPEN, stripe_id
from sandbox.simulator.stripe.operations import Shape
from sandbox.simulator.stripe.params import Form, parse_form, refuse_removed
from sandbox.simulator.stripe.shapes import API_VERSION
from sandbox.simulator.world import Answer, Facts, World

Perform = Callable[[str, Form, Origin], Shape]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated, parsed request. `reference` is the id in its path."""

    operation: str
    writes: bool
    path: str
    reference: str
    form: Form
    request_id: str
    key: str

    def headers(self) -> dict[str, str]:
        """The headers of every answer."""
        headers = {"Request-Id": self.request_id, "Stripe-Version": API_VERSION}
        return headers | ({"Idempotency-Key": self.key} if self.key else {})


class Door:
    """Where Stripe's API is entered."""

    def __init__(self, world: World, books: Books) -> None:
        self._world = world
        self._books = books
        self._secret = world.config.stripe_api_key.get_secret_value()
        self._idempotency = IdempotencyStore(world.store)
        self._gate = Gate(world, PARTY, _misfortune)

    def endpoint(self, operation: str, perform: Perform) -> Endpoint:
        """The HTTP endpoint of one operation."""

        async def answer(request: Request) -> Response:
            request_id = stripe_id("req", 14)
            try:
                self._authenticate(request)
                call = await _read(request, operation, request_id)
                self._idempotency.enter(call.key, request_id)
            except StripeError as error:
                self._turn_away(operation, error)
                headers = {"Request-Id": request_id}
                return json_response(Answer(error.status, error.body(request_id), headers))
            try:
                return await self._gate.pass_through(
                    request,
                    operation,
                    self._facts(call),
                    lambda fault: self._act(call, perform, fault),
                )
            finally:
                self._idempotency.leave(call.key, request_id)

        return answer

    def _authenticate(self, request: Request) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        key = credentials.strip()
        if scheme.lower() == "basic":
            key = _basic_user(key)
        if not secrets.compare_digest(key.encode(), self._secret.encode()):
            raise invalid_key(key)

    def _act(self, call: Call, perform: Perform, fault: Scenario | None) -> Answer:
        try:
            return self._replayed(call) or self._executed(call, perform, fault)
        except StripeError as error:
            return _error_answer(call, error)
        finally:
            # An answer that is lost on its way does not keep the key busy.
            self._idempotency.leave(call.key, call.request_id)

    def _replayed(self, call: Call) -> Answer | None:
        stored = self._idempotency.recall(call.key, call.path, fingerprint(call.form))
        if stored is None:
            return None
        headers = {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
        ref = str(stored.body.get("id", ""))
        return Answer(
            stored.status, stored.body, call.headers() | headers, verdict="replayed", ref=ref
        )

    def _executed(self, call: Call, perform: Perform, fault: Scenario | None) -> Answer:
        try:
            _refuse_if_due(fault)
            slow_bank = fault is not None and fault.behavior is Behavior.REFUND_PENDING
            if fault is not None and fault.behavior is Behavior.PAID_MEANWHILE:
                self._pay(call.reference)
            origin = Origin(call.request_id, call.key or None, slow_bank=slow_bank)
            body = perform(call.reference, call.form, origin)
            verdict = "committed" if call.writes else "read"
            answer = Answer(200, body, call.headers(), verdict=verdict, ref=str(body.get("id", "")))
        except StripeError as error:
            if not error.kept:
                raise
            answer = _error_answer(call, error)
        stored = StoredAnswer(
            path=call.path,
            fingerprint=fingerprint(call.form),
            status=answer.status,
            body=dict(answer.body),
            request_id=call.request_id,
        )
        self._idempotency.keep(call.key, stored)
        return answer

    def _pay(self, intent_id: str) -> None:
        intent = self._books.intents.get(intent_id)
        if intent is not None and intent.status in OPEN:
            self._books.succeed(intent, Origin())

    def _facts(self, call: Call) -> Facts:
        metadata = call.form.get("metadata")
        named: Mapping[str, object] = metadata if isinstance(metadata, dict) else {}
        payment_id = str(named.get("payment_id", ""))
        order_id = str(named.get("order_id", ""))
        refund_id = str(named.get("refund_id", ""))
        intent_id = str(call.form.get("payment_intent") or call.reference)
        if call.operation == "retrieve_refund" and (
            refund := self._books.refunds.get(call.reference)
        ):
            intent_id, refund_id = refund.intent_id, refund.metadata.get("refund_id", "")
        intent = self._books.intents.get(intent_id) if intent_id else None
        return Facts(
            order_id=order_id or (intent.order_id if intent else ""),
            payment_id=payment_id or (intent.payment_id if intent else ""),
            ref=call.reference or intent_id,
            idempotency_key=call.key,
            amount=str(call.form.get("amount", "")),
            refund_id=refund_id,
        )

    def _turn_away(self, operation: str, error: StripeError) -> None:
        self._world.journal.write(
            Entry(
                party=PARTY,
                kind="request",
                operation=operation,
                status=error.status,
                verdict="rejected",
                detail=str(error.error.get("code") or error.error["type"]),
            )
        )


async def _read(request: Request, operation: str, request_id: str) -> Call:
    writes = request.method == "POST"
    raw = (await request.body()).decode(errors="replace") if writes else request.url.query
    form = parse_form(raw)
    refuse_removed(form, request.headers.get("stripe-version", ""))
    return Call(
        operation=operation,
        writes=writes,
        path=request.url.path,
        reference=request.path_params.get("id", ""),
        form=form,
        request_id=request_id,
        key=request.headers.get("idempotency-key", "") if writes else "",
    )


def _basic_user(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _error_answer(call: Call, error: StripeError) -> Answer:
    # A declined card is an effect: the charge and the intent's state were written.
    verdict = "committed" if error.status == 402 else "rejected"
    return Answer(error.status, error.body(call.request_id), call.headers(), verdict=verdict)


def _refuse_if_due(fault: Scenario | None) -> None:
    match fault.behavior if fault else None:
        case Behavior.REJECT:
            assert fault is not None
            message = fault.message or "Amount must be no more than what we like."
            raise StripeError(400, message, code=fault.code or "amount_too_large", param="amount")
        case Behavior.FAIL_STORED:
            raise StripeError(500, "An unknown error occurred.", kind="api_error")
        case _:
            return


def _misfortune(status: int, fault: Scenario) -> Answer:
    request_id = stripe_id("req", 14)
    if status == 429:
        error = StripeError(429, "Request rate limit exceeded.", code="rate_limit", kept=False)
        headers = rate_limit_headers(fault)
    else:
        error = StripeError(status, "An unknown error occurred.", kind="api_error", kept=False)
        headers = {}
    body = error.body(request_id)
    return Answer(status, body, {"Request-Id": request_id, **headers}, verdict="rejected")
