"""Twilio's Messages resource (API 2010-04-01), with signed status callbacks.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.simulator.errors import NotKnown, Unprocessable
from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.messaging.texts import Text, unsigned
from sandbox.simulator.outbox import Event
from sandbox.simulator.outbox import Route as CallbackRoute
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "twilio"
_STATUSES = frozenset({"sent", "delivered", "undelivered", "failed"})
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_LONGEST = 1600


class Twilio:
    """One account with one number."""

    name = PARTY
    operations = frozenset({"send", "list", "status"})

    def __init__(self, world: World) -> None:
        config = world.config
        self._world = world
        self._sid = config.twilio_account_sid
        self._token = config.twilio_auth_token.get_secret_value()
        self._number = config.twilio_from
        self._texts = Collection(world.store, "twilio.message", Text)
        self._gate = Gate(world, PARTY, _misfortune)
        world.outbox.add_route(
            CallbackRoute(
                party=PARTY,
                path="/callbacks/messages/twilio",
                sign=unsigned,
                delays=(1, 2, 4, 8, 16, 30),
                tries=6,
                media_type="application/x-www-form-urlencoded",
            )
        )

    def routes(self) -> list[Route]:
        """Its real path."""
        path = "/twilio/2010-04-01/Accounts/{sid}/Messages.json"
        return [
            Route(path, self._send, methods=["POST"]),
            Route(path, self._list, methods=["GET"]),
        ]

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The messages, newest first; Twilio knows of no orders."""
        texts = [] if order_id else self._texts.latest(limit)
        return {"twilioMessages": [text.view() for text in texts]}

    def report(self, message_id: str, status: str, code: str) -> Mapping[str, object]:
        """The operator says what became of a message.

        Raises:
            NotKnown: there is no such message.
            Unprocessable: there is no such status.
        """
        text = self._texts.get(message_id)
        if text is None:
            raise NotKnown(f"Twilio has no message {message_id}")
        if status not in _STATUSES:
            raise Unprocessable(f"{status!r} is none of: {', '.join(sorted(_STATUSES))}")
        text.status, text.error_code = status, code
        self._texts.put(text.id, text)
        if text.callback_url:
            self._world.outbox.send(PARTY, self._event(text))
        return text.view()

    async def _send(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        form = {
            name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()
        }
        facts = Facts(ref=form.get("To", ""))
        return await self._gate.pass_through(
            request, "send", facts, lambda fault: self._accept(form, fault)
        )

    async def _list(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        to = request.query_params.get("To", "")
        since = request.query_params.get("DateSent>", "")
        return await self._gate.pass_through(
            request, "list", Facts(ref=to), lambda _: self._found(to, since)
        )

    def _accept(self, form: Mapping[str, str], fault: Scenario | None) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            return _problem(400, int(fault.code or 21211), fault.message or "Rejected")
        to, body = form.get("To", ""), form.get("Body", "")
        if not _E164.fullmatch(to):
            return _problem(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if form.get("From") != self._number and not form.get("MessagingServiceSid"):
            return _problem(400, 21606, "The 'From' phone number is not valid for this account")
        if not body:
            return _problem(400, 21602, "Message body is required.")
        if len(body) > _LONGEST:
            return _problem(400, 21617, "The concatenated message body exceeds 1600 characters")
        callback = form.get("StatusCallback", "")
        text = Text(
            id="SM" + secrets.token_hex(16),
            to=to,
            body=body,
            status="queued",
            sent_on=datetime.now(UTC).date().isoformat(),
            callback_url=callback,
            notification_id=parse_qs(urlsplit(callback).query).get("n", [""])[0],
        )
        self._texts.put(text.id, text, owner=to)
        return Answer(201, self._shape(text), ref=text.id)

    def _found(self, to: str, since: str) -> Answer:
        texts = [text for text in self._texts.owned(to)[::-1] if text.sent_on >= since]
        page = {"messages": [self._shape(text) for text in texts], "page": 0, "page_size": 100}
        return Answer(200, page, verdict="read")

    def _shape(self, text: Text) -> dict[str, object]:
        return {
            "sid": text.id,
            "account_sid": self._sid,
            "to": text.to,
            "from": self._number,
            "body": text.body,
            "status": text.status,
            "direction": "outbound-api",
            "num_segments": "1",
            "error_code": int(text.error_code) if text.error_code else None,
            "error_message": None,
            "date_sent": None,
            "price": None,
        }

    def _event(self, text: Text) -> Event:
        form = {
            "AccountSid": self._sid,
            "MessageSid": text.id,
            "SmsSid": text.id,
            "MessageStatus": text.status,
            "SmsStatus": text.status,
            "To": text.to,
            "From": self._number,
            "ApiVersion": "2010-04-01",
        }
        if text.error_code:
            form["ErrorCode"] = text.error_code
        return Event(
            event_id=f"{text.id}:{text.status}",
            type="status",
            body=urlencode(form),
            url=text.callback_url,
            ref=text.id,
            headers={"X-Twilio-Signature": _sign(text.callback_url, form, self._token)},
            forged_headers={"X-Twilio-Signature": _sign(text.callback_url, form, "forged")},
        )

    def _authenticated(self, request: Request) -> Response | None:
        expected = base64.b64encode(f"{self._sid}:{self._token}".encode()).decode()
        given = request.headers.get("authorization", "")
        right = secrets.compare_digest(given.encode(), f"Basic {expected}".encode())
        if right and request.path_params["sid"] == self._sid:
            return None
        return json_response(_problem(401, 20003, "Authenticate"))


def _sign(url: str, form: Mapping[str, str], token: str) -> str:
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


def _problem(status: int, code: int, message: str) -> Answer:
    info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": info, "status": status}
    return Answer(status, body, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    if status == 429:
        answer = _problem(429, 20429, "Too Many Requests")
        return Answer(429, answer.body, rate_limit_headers(fault), verdict="rejected")
    return _problem(status, 20500, "Internal Server Error")
