"""The gate at a party's door: plays the misfortune that is due, keeps the journal, answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.simulator.journal import Entry
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.world import Answer, Facts, World

_DEFAULT_HANG_SECONDS = 15.0

Refusal = Callable[[int, Scenario], Answer]


@dataclass(frozen=True, slots=True)
class Gate:
    """A party's door: plays the misfortune that is due, journals, and answers.

    `refusal` words an error status in the party's own protocol.
    """

    world: World
    party: str
    refusal: Refusal

    async def pass_through(
        self,
        request: Request,
        operation: str,
        facts: Facts,
        act: Callable[[Scenario | None], Answer],
    ) -> Response:
        """Do `act` in one transaction, unless a scenario has it otherwise."""
        world = self.world
        fault = world.scenarios.take_for_request(self.party, operation, facts.named())
        if fault is not None and fault.behavior is Behavior.DELAY_BEFORE_COMMIT:
            await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
        answer = self._refused(fault)
        with world.store.transaction():
            if answer is None:
                answer = act(fault)
            world.journal.write(self._entry(operation, facts, answer, fault))
        return await self._respond(request, answer, fault)

    def _refused(self, fault: Scenario | None) -> Answer | None:
        match fault.behavior if fault else None:
            case Behavior.FAIL_BEFORE_COMMIT:
                status = 500
            case Behavior.RATE_LIMIT:
                status = 429
            case _:
                return None
        assert fault is not None
        return self.refusal(status, fault)

    def _entry(self, operation: str, facts: Facts, answer: Answer, fault: Scenario | None) -> Entry:
        status, verdict = answer.status, answer.verdict
        if fault is not None:
            happened = f"+{verdict}" if verdict in {"committed", "replayed"} else ""
            verdict = fault.behavior + happened
            if fault.behavior is Behavior.ERROR_AFTER_COMMIT:
                status = 502
        return Entry(
            party=self.party,
            kind="request",
            operation=operation,
            order_id=facts.order_id,
            payment_id=facts.payment_id,
            ref=answer.ref or facts.ref,
            refund_id=facts.refund_id,
            amount=facts.amount,
            idempotency_key=facts.idempotency_key,
            status=status,
            verdict=verdict,
        )

    async def _respond(self, request: Request, answer: Answer, fault: Scenario | None) -> Response:
        match fault.behavior if fault else None:
            case Behavior.TIMEOUT_AFTER_COMMIT:
                assert fault is not None
                await _hang(request, fault.seconds)
                return HangUp()
            case Behavior.ERROR_AFTER_COMMIT:
                # A real 502 comes from a proxy and is not JSON.
                page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
                return Response(page, 502, media_type="text/html")
            case _:
                return json_response(answer)


def json_response(answer: Answer) -> Response:
    """The answer on the wire."""
    raw = answer.raw
    if raw is None:
        raw = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = dict(answer.headers)
    media_type = None if answer.status == 204 else "application/json"
    return Response(raw, answer.status, headers=headers, media_type=media_type)


def rate_limit_headers(scenario: Scenario) -> dict[str, str]:
    """When to come back."""
    seconds = 1.0 if scenario.seconds is None else scenario.seconds
    return {"Retry-After": f"{seconds:g}", "X-RateLimit-Reset": str(int(time.time() + seconds))}


class HangUp(Response):
    """An answer that breaks off: the client cannot know what became of its request."""

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Begin an answer and never finish it; the server then closes the connection."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _hang(request: Request, seconds: float | None) -> None:
    length = _DEFAULT_HANG_SECONDS if seconds is None else seconds
    try:
        async with asyncio.timeout(length):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
