"""AfterShip, Tracking API 2026-07: registration, queries and webhooks about the carrier's parcels.

https://www.aftership.com/docs/tracking/2026-07
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.tracking import TrackingStatus
from sandbox.simulator.aftership_shapes import TAGS, tracking_object
from sandbox.simulator.carrier import Carrier, Parcel
from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.outbox import Event
from sandbox.simulator.outbox import Route as CallbackRoute
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "aftership"
EVENT = "tracking_update"
_QUIET = frozenset({TrackingStatus.CREATED, TrackingStatus.INFO_RECEIVED})


class NewTracking(BaseModel):
    """The body of POST /trackings, as far as it matters here."""

    model_config = ConfigDict(extra="ignore")

    tracking_number: str = Field(min_length=4, max_length=100, pattern=r"^[\w-]+$")
    slug: str = ""
    order_id: str = ""
    order_number: str = ""


class _Registration(BaseModel):
    tracking_number: str


class AfterShip:
    """AfterShip's API; only registered parcels are called back about."""

    name = PARTY
    operations = frozenset({"register", "list", "retrieve", EVENT})

    def __init__(self, world: World, carrier: Carrier) -> None:
        self._world = world
        self._carrier = carrier
        self._registrations = Collection(world.store, "aftership.tracking", _Registration)
        self._gate = Gate(world, PARTY, _misfortune)
        self._secret = world.config.aftership_api_key.get_secret_value()
        world.outbox.add_route(
            callback_route(world.config.aftership_webhook_secret.get_secret_value())
        )
        carrier.listen(self._tell)

    def routes(self) -> list[Route]:
        """Its real paths."""
        base = "/aftership/tracking/2026-07/trackings"
        return [
            Route(base, self._register, methods=["POST"]),
            Route(base, self._list, methods=["GET"]),
            Route(base + "/{id}", self._retrieve, methods=["GET"]),
        ]

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The parcels, newest first."""
        parcels = self._carrier.parcels
        chosen = parcels.owned(order_id)[::-1] if order_id else parcels.latest(limit)
        return {"parcels": [_view(parcel) for parcel in chosen]}

    async def _register(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        try:
            wanted = NewTracking.model_validate_json(await request.body())
        except ValidationError as error:
            message = f"The value of `tracking_number` is invalid: {error.errors()[0]['msg']}"
            return json_response(_error(400, 4005, "BadRequest", message))
        known = self._carrier.parcels.get(wanted.tracking_number)
        facts = Facts(
            order_id=known.order_id if known else wanted.order_id, ref=wanted.tracking_number
        )
        return await self._gate.pass_through(
            request, "register", facts, lambda fault: self._add(wanted, fault)
        )

    async def _list(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        raw = request.query_params.get("tracking_numbers", "")
        numbers = [number.strip() for number in raw.split(",") if number.strip()]
        facts = Facts(ref=",".join(numbers))
        return await self._gate.pass_through(
            request, "list", facts, lambda _: self._listed(numbers)
        )

    async def _retrieve(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        tracking_id = request.path_params["id"]
        return await self._gate.pass_through(
            request, "retrieve", Facts(ref=tracking_id), lambda _: self._one(tracking_id)
        )

    def _add(self, wanted: NewTracking, fault: Scenario | None) -> Answer:
        if fault is not None and fault.behavior is Behavior.REJECT:
            code = int(fault.code) if fault.code.isdigit() else 4012
            return _error(400, code, "BadRequest", fault.message or "Cannot detect courier.")
        parcel = self._carrier.parcels.get(wanted.tracking_number)
        parcel = parcel or Parcel(
            tracking_number=wanted.tracking_number, slug=wanted.slug or "sf-express"
        )
        if parcel.tracking_id:
            existing = {"id": parcel.tracking_id, "tracking_number": parcel.tracking_number}
            message = "Tracking already exists."
            return _error(400, 4003, "BadRequest", message, data=existing)
        parcel.tracking_id = uuid4().hex
        parcel.registered_at = datetime.now(UTC).isoformat(timespec="seconds")
        parcel.order_number = wanted.order_number
        self._carrier.save(parcel)
        registration = _Registration(tracking_number=parcel.tracking_number)
        self._registrations.put(parcel.tracking_id, registration)
        # AfterShip answers before it asks the carrier, so its answer always says Pending.
        blank = parcel.model_copy(update={"status": TrackingStatus.CREATED, "checkpoints": []})
        self._tell(parcel)
        body = {"meta": {"code": 201, "type": "Created"}, "data": tracking_object(blank)}
        return Answer(201, body, ref=parcel.tracking_number)

    def _listed(self, numbers: list[str]) -> Answer:
        parcels = self._carrier.parcels
        chosen = [parcels.get(number) for number in numbers] if numbers else parcels.latest(100)
        trackings = [tracking_object(p) for p in chosen if p is not None and p.tracking_id]
        pagination = {"total": len(trackings), "next_cursor": None, "has_next_page": False}
        data = {"pagination": pagination, "trackings": trackings}
        return Answer(200, {"meta": {"code": 200}, "data": data}, verdict="read")

    def _one(self, tracking_id: str) -> Answer:
        registration = self._registrations.get(tracking_id)
        parcel = self._carrier.parcels.get(registration.tracking_number) if registration else None
        if parcel is None:
            return _error(404, 4004, "NotFound", "Tracking does not exist.")
        body = {"meta": {"code": 200}, "data": tracking_object(parcel)}
        return Answer(200, body, verdict="read", ref=parcel.tracking_number)

    def _tell(self, parcel: Parcel) -> None:
        if not parcel.tracking_id or parcel.status in _QUIET:
            return
        event_id = str(uuid4())
        tag = TAGS[parcel.status].tag
        body = {
            "ts": int(time.time()),
            "event": EVENT,
            "event_id": event_id,
            "is_tracking_first_tag": tag not in parcel.told,
            "msg": tracking_object(parcel),
        }
        if tag not in parcel.told:
            parcel.told.append(tag)
            self._carrier.save(parcel)
        self._world.outbox.send(
            PARTY,
            Event(
                event_id=event_id,
                type=EVENT,
                body=json.dumps(body, ensure_ascii=False),
                order_id=parcel.order_id,
                ref=parcel.tracking_number,
            ),
        )

    def _authenticated(self, request: Request) -> Response | None:
        key = request.headers.get("as-api-key", "")
        if secrets.compare_digest(key.encode(), self._secret.encode()):
            return None
        return json_response(_error(401, 401, "Unauthorized", "Invalid API key."))


def callback_route(secret: str) -> CallbackRoute:
    """How AfterShip calls back: `aftership-hmac-sha256`, base64 over the raw body."""

    def sign(raw: bytes, *, truly: bool) -> dict[str, str]:
        key = secret if truly else "forged"
        digest = hmac.new(key.encode(), raw, hashlib.sha256).digest()
        return {
            "aftership-hmac-sha256": base64.b64encode(digest).decode(),
            "as-webhook-version": "2026-07",
        }

    return CallbackRoute(
        party=PARTY,
        path="/callbacks/tracking/aftership",
        sign=sign,
        delays=(1, 2, 4, 8, 16, 30),
        tries=14,
    )


def _view(parcel: Parcel) -> dict[str, object]:
    return {
        "trackingNumber": parcel.tracking_number,
        "carrier": parcel.slug,
        "orderId": parcel.order_id,
        "status": parcel.status.value,
        "open": parcel.status not in {TrackingStatus.DELIVERED, TrackingStatus.RETURNED},
        "registered": bool(parcel.tracking_id),
        "checkpoints": len(parcel.checkpoints),
    }


def _error(
    status: int, code: int, kind: str, message: str, data: Mapping[str, object] | None = None
) -> Answer:
    meta = {"code": code, "message": message, "type": kind}
    return Answer(status, {"meta": meta, "data": dict(data or {})}, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    if status == 429:
        answer = _error(429, 429, "TooManyRequests", "You have exceeded the API call rate limit.")
        return Answer(429, answer.body, rate_limit_headers(fault), verdict="rejected")
    return _error(status, status, "InternalError", "Something went wrong on AfterShip's end.")
