"""Firebase Cloud Messaging (HTTP v1) and Google's tokens for a service account.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from urllib.parse import parse_qs

import jwt
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.messaging_accounts import FCM_PROJECT
from sandbox.provider_keys import ProviderKeys
from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "fcm"
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3600
_LARGEST = 4096
_STATUSES: Mapping[str, tuple[int, str]] = {
    "UNREGISTERED": (404, "NOT_FOUND"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL"),
}


class _Message(BaseModel):
    id: str
    token: str
    title: str
    body: str
    extra: dict[str, str]
    tag: str


class Fcm:
    """One project with one service account."""

    name = PARTY
    operations = frozenset({"token", "send"})

    def __init__(self, world: World) -> None:
        keys = ProviderKeys(world.config.sim_keys)
        self._public_key = keys.public_half(keys.fcm_account).read_text()
        self._messages = Collection(world.store, "fcm.message", _Message)
        self._gate = Gate(world, PARTY, _misfortune)
        self._tokens: dict[str, float] = {}

    def routes(self) -> list[Route]:
        """Google's two addresses."""
        return [
            Route("/fcm/token", self._grant, methods=["POST"]),
            Route("/fcm/v1/projects/{project}/messages:send", self._send, methods=["POST"]),
        ]

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The messages, newest first."""
        messages = self._messages.latest(limit)
        chosen = [m for m in messages if not order_id or m.extra.get("orderId") == order_id]
        return {"fcmMessages": [message.model_dump() for message in chosen]}

    def revoke(self) -> None:
        """Somebody ends all tokens before their time."""
        self._tokens.clear()

    async def _grant(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        audience = str(request.url)
        return await self._gate.pass_through(
            request, "token", Facts(), lambda _: self._granted(form, audience)
        )

    def _granted(self, form: Mapping[str, list[str]], audience: str) -> Answer:
        if form.get("grant_type") != [_GRANT]:
            return _refused("unsupported_grant_type", "Invalid grant_type")
        try:
            claims = jwt.decode(
                form.get("assertion", [""])[0],
                self._public_key,
                algorithms=["RS256"],
                audience=audience,
                options={"require": ["iss", "aud", "iat", "exp"]},
            )
        except jwt.InvalidTokenError as error:
            return _refused("invalid_grant", f"Invalid JWT: {error}")
        if claims.get("scope") != _SCOPE or claims["exp"] - claims["iat"] > _LIFE:
            return _refused("invalid_grant", "Invalid JWT: scope or lifetime")
        token = "ya29." + secrets.token_urlsafe(32)
        self._tokens[token] = time.time() + _LIFE
        body = {"access_token": token, "expires_in": _LIFE, "token_type": "Bearer"}
        return Answer(200, body)

    async def _send(self, request: Request) -> Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(bearer, 0) < time.time():
            message = "Request had invalid authentication credentials."
            return json_response(_problem(401, "UNAUTHENTICATED", message))
        if request.path_params["project"] != FCM_PROJECT:
            return json_response(_problem(403, "PERMISSION_DENIED", "no such project"))
        raw = await request.body()
        return await self._gate.pass_through(
            request, "send", _facts(raw), lambda fault: self._accept(raw, fault)
        )

    def _accept(self, raw: bytes, fault: Scenario | None) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            return _fcm_problem(fault.code or "UNREGISTERED")
        message = _read(raw)
        if message is None or len(raw) > _LARGEST:
            problem = {"@type": "type.googleapis.com/google.rpc.BadRequest"}
            return _problem(400, "INVALID_ARGUMENT", "Invalid JSON payload", problem)
        self._messages.put(message.id, message)
        name = f"projects/{FCM_PROJECT}/messages/{message.id}"
        return Answer(200, {"name": name}, ref=message.id)


def _read(raw: bytes) -> _Message | None:
    try:
        message = json.loads(raw)["message"]
        shown, android = message["notification"], message["android"]
        return _Message.model_validate(
            {
                "id": f"0:{secrets.token_hex(12)}",
                "token": message["token"],
                "title": shown["title"],
                "body": shown["body"],
                "extra": message.get("data", {}),
                "tag": android["notification"]["tag"],
            },
            strict=True,
        )
    except (ValueError, KeyError, TypeError):
        return None


def _facts(raw: bytes) -> Facts:
    message = _read(raw)
    if message is None:
        return Facts()
    return Facts(order_id=message.extra.get("orderId", ""), ref=message.token)


def _refused(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description}, verdict="rejected")


def _fcm_problem(code: str) -> Answer:
    status, name = _STATUSES.get(code, (400, "INVALID_ARGUMENT"))
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    return _problem(status, name, code, detail)


def _problem(
    status: int, name: str, message: str, detail: Mapping[str, str] | None = None
) -> Answer:
    error = {"code": status, "message": message, "status": name, "details": [detail or {}]}
    return Answer(status, {"error": error}, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    answer = _fcm_problem("QUOTA_EXCEEDED" if status == 429 else fault.code or "INTERNAL")
    headers = rate_limit_headers(fault) if status == 429 else {}
    return Answer(answer.status, answer.body, headers, verdict="rejected")
