"""The warehouse: takes picking lists, cancels them, and says when an order has shipped.

The contract is our own: `docs/warehouse.md`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.fulfillment import PickingList
from domain.missing_goods import MissingLine
from sandbox.simulator.carrier import Carrier
from sandbox.simulator.errors import Conflict, NotKnown
from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.outbox import Event
from sandbox.simulator.outbox import Route as CallbackRoute
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.world import Answer, Facts, World

PARTY = "warehouse"
_SHIP = "warehouse.ship"
MISSING = r"^[^:]+:[1-9][0-9]{0,6}(:[a-z_]*)?$"


class Job(BaseModel):
    """What became of one picking list; `cancelled` also stands for one that never arrived."""

    picking_list_id: str
    order_id: str = ""
    order_number: str = ""
    warehouse_id: str = ""
    status: Literal["accepted", "refused", "cancelled", "shipped"]
    refused_at_once: bool = False
    units: int = 0
    estimated_ship_at: str = ""
    code: str = ""
    message: str = ""
    tracking_number: str = ""


class Warehouse:
    """The warehouse's API under `/warehouse`, and the people who pick and pack."""

    name = PARTY
    operations = frozenset({"picking_list", "cancel", "shipped", "refused"})

    def __init__(self, world: World, carrier: Carrier) -> None:
        self._world = world
        self._carrier = carrier
        self._jobs = Collection(world.store, "warehouse.job", Job)
        self._gate = Gate(world, PARTY, _misfortune)
        self._secret = world.config.warehouse_api_key.get_secret_value()
        world.outbox.add_route(
            callback_route(world.config.shipping_callback_secret.get_secret_value())
        )
        world.schedule.add_action(_SHIP, self._ship_by_itself)

    def routes(self) -> list[Route]:
        """Its paths."""
        base = "/warehouse/picking-lists"
        return [
            Route(base, self._picking_list, methods=["POST"]),
            Route(base + "/{id}/cancel", self._cancel, methods=["POST"]),
        ]

    def ship(
        self,
        order_id: str,
        which: str = "",
        missing: Sequence[MissingLine] = (),
        carrier: str = "",
    ) -> dict[str, object]:
        """What is picked of the order leaves, each list as a parcel; the `carrier` has them now.

        `which` is a picking list's id or a warehouse's, if not all of them are meant; `missing` is
        what is not in the parcels.

        Raises:
            NotKnown: there is no such picking list of this order.
            Conflict: none is waiting to be picked.
        """
        return _views([self._ship(job, missing, carrier) for job in self._waiting(order_id, which)])

    def refuse(
        self, order_id: str, reason: str, which: str = "", missing: Sequence[MissingLine] = ()
    ) -> dict[str, object]:
        """The pickers cannot find the goods after all; `which` and `missing` as in `ship`.

        Raises:
            NotKnown: there is no such picking list of this order.
            Conflict: none is waiting to be picked.
        """
        jobs = self._waiting(order_id, which)
        for job in jobs:
            job.status = "refused"
            job.code, job.message = "not_found", reason or "The goods are not in their bin."
            self._save(job)
            self._tell(job, "refused", reason=job.message, **_missing(missing))
        return _views(jobs)

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The picking lists, newest first."""
        jobs = self._jobs.owned(order_id)[::-1] if order_id else self._jobs.latest(limit)
        return {"pickingLists": [_view(job) for job in jobs]}

    async def _picking_list(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        key = request.headers.get("idempotency-key", "")
        try:
            wanted = PickingList.model_validate_json(await request.body())
        except ValidationError as error:
            return json_response(_error(422, "invalid", str(error.errors()[0]["msg"])))
        if key != wanted.picking_list_id:
            message = "Idempotency-Key must be the picking list's id."
            return json_response(_error(400, "idempotency_key", message))
        facts = Facts(order_id=wanted.order_id, ref=wanted.picking_list_id, idempotency_key=key)
        return await self._gate.pass_through(
            request, "picking_list", facts, lambda fault: self._take(wanted, fault)
        )

    async def _cancel(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        list_id = request.path_params["id"]
        job = self._jobs.get(list_id)
        key = request.headers.get("idempotency-key", "")
        order_id = job.order_id if job else ""
        facts = Facts(order_id=order_id, ref=list_id, idempotency_key=key)
        return await self._gate.pass_through(
            request, "cancel", facts, lambda _: self._call_off(list_id)
        )

    def _take(self, wanted: PickingList, fault: Scenario | None) -> Answer:
        job = self._jobs.get(wanted.picking_list_id)
        if job is not None:
            return _job_answer(job, "replayed")
        job = Job(
            picking_list_id=wanted.picking_list_id,
            order_id=wanted.order_id,
            order_number=wanted.order_number,
            warehouse_id=wanted.warehouse_id,
            status="accepted",
            units=sum(line.quantity for line in wanted.lines),
            estimated_ship_at=(datetime.now(UTC) + timedelta(hours=4)).isoformat(),
        )
        if fault is not None and fault.behavior in {Behavior.REFUSE, Behavior.REJECT}:
            job.status = "refused"
            job.refused_at_once = True
            job.code = fault.code or "cannot_pick"
            job.message = fault.message or "The warehouse cannot pick this order."
        self._save(job)
        if job.status == "accepted":
            subject = f"{job.order_id}/{job.picking_list_id}"
            self._world.schedule.after(self._world.schedule.defaults.auto_ship, _SHIP, subject)
        return _job_answer(job, "committed")

    def _call_off(self, list_id: str) -> Answer:
        job = self._jobs.get(list_id)
        if job is not None and job.status == "shipped":
            return _error(409, "already_shipped", "The order has left the house.")
        verdict = "replayed" if job is not None and job.status == "cancelled" else "committed"
        job = job or Job(picking_list_id=list_id, status="cancelled")
        job.status = "cancelled"
        self._save(job)
        return Answer(200, {"status": "cancelled"}, verdict=verdict)

    def _ship(self, job: Job, missing: Sequence[MissingLine], carrier: str) -> Job:
        now = datetime.now(UTC)
        job.status = "shipped"
        parcel = self._carrier.collect(job.picking_list_id, job.order_id, now, carrier)
        job.tracking_number = parcel.tracking_number
        self._save(job)
        self._tell(
            job,
            "shipped",
            trackingNumber=parcel.tracking_number,
            carrier=parcel.slug,
            shippedAt=now.isoformat(),
            estimatedDelivery=parcel.estimated_delivery,
            **_missing(missing),
        )
        return job

    def _ship_by_itself(self, subject: str) -> None:
        order_id, _, list_id = subject.partition("/")
        self.ship(order_id, list_id)

    def _waiting(self, order_id: str, which: str) -> list[Job]:
        jobs = [
            job
            for job in (self._jobs.owned(order_id) if order_id else [])
            if which in {"", job.picking_list_id, job.warehouse_id}
        ]
        if not jobs:
            named = f" {which}" if which else ""
            raise NotKnown(f"the warehouse has no picking list{named} of order {order_id}")
        waiting = [job for job in jobs if job.status == "accepted"]
        if not waiting:
            raise Conflict(f"picking list {jobs[-1].picking_list_id} is {jobs[-1].status}")
        return waiting

    def _save(self, job: Job) -> None:
        self._jobs.put(job.picking_list_id, job, owner=job.order_id)

    def _tell(self, job: Job, event: str, **details: object) -> None:
        event_id = str(uuid4())
        body = {
            "eventId": event_id,
            "orderId": job.order_id,
            "pickingListId": job.picking_list_id,
            "warehouseId": job.warehouse_id,
            "event": event,
            **details,
        }
        self._world.outbox.send(
            PARTY,
            Event(
                event_id=event_id,
                type=event,
                body=json.dumps(body, ensure_ascii=False),
                order_id=job.order_id,
                ref=job.picking_list_id,
            ),
        )

    def _authenticated(self, request: Request) -> Response | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and secrets.compare_digest(key.encode(), self._secret.encode()):
            return None
        return json_response(_error(401, "unauthorized", "Bearer key missing or wrong."))


def callback_route(
    secret: str, *, party: str = PARTY, path: str = "/callbacks/shipping"
) -> CallbackRoute:
    """How parties call back that keep our contract: `X-Orderflow-Signature: t=<unix>,v1=<hex>`."""

    def sign(raw: bytes, *, truly: bool) -> dict[str, str]:
        now = int(time.time())
        key = secret if truly else "forged"
        digest = hmac.new(key.encode(), f"{now}.".encode() + raw, hashlib.sha256).hexdigest()
        return {"X-Orderflow-Signature": f"t={now},v1={digest}"}

    return CallbackRoute(party=party, path=path, sign=sign, delays=(1, 2, 4, 8, 16, 30), tries=20)


def read_missing(texts: Sequence[str]) -> list[MissingLine]:
    """Lines written as `MISSING` says: SKU:quantity or SKU:quantity:code."""
    read = [(*text.split(":"), "")[:3] for text in texts]
    return [MissingLine(sku=sku, quantity=int(units), code=code) for sku, units, code in read]


def _missing(lines: Sequence[MissingLine]) -> dict[str, object]:
    told = [line.model_dump(by_alias=True) for line in lines]
    return {"missing": told} if told else {}


def _job_answer(job: Job, verdict: str) -> Answer:
    match job.status:
        case "cancelled":
            return _error(409, "cancelled", "This picking list was cancelled.")
        case "refused" if job.refused_at_once:
            return _error(422, job.code, job.message)
        case _:
            body = {"status": "accepted", "estimatedShipAt": job.estimated_ship_at}
            return Answer(202, body, verdict=verdict)


def _view(job: Job) -> dict[str, object]:
    return {
        "pickingListId": job.picking_list_id,
        "orderId": job.order_id,
        "orderNumber": job.order_number,
        "warehouseId": job.warehouse_id,
        "status": job.status,
        "open": job.status == "accepted",
        "units": job.units,
        "trackingNumber": job.tracking_number,
    }


def _views(jobs: Sequence[Job]) -> dict[str, object]:
    """The first list as ever, and all of them under `pickingLists`."""
    return {**_view(jobs[0]), "pickingLists": [_view(job) for job in jobs]}


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message}, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    if status == 429:
        body = {"code": "too_many_requests", "message": "Come back later."}
        return Answer(429, body, rate_limit_headers(fault), verdict="rejected")
    return _error(status, "internal", "The warehouse's system failed.")
