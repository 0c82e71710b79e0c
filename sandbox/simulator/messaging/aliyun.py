"""Alibaba Cloud's text messages (Dysmsapi 2017-05-25): templates, and reports about them.

https://help.aliyun.com/document_detail/419273.html
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.messaging_accounts import SMS_TEMPLATES
from sandbox.simulator.errors import NotKnown, Unprocessable
from sandbox.simulator.gate import Gate, json_response
from sandbox.simulator.messaging.aliyun_door import Turned, admit
from sandbox.simulator.messaging.texts import Text, unsigned
from sandbox.simulator.outbox import Event
from sandbox.simulator.outbox import Route as CallbackRoute
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "aliyun"
_CHINA = timezone(timedelta(hours=8))
_NUMBER = re.compile(r"1[3-9]\d{9}|[2-9]\d{6,14}", re.ASCII)
_REQUIRED = "order_number"


class AliyunSms:
    """One account with one signature and a template for each kind of message."""

    name = PARTY
    operations = frozenset({"send", "query", "report"})

    def __init__(self, world: World) -> None:
        config = world.config
        self._world = world
        self._key_id = config.aliyun_access_key_id
        self._key_secret = config.aliyun_access_key_secret.get_secret_value()
        self._sign_name = config.aliyun_sms_sign_name
        self._texts = Collection(world.store, "aliyun.message", Text)
        self._gate = Gate(world, PARTY, _misfortune)
        self._nonces: set[str] = set()
        token = config.aliyun_sms_report_token.get_secret_value()
        world.outbox.add_route(
            CallbackRoute(
                party=PARTY,
                path=f"/callbacks/messages/aliyun?token={token}",
                sign=unsigned,
                delays=(1, 2, 4, 8, 16, 30),
                tries=6,
                acknowledged=_took_it,
            )
        )

    def routes(self) -> list[Route]:
        """Its real path."""
        return [Route("/aliyun/", self._call, methods=["POST"])]

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The messages, newest first; Alibaba Cloud knows of no orders."""
        texts = [] if order_id else self._texts.latest(limit)
        return {"aliyunMessages": [text.view() for text in texts]}

    def report(self, message_id: str, status: str, code: str) -> Mapping[str, object]:
        """The operator says what became of a message.

        Raises:
            NotKnown: there is no such message.
            Unprocessable: there is no such status.
        """
        text = self._texts.get(message_id)
        if text is None:
            raise NotKnown(f"Alibaba Cloud has no message {message_id}")
        if status not in {"delivered", "undelivered"}:
            raise Unprocessable(f"{status!r} is none of: delivered, undelivered")
        text.status, text.error_code = status, code
        self._texts.put(text.id, text, owner=text.to)
        self._world.outbox.send(PARTY, _event(text))
        return text.view()

    async def _call(self, request: Request) -> Response:
        try:
            admit(request, self._key_id, self._key_secret, self._nonces, datetime.now(UTC))
        except Turned as turned:
            return json_response(_problem(turned.code, turned.message, turned.status))
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        action = request.headers["x-acs-action"]
        if action == "SendSms":
            facts = Facts(ref=query.get("PhoneNumbers", ""), idempotency_key=query.get("OutId", ""))
            return await self._gate.pass_through(
                request, "send", facts, lambda fault: self._accept(query, fault)
            )
        if action == "QuerySendDetails":
            facts = Facts(ref=query.get("PhoneNumber", ""))
            return await self._gate.pass_through(
                request, "query", facts, lambda _: self._found(query)
            )
        return json_response(_problem("InvalidAction.NotFound", "no such action", 404))

    def _accept(self, query: Mapping[str, str], fault: Scenario | None) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            return _problem(fault.code or "isv.MOBILE_NUMBER_ILLEGAL", fault.message or "拒绝")
        refused = self._refused(query)
        if refused:
            return _problem(*refused)
        template = query["TemplateCode"]
        text = Text(
            id=f"{secrets.randbelow(10**18):018d}^0",
            to=query["PhoneNumbers"],
            body=f"【{self._sign_name}】{template} {query.get('TemplateParam', '')}",
            status="queued",
            sent_on=f"{datetime.now(_CHINA):%Y%m%d}",
            notification_id=query.get("OutId", ""),
            template=template,
        )
        self._texts.put(text.id, text, owner=text.to)
        return Answer(200, _ok({"BizId": text.id}), ref=text.id)

    def _refused(self, query: Mapping[str, str]) -> tuple[str, str] | None:
        if not _NUMBER.fullmatch(query.get("PhoneNumbers", "")):
            return "isv.MOBILE_NUMBER_ILLEGAL", "手机号码格式错误"
        if query.get("SignName") != self._sign_name:
            return "isv.SMS_SIGNATURE_ILLEGAL", "短信签名不合法"
        if query.get("TemplateCode") not in SMS_TEMPLATES.values():
            return "isv.SMS_TEMPLATE_ILLEGAL", "短信模板不合法"
        try:
            filled = json.loads(query.get("TemplateParam", "{}"))
        except ValueError:
            filled = None
        if not isinstance(filled, dict) or not all(isinstance(v, str) for v in filled.values()):
            return "isv.INVALID_JSON_PARAM", "参数格式错误，请修改为字符串值"
        if not filled.get(_REQUIRED):
            return "isv.TEMPLATE_MISSING_PARAMETERS", "模板缺少变量"
        return None

    def _found(self, query: Mapping[str, str]) -> Answer:
        texts = [
            text
            for text in self._texts.owned(query.get("PhoneNumber", ""))[::-1]
            if text.sent_on == query.get("SendDate")
        ]
        details = [
            {
                "PhoneNum": text.to,
                "OutId": text.notification_id,
                "SendStatus": 1,
                "TemplateCode": text.template,
                "Content": text.body,
            }
            for text in texts
        ]
        found = {"TotalCount": len(details), "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}
        return Answer(200, _ok(found), verdict="read")


def _event(text: Text) -> Event:
    now = f"{datetime.now(_CHINA):%Y-%m-%d %H:%M:%S}"
    delivered = text.status == "delivered"
    report = {
        "phone_number": text.to,
        "send_time": now,
        "report_time": now,
        "success": delivered,
        "err_code": "DELIVERED" if delivered else text.error_code or "UNDELIVERED",
        "err_msg": "用户接收成功" if delivered else "发送失败",
        "sms_size": "1",
        "biz_id": text.id,
        "out_id": text.notification_id,
    }
    return Event(
        event_id=f"{text.id}:{text.status}",
        type="report",
        body=json.dumps([report], ensure_ascii=False),
        ref=text.id,
    )


def _took_it(status: int, body: bytes) -> bool:
    try:
        return status == 200 and json.loads(body).get("code") == 0
    except (ValueError, AttributeError):
        return False


def _ok(more: Mapping[str, object]) -> dict[str, object]:
    return {"Code": "OK", "Message": "OK", "RequestId": secrets.token_hex(16).upper(), **more}


def _problem(code: str, message: str, status: int = 200) -> Answer:
    body = {"Code": code, "Message": message, "RequestId": secrets.token_hex(16).upper()}
    return Answer(status, body, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    if status == 429:
        return _problem("Throttling.User", "Request was denied due to user flow control.", 400)
    return _problem(fault.code or "isp.SYSTEM_ERROR", "系统错误", 200)
