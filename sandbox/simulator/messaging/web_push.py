"""A browser's push service (RFC 8030), and the browser that reads what comes (RFC 8291).

Subscriptions are bound to the shop's VAPID key (RFC 8292), as all push services do.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.messaging.decryption import Unreadable, decrypt
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "webpush"
_LONGEST_LIFE = 24 * 3600
_LARGEST = 4096


class _Subscription(BaseModel):
    id: str
    application_key: str
    private_value: int
    auth: str
    active: bool = True


class _Message(BaseModel):
    id: str
    subscription: str
    content: dict[str, str]
    topic: str


class WebPushService:
    """A push service with the browsers that subscribed at it."""

    name = PARTY
    operations = frozenset({"send"})

    def __init__(self, world: World) -> None:
        self._subscriptions = Collection(world.store, "webpush.subscription", _Subscription)
        self._messages = Collection(world.store, "webpush.message", _Message)
        self._gate = Gate(world, PARTY, _misfortune)

    def routes(self) -> list[Route]:
        """The service's address, and the browser's way to subscribe and to leave."""
        return [
            Route("/webpush/subscriptions", self._subscribe, methods=["POST"]),
            Route("/webpush/send/{id}", self._send, methods=["POST"]),
            Route("/webpush/send/{id}", self._leave, methods=["DELETE"]),
        ]

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """What the browsers showed, newest first."""
        messages = self._messages.latest(limit)
        chosen = [m for m in messages if not order_id or m.content.get("orderId") == order_id]
        return {"webPushMessages": [message.model_dump() for message in chosen]}

    async def _subscribe(self, request: Request) -> Response:
        wanted = json.loads(await request.body())
        key = ec.generate_private_key(ec.SECP256R1())
        subscription = _Subscription(
            id=secrets.token_urlsafe(24),
            application_key=str(wanted["applicationServerKey"]),
            private_value=key.private_numbers().private_value,
            auth=_encode(secrets.token_bytes(16)),
        )
        self._subscriptions.put(subscription.id, subscription)
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        body = {
            "endpoint": str(request.url.replace(path=f"/webpush/send/{subscription.id}")),
            "expirationTime": None,
            "keys": {"p256dh": _encode(point), "auth": subscription.auth},
        }
        return json_response(Answer(201, body))

    async def _leave(self, request: Request) -> Response:
        subscription = self._subscriptions.get(request.path_params["id"])
        if subscription is not None:
            left = subscription.model_copy(update={"active": False})
            self._subscriptions.put(left.id, left)
        return Response(status_code=204)

    async def _send(self, request: Request) -> Response:
        subscription = self._subscriptions.get(request.path_params["id"])
        raw = await request.body()
        facts = Facts(ref=request.path_params["id"])
        return await self._gate.pass_through(
            request, "send", facts, lambda fault: self._take(request, subscription, raw, fault)
        )

    def _take(
        self,
        request: Request,
        subscription: _Subscription | None,
        raw: bytes,
        fault: Scenario | None,
    ) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            return _problem(int(fault.code or 410))
        if subscription is None or not subscription.active:
            return _problem(404 if subscription is None else 410)
        refused = _refused(request, subscription, raw)
        if refused:
            return _problem(refused)
        key = ec.derive_private_key(subscription.private_value, ec.SECP256R1())
        try:
            content = json.loads(decrypt(raw, key, _decode(subscription.auth)))
        except (Unreadable, ValueError):
            # A real service could not know; a real browser would show nothing.
            return _problem(400)
        message = _Message(
            id=secrets.token_urlsafe(12),
            subscription=subscription.id,
            content=content,
            topic=request.headers.get("topic", ""),
        )
        self._messages.put(message.id, message)
        place = str(request.url.replace(path=f"/webpush/messages/{message.id}"))
        return Answer(201, {}, {"Location": place}, ref=message.id, raw=b"")


def _refused(request: Request, subscription: _Subscription, raw: bytes) -> int | None:
    """The status of a refusal; None if the request is as it should be."""
    headers = request.headers
    if not headers.get("ttl", "").isdigit() or headers.get("content-encoding") != "aes128gcm":
        return 400
    if len(headers.get("topic", "")) > 32:
        return 400
    if len(raw) > _LARGEST:
        return 413
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "vapid" or parts.get("k") != subscription.application_key:
        return 403
    origin = f"{request.url.scheme}://{request.url.netloc}"
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decode(parts["k"]))
    try:
        claims = jwt.decode(parts.get("t", ""), point, algorithms=["ES256"], audience=origin)
    except jwt.InvalidTokenError:
        return 401
    too_long = claims.get("exp", 0) - time.time() > _LONGEST_LIFE
    return 403 if too_long or not str(claims.get("sub", "")).startswith("mailto:") else None


def _problem(status: int) -> Answer:
    return Answer(status, {"code": status, "error": "refused"}, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    headers = rate_limit_headers(fault) if status == 429 else {}
    return Answer(status, {"code": status}, headers, verdict="rejected")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
