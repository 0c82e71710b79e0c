"""Kuaidi100: queries, subscriptions and signed pushes about the carrier's parcels.

https://api.kuaidi100.com/document (实时查询, 订阅推送)
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.tracking import TERMINAL, TrackingStatus
from sandbox.simulator.carrier import Carrier, Parcel
from sandbox.simulator.gate import Gate, json_response
from sandbox.simulator.kuaidi100_shapes import COMPANIES, parcel_object
from sandbox.simulator.outbox import Event
from sandbox.simulator.outbox import Route as CallbackRoute
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "kuaidi100"
EVENT = "push"
_QUIET = frozenset({TrackingStatus.CREATED, TrackingStatus.INFO_RECEIVED})
_NEED_PHONE = frozenset({"shunfeng", "zhongtong"})

Number = Annotated[str, Field(min_length=6, max_length=32, pattern=r"^[\w-]+$")]


class _Parameters(BaseModel):
    callbackurl: str = Field(pattern="^https?://")
    salt: str = ""
    resultv2: str = ""
    phone: str = ""


class _Subscribe(BaseModel):
    model_config = ConfigDict(extra="ignore")

    company: str = Field(min_length=1)
    number: Number
    key: str
    parameters: _Parameters


class _Query(BaseModel):
    model_config = ConfigDict(extra="ignore")

    com: str = Field(min_length=1)
    num: Number
    phone: str = ""


class _Subscription(BaseModel):
    callback_url: str
    salt: str


class Kuaidi100:
    """Kuaidi100's two interfaces; only subscribed parcels are pushed."""

    name = PARTY
    operations = frozenset({"subscribe", "query", EVENT})

    def __init__(self, world: World, carrier: Carrier) -> None:
        self._world = world
        self._carrier = carrier
        self._subscriptions = Collection(world.store, "kuaidi100.subscription", _Subscription)
        self._gate = Gate(world, PARTY, _misfortune)
        self._customer = world.config.kuaidi100_customer
        self._key = world.config.kuaidi100_key.get_secret_value()
        world.outbox.add_route(callback_route())
        carrier.listen(self._tell)

    def routes(self) -> list[Route]:
        """Its real paths."""
        return [
            Route("/kuaidi100/poll", self._subscribe, methods=["POST"]),
            Route("/kuaidi100/poll/query.do", self._query, methods=["POST"]),
        ]

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:  # noqa: ARG002
        """Nothing of its own: its parcels are the carrier's."""
        return {}

    async def _subscribe(self, request: Request) -> Response:
        form = _form(await request.body())
        try:
            wanted = _Subscribe.model_validate_json(form.get("param", ""))
        except ValidationError:
            return json_response(_subscribed("700", "订阅方的订阅数据存在错误"))
        if not secrets.compare_digest(wanted.key.encode(), self._key.encode()):
            return json_response(_subscribed("600", "您不是合法的订阅者"))
        parcel = self._carrier.parcels.get(wanted.number)
        facts = Facts(order_id=parcel.order_id if parcel else "", ref=wanted.number)
        return await self._gate.pass_through(
            request, "subscribe", facts, lambda fault: self._add(wanted, fault)
        )

    async def _query(self, request: Request) -> Response:
        form = _form(await request.body())
        param = form.get("param", "")
        digest = _md5(param + self._key + form.get("customer", ""))
        if form.get("customer") != self._customer or form.get("sign", "") != digest:
            return json_response(_refused("503", "验证签名失败"))
        try:
            wanted = _Query.model_validate_json(param)
        except ValidationError:
            return json_response(_refused("400", "找不到对应公司"))
        facts = Facts(ref=wanted.num)
        return await self._gate.pass_through(
            request, "query", facts, lambda fault: self._found(wanted, fault)
        )

    def _add(self, wanted: _Subscribe, fault: Scenario | None) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            return _subscribed(fault.code or "701", fault.message or "订阅方的快递公司有误")
        if wanted.company not in COMPANIES.values():
            return _subscribed("702", "POLL:识别不到该单号对应的快递公司")
        if self._subscriptions.get(wanted.number) is not None:
            return _subscribed("501", "POLL:重复订阅")
        own = _Subscription(callback_url=wanted.parameters.callbackurl, salt=wanted.parameters.salt)
        self._subscriptions.put(wanted.number, own)
        parcel = self._carrier.parcels.get(wanted.number)
        if parcel is not None:
            self._tell(parcel)
        return _subscribed("200", "提交成功", ref=wanted.number)

    def _found(self, wanted: _Query, fault: Scenario | None) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            return _refused(fault.code or "400", fault.message or "提交的数据不完整")
        parcel = self._carrier.parcels.get(wanted.num)
        if wanted.com in _NEED_PHONE and not wanted.phone:
            return _refused("408", "快递公司参数异常：验证码错误")
        if parcel is None or parcel.status in _QUIET:
            return _refused("500", "查询无结果，请隔段时间再查")
        return Answer(200, parcel_object(parcel), verdict="read", ref=parcel.tracking_number)

    def _tell(self, parcel: Parcel) -> None:
        own = self._subscriptions.get(parcel.tracking_number)
        if own is None or parcel.status in _QUIET:
            return
        body = {
            "status": "shutdown" if parcel.status in TERMINAL else "polling",
            "billstatus": "change",
            "message": "",
            "autoCheck": "0",
            "comOld": "",
            "comNew": "",
            "lastResult": parcel_object(parcel),
        }
        self._world.outbox.send(PARTY, _event(body, own, parcel))


def callback_route() -> CallbackRoute:
    """How Kuaidi100 calls back: a form whose `sign` is MD5 over `param` and the salt."""
    return CallbackRoute(
        party=PARTY,
        path="/callbacks/tracking/kuaidi100",
        sign=lambda _raw, *, truly: {},  # noqa: ARG005 - the signature is part of the form
        delays=(1, 2, 4, 8, 16, 30),
        tries=4,
        media_type="application/x-www-form-urlencoded; charset=utf-8",
        acknowledged=_taken,
    )


def push_form(body: Mapping[str, object], salt: str) -> str:
    """A push as it travels."""
    param = json.dumps(body, ensure_ascii=False)
    return urlencode({"sign": _md5(param + salt), "param": param})


def _event(body: Mapping[str, object], own: _Subscription, parcel: Parcel) -> Event:
    return Event(
        event_id=uuid4().hex,
        type=EVENT,
        body=push_form(body, own.salt),
        forged_body=push_form(body, "forged"),
        url=own.callback_url,
        order_id=parcel.order_id,
        ref=parcel.tracking_number,
    )


def _taken(status: int, body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return status == 200 and isinstance(answer, dict) and answer.get("result") is True


def _form(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _subscribed(code: str, message: str, ref: str = "") -> Answer:
    good = code == "200"
    body = {"result": good, "returnCode": code, "message": message}
    return Answer(200, body, verdict="committed" if good else "rejected", ref=ref)


def _refused(code: str, message: str) -> Answer:
    body = {"result": False, "returnCode": code, "message": message}
    return Answer(200, body, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:  # noqa: ARG001
    if status == 429:
        return _refused("502", "服务器繁忙")
    return _refused("501", "服务器错误")
