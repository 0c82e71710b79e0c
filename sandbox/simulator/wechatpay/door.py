"""WeChat Pay's HTTP side: proved requests, sealed answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.journal import Entry
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.wechatpay.authorization import Merchant, SignedRequest
from sandbox.simulator.wechatpay.books import Books
from sandbox.simulator.wechatpay.errors import WeChatError, invalid_request, param_error
from sandbox.simulator.wechatpay.events import PARTY
from sandbox.simulator.wechatpay.facts import facts_of
from sandbox.simulator.wechatpay.operations import Call, Perform
from sandbox.simulator.wechatpay.params import Json
from sandbox.simulator.wechatpay.seal import Seal, Truth
from sandbox.simulator.world import Answer, World

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Envelope:
    """How one request is answered: with which of the two keys, and how truly."""

    seal: Seal
    serial: str
    truth: Truth = Truth.SIGNED

    def close(self, answer: Answer, shape: Json | None) -> Answer:
        """The answer with its exact bytes and the headers that prove them."""
        text = "" if shape is None else json.dumps(shape, ensure_ascii=False, separators=(",", ":"))
        raw = text.encode()
        headers = {
            **answer.headers,
            "Request-ID": token_hex(20).upper(),
            **self.seal.answer_headers(raw, self.serial, self.truth),
        }
        return replace(answer, raw=raw, headers=headers)


class Door:
    """Where WeChat Pay's API is entered."""

    def __init__(self, world: World, books: Books, seal: Seal, merchant: Merchant) -> None:
        self._world = world
        self._books = books
        self._seal = seal
        self._merchant = merchant

    def endpoint(self, operation: str, perform: Perform) -> Endpoint:
        """The HTTP endpoint of one operation."""

        async def answer(request: Request) -> Response:
            body = await request.body()
            try:
                serial = self._let_in(request, body)
            except WeChatError as error:
                self._turn_away(operation, error)
                # Who has not proved himself gets an answer without any proof.
                return json_response(Answer(error.status, error.body))
            envelope = _Envelope(self._seal, serial)
            number = str(request.path_params.get("number", ""))
            call = Call(number=number, query=request.query_params, body=body)
            gate = Gate(self._world, PARTY, _misfortune(envelope))
            return await gate.pass_through(
                request,
                operation,
                facts_of(operation, call, self._books),
                lambda fault: _act(replace(call, fault=fault), perform, envelope),
            )

        return answer

    def _let_in(self, request: Request, body: bytes) -> str:
        headers = request.headers
        if not headers.get("user-agent") or not _takes_json(headers.get("accept", "")):
            raise invalid_request("Http头缺少Accept或User-Agent")
        # As the client sent it: neither decoded nor put together again.
        target = cast("bytes", request.scope["raw_path"])
        if query := cast("bytes", request.scope["query_string"]):
            target += b"?" + query
        signed = SignedRequest(request.method, target, body)
        self._merchant.verify(headers.get("authorization", ""), signed)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and media_type != "application/json":
            raise invalid_request("Http头Content-Type应为application/json")
        return self._chosen_key(headers.get("wechatpay-serial"))

    def _chosen_key(self, serial: str | None) -> str:
        _, certificate = self._seal.serials
        if serial is None:
            return certificate
        if serial not in self._seal.serials:
            issue = "平台证书序列号Wechatpay-Serial错误"
            raise param_error("Wechatpay-Serial", issue, location="header")
        return serial

    def _turn_away(self, operation: str, error: WeChatError) -> None:
        self._world.journal.write(
            Entry(
                party=PARTY,
                kind="request",
                operation=operation,
                status=error.status,
                verdict="rejected",
                detail=str(error.body["code"]),
            )
        )


def _takes_json(accept: str) -> bool:
    ranges = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(ranges & {"application/json", "application/*", "*/*"})


def _act(call: Call, perform: Perform, envelope: _Envelope) -> Answer:
    truth = Truth.SIGNED
    if call.suffers(Behavior.UNSIGNED_ANSWER):
        truth = Truth.UNSIGNED
    elif call.suffers(Behavior.FORGED_ANSWER):
        truth = Truth.FORGED
    envelope = replace(envelope, truth=truth)
    try:
        _refuse_if_due(call.fault)
        reply = perform(call)
    except WeChatError as error:
        return envelope.close(Answer(error.status, {}, verdict="rejected"), error.body)
    status = 204 if reply.shape is None else 200
    return envelope.close(Answer(status, {}, verdict=reply.verdict, ref=reply.ref), reply.shape)


def _refuse_if_due(fault: Scenario | None) -> None:
    if fault is not None and fault.behavior is Behavior.REJECT:
        raise WeChatError(fault.code or "INVALID_REQUEST", fault.message or "无效请求")


def _misfortune(envelope: _Envelope) -> Callable[[int, Scenario], Answer]:
    def refuse(status: int, fault: Scenario) -> Answer:
        if status == 429:
            error = WeChatError("FREQUENCY_LIMITED", "频率限制，请降低请求频率")
            headers = rate_limit_headers(fault)
        else:
            error = WeChatError("SYSTEM_ERROR", "系统异常，请稍后重试")
            headers = {}
        answer = Answer(status, {}, headers, verdict="rejected")
        return envelope.close(answer, error.body)

    return refuse
