"""The supplier: takes supply orders, delivers or not, and tells us so.

The contract is our own: `docs/supplier.md`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.inventory import MOST_RECEIVED
from domain.supply import SupplyOrder
from sandbox.simulator.errors import Conflict, NotKnown, Unprocessable
from sandbox.simulator.gate import Gate, json_response, rate_limit_headers
from sandbox.simulator.outbox import Event
from sandbox.simulator.scenarios import Behavior, Scenario
from sandbox.simulator.store import Collection
from sandbox.simulator.warehouse import callback_route
from sandbox.simulator.world import Answer, Facts, World

PARTY = "supplier"
_DELIVER = "supplier.deliver"


class Consignment(BaseModel):
    """What came under one delivery note."""

    delivery_id: str
    quantity: int
    complete: bool
    arrived_at: str


class Supply(BaseModel):
    """What became of one supply order."""

    order: SupplyOrder
    status: Literal["accepted", "delivered", "refused"]
    supplier_ref: str
    expected_at: str
    refused_at_once: bool = False
    code: str = ""
    reason: str = ""
    deliveries: list[Consignment] = []

    @property
    def left(self) -> int:
        """How many have not been delivered."""
        return max(0, self.order.quantity - sum(each.quantity for each in self.deliveries))


class Supplier:
    """The supplier's API under `/supplier`, and its lorries."""

    name = PARTY
    operations = frozenset({"supply_order", "look", "arrived", "refused"})

    def __init__(self, world: World) -> None:
        self._world = world
        self._supplies = Collection(world.store, "supplier.supply", Supply)
        self._gate = Gate(world, PARTY, _misfortune)
        self._secret = world.config.supplier_api_key.get_secret_value()
        world.outbox.add_route(
            callback_route(
                world.config.supply_callback_secret.get_secret_value(),
                party=PARTY,
                path="/callbacks/supply",
            )
        )
        world.schedule.add_action(_DELIVER, self.deliver)

    def routes(self) -> list[Route]:
        """Its paths."""
        base = "/supplier/supply-orders"
        return [
            Route(base, self._order, methods=["POST"]),
            Route(base + "/{id}", self._look, methods=["GET"]),
        ]

    def deliver(
        self, supply_id: str, quantity: int | None = None, *, complete: bool | None = None
    ) -> dict[str, object]:
        """Goods arrive: all that is left, or `quantity`; whether more will come if that is less.

        Raises:
            NotKnown: there is no such supply order.
            Conflict: nothing is left of it to deliver.
            Unprocessable: nobody can deliver so many.
        """
        supply = self._open(supply_id)
        brought = supply.left if quantity is None else quantity
        if not 0 < brought <= MOST_RECEIVED:
            raise Unprocessable(f"a delivery has 1 to {MOST_RECEIVED} pieces, not {brought}")
        done = brought >= supply.left if complete is None else complete
        consignment = Consignment(
            delivery_id=f"DN-{secrets.token_hex(5)}",
            quantity=brought,
            complete=done,
            arrived_at=datetime.now(UTC).isoformat(),
        )
        supply.deliveries.append(consignment)
        supply.status = "delivered" if done else "accepted"
        self._save(supply)
        self._tell(
            supply,
            "arrived",
            deliveryId=consignment.delivery_id,
            quantity=brought,
            complete=done,
            arrivedAt=consignment.arrived_at,
        )
        return _view(supply)

    def refuse(self, supply_id: str, reason: str = "") -> dict[str, object]:
        """What is left of an accepted order will not come after all.

        Raises:
            NotKnown: there is no such supply order.
            Conflict: nothing is left of it.
        """
        supply = self._open(supply_id)
        supply.status, supply.reason = "refused", reason or "The maker does not deliver."
        self._save(supply)
        self._tell(supply, "refused", reason=supply.reason)
        return _view(supply)

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The supply orders, newest first; they belong to no customer's order."""
        if order_id:
            return {"supplyOrders": []}
        return {"supplyOrders": [_view(supply) for supply in self._supplies.latest(limit)]}

    async def _order(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        key = request.headers.get("idempotency-key", "")
        try:
            wanted = SupplyOrder.model_validate_json(await request.body())
        except ValidationError as error:
            return json_response(_error(422, "invalid", str(error.errors()[0]["msg"])))
        if key != wanted.supply_id:
            message = "Idempotency-Key must be the supply order's id."
            return json_response(_error(400, "idempotency_key", message))
        facts = Facts(ref=wanted.supply_id, idempotency_key=key, amount=str(wanted.quantity))
        return await self._gate.pass_through(
            request, "supply_order", facts, lambda fault: self._take(wanted, fault)
        )

    async def _look(self, request: Request) -> Response:
        refused = self._authenticated(request)
        if refused is not None:
            return refused
        supply_id = request.path_params["id"]
        return await self._gate.pass_through(
            request, "look", Facts(ref=supply_id), lambda _: self._shown(supply_id)
        )

    def _take(self, wanted: SupplyOrder, fault: Scenario | None) -> Answer:
        supply = self._supplies.get(wanted.supply_id)
        if supply is not None:
            if supply.order != wanted:
                return _error(409, "key_reused", "This id stands for another supply order.")
            return _answer(supply, "replayed")
        supply = Supply(
            order=wanted,
            status="accepted",
            supplier_ref=f"SO-{secrets.token_hex(4).upper()}",
            expected_at=(datetime.now(UTC) + timedelta(days=2)).isoformat(),
        )
        if fault is not None and fault.behavior in {Behavior.REFUSE, Behavior.REJECT}:
            supply.status, supply.refused_at_once = "refused", True
            supply.code = fault.code or "discontinued"
            supply.reason = fault.message or "The supplier does not have it any more."
        self._save(supply)
        if supply.status == "accepted":
            schedule = self._world.schedule
            schedule.after(schedule.defaults.auto_supply, _DELIVER, wanted.supply_id)
        return _answer(supply, "committed")

    def _shown(self, supply_id: str) -> Answer:
        supply = self._supplies.get(supply_id)
        if supply is None:
            return _error(404, "not_found", "There is no such supply order.")
        return Answer(200, _view(supply), verdict="read")

    def _open(self, supply_id: str) -> Supply:
        supply = self._supplies.get(supply_id)
        if supply is None:
            raise NotKnown(f"the supplier has no supply order {supply_id}")
        if supply.status != "accepted":
            raise Conflict(f"supply order {supply_id} is {supply.status}")
        return supply

    def _save(self, supply: Supply) -> None:
        self._supplies.put(supply.order.supply_id, supply, owner=supply.order.sku)

    def _tell(self, supply: Supply, event: str, **details: object) -> None:
        event_id, supply_id = str(uuid4()), supply.order.supply_id
        body = {"eventId": event_id, "supplyId": supply_id, "event": event, **details}
        self._world.outbox.send(
            PARTY,
            Event(
                event_id=event_id,
                type=event,
                body=json.dumps(body, ensure_ascii=False),
                ref=supply_id,
            ),
        )

    def _authenticated(self, request: Request) -> Response | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and secrets.compare_digest(key.encode(), self._secret.encode()):
            return None
        return json_response(_error(401, "unauthorized", "Bearer key missing or wrong."))


def _answer(supply: Supply, verdict: str) -> Answer:
    if supply.refused_at_once:
        return _error(422, supply.code, supply.reason)
    body = {
        "status": "accepted",
        "supplierRef": supply.supplier_ref,
        "expectedAt": supply.expected_at,
    }
    return Answer(202, body, verdict=verdict)


def _view(supply: Supply) -> dict[str, object]:
    return {
        "supplyId": supply.order.supply_id,
        "warehouseId": supply.order.warehouse_id,
        "sku": supply.order.sku,
        "quantity": supply.order.quantity,
        "left": supply.left,
        "status": supply.status,
        "open": supply.status == "accepted",
        "supplierRef": supply.supplier_ref,
        "expectedAt": supply.expected_at,
        "reason": supply.reason,
        "deliveries": [
            {
                "deliveryId": each.delivery_id,
                "quantity": each.quantity,
                "complete": each.complete,
                "arrivedAt": each.arrived_at,
            }
            for each in supply.deliveries
        ],
    }


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message}, verdict="rejected")


def _misfortune(status: int, fault: Scenario) -> Answer:
    if status == 429:
        body = {"code": "too_many_requests", "message": "Come back later."}
        return Answer(429, body, rate_limit_headers(fault), verdict="rejected")
    return _error(status, "internal", "The supplier's system failed.")
