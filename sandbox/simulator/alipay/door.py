"""Alipay's HTTP side: one address for all methods, HTTP 200 for all answers, each one signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from sandbox.simulator.alipay.books import Books
from sandbox.simulator.alipay.calls import Call, authenticate, read_call
from sandbox.simulator.alipay.errors import (
    AlipayError,
    GatewayRefusal,
    refused,
    throttled,
    unavailable,
)
from sandbox.simulator.alipay.formats import fen
from sandbox.simulator.alipay.notifications import PARTY
from sandbox.simulator.alipay.operations import Done
from sandbox.simulator.alipay.params import Content, Reference
from sandbox.simulator.alipay.shapes import Shape
from sandbox.simulator.alipay.signing import Keys, forged
from sandbox.simulator.gate import Gate, json_response
from sandbox.simulator.journal import Entry
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.world import Answer, Facts, World

Perform = Callable[[Content, str], Done]

_UNREADABLE = Call("utf-8", {})


@dataclass(frozen=True, slots=True)
class Door:
    """Where Alipay's gateway is entered; `methods` are its methods by name."""

    world: World
    books: Books
    keys: Keys
    methods: Mapping[str, Perform]

    async def enter(self, request: Request) -> Response:
        """Answer one request."""
        call = _UNREADABLE
        try:
            call = await read_call(request)
            content = authenticate(call, self.keys, self.world.config.alipay_app_id)
        except AlipayError as error:
            return self._turn_away(call, error)
        gate = Gate(self.world, PARTY, lambda status, fault: self._misfortune(call, status, fault))
        return await gate.pass_through(
            request,
            call.operation,
            self._facts(call, content),
            lambda fault: self._act(call, content, fault),
        )

    def _act(self, call: Call, content: Content, fault: Scenario | None) -> Answer:
        behavior = fault.behavior if fault else None
        try:
            if fault is not None and behavior is Behavior.REJECT:
                raise refused(fault.code or "ACQ.INVALID_PARAMETER", message=fault.message)
            if behavior is Behavior.PAID_MEANWHILE:
                self._let_pay(content)
            done = self.methods[call.method](content, call.parameters.get("notify_url", ""))
        except AlipayError as error:
            return self._answer(call, error.shape(), behavior, verdict="rejected")
        ref = (done.trade.trade_no or done.trade.out_trade_no) if done.trade else ""
        if done.page:
            headers = {"Content-Type": "text/html;charset=utf-8"}
            return Answer(200, {}, headers, done.verdict, ref, raw=done.page.encode())
        shape: Shape = {"code": "10000", "msg": "Success", **done.shape}
        return self._answer(call, shape, behavior, verdict=done.verdict, ref=ref)

    def _answer(
        self,
        call: Call,
        shape: Shape,
        behavior: Behavior | None = None,
        *,
        verdict: str,
        ref: str = "",
        signed: bool = True,
    ) -> Answer:
        text = json.dumps(shape, ensure_ascii=False, separators=(",", ":"))
        # Solidi come escaped: only who checks the very text that came can check its signature.
        signed_part = text.replace("/", "\\/").encode(call.charset, "replace")
        raw = b'{"%s":%s' % (call.answer_key.encode(), signed_part)
        if signed and behavior is not Behavior.UNSIGNED_ANSWER:
            signature = self.keys.sign(signed_part)
            if behavior is Behavior.FORGED_ANSWER:
                signature = forged(signature)
            raw += b',"sign":"%s"' % signature.encode()
        headers = {"Content-Type": f"text/html;charset={call.charset}"}
        return Answer(200, shape, headers, verdict, ref, raw=raw + b"}")

    def _misfortune(self, call: Call, status: int, fault: Scenario) -> Answer:
        error = throttled() if status == 429 else unavailable(fault.code)
        return self._answer(call, error.shape(), verdict="rejected")

    def _let_pay(self, content: Content) -> None:
        trade = self.books.find(Reference.read(content))
        if trade is not None and trade.is_open():
            self.books.pay(trade)

    def _facts(self, call: Call, content: Content) -> Facts:
        def text(name: str) -> str:
            value = content.get(name)
            return value if isinstance(value, str) else ""

        reference = Reference(out_trade_no=text("out_trade_no"), trade_no=text("trade_no"))
        trade = self.books.find(reference)
        amount = text("total_amount") or text("refund_amount")
        minor = fen(amount)
        refund_id = text("out_request_no")
        creates = call.operation == "create"
        return Facts(
            order_id=unquote_plus(text("passback_params")) or (trade.order_id if trade else ""),
            payment_id=trade.out_trade_no if trade else reference.out_trade_no,
            ref=reference.trade_no or (trade.trade_no if trade else "") or reference.out_trade_no,
            idempotency_key=reference.out_trade_no if creates else refund_id,
            amount=amount if minor is None else str(minor),
            refund_id=refund_id,
        )

    def _turn_away(self, call: Call, error: AlipayError) -> Response:
        entry = Entry(
            party=PARTY,
            kind="request",
            operation=call.operation,
            status=200,
            verdict="rejected",
            detail=error.sub_code,
        )
        self.world.journal.write(entry)
        signed = not isinstance(error, GatewayRefusal)
        return json_response(self._answer(call, error.shape(), verdict="rejected", signed=signed))
