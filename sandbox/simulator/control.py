"""The control API under `/_sim/`: what customers, pickers, couriers and fate do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import StringConstraints

from domain.tracking import TrackingStatus
from sandbox.simulator.carrier import Carrier
from sandbox.simulator.errors import Conflict, NotKnown, Unprocessable
from sandbox.simulator.gate import json_response
from sandbox.simulator.holdings import Holdings
from sandbox.simulator.journal import Entry
from sandbox.simulator.messaging import Messengers
from sandbox.simulator.scenarios import Scenario
from sandbox.simulator.schedule import Defaults
from sandbox.simulator.supplier import Supplier
from sandbox.simulator.warehouse import MISSING, Warehouse, read_missing
from sandbox.simulator.world import Answer, Party, PaymentParty, World

Done = Mapping[str, object]
_Missing = Annotated[str, StringConstraints(pattern=MISSING)]
Limit = Annotated[int, Query(ge=1, le=100_000)]


class Control:
    """The control endpoints over all parties."""

    def __init__(
        self,
        world: World,
        *,
        payments: Mapping[str, PaymentParty],
        warehouse: Warehouse,
        supplier: Supplier,
        carrier: Carrier,
        parties: Sequence[Party],
        messengers: Messengers,
        holdings: Holdings,
    ) -> None:
        self._world = world
        self._payments = payments
        self._warehouse = warehouse
        self._supplier = supplier
        self._carrier = carrier
        self._parties = parties
        self._messengers = messengers
        self._holdings = holdings
        self.router = APIRouter(prefix="/_sim")
        self._add_scenario_routes()
        self._add_journal_routes()
        self._add_supply_routes()
        self._add_message_routes()
        # Last: its three free segments would swallow the paths above.
        self._add_move_routes()

    def _add_supply_routes(self) -> None:
        @self.router.post("/supplies/{supply_id}/{action}")
        async def move_supply(
            request: Request,
            supply_id: str,
            action: str,
            quantity: Annotated[int | None, Query(ge=1)] = None,
            *,
            complete: bool | None = None,
            reason: str = "",
        ) -> Response:
            """Deliver all that is left or `quantity`; or let the supplier refuse after all."""
            moves: dict[str, Callable[[], Done]] = {
                "deliver": lambda: self._supplier.deliver(supply_id, quantity, complete=complete),
                "refuse": lambda: self._supplier.refuse(supply_id, reason),
            }
            return self._moved(request, "supplier", action, moves, ref=supply_id)

    def _add_message_routes(self) -> None:
        post = self.router.post

        @post("/messages/{provider}/{message_id}/{status}")
        async def report_message(
            request: Request, provider: str, message_id: str, status: str, code: str = ""
        ) -> Response:
            operators = {
                "twilio": self._messengers.twilio.report,
                "aliyun": self._messengers.aliyun.report,
            }
            if provider not in operators:
                raise NotKnown(f"nobody reports to {provider!r}")
            moves = {status: lambda: operators[provider](message_id, status, code)}
            return self._moved(request, provider, status, moves, ref=message_id)

    def _add_move_routes(self) -> None:
        post = self.router.post

        @post("/shipments/{order_id}/{action}")
        async def move_shipment(
            request: Request,
            order_id: str,
            action: str,
            missing: Annotated[list[_Missing], Query()] = [],  # noqa: B006 - FastAPI copies it
            *,
            reason: str = "",
            which: str = "",
            carrier: str = "",
        ) -> Response:
            """All of the order's picking lists, or `which`: a list's id, or a warehouse's.

            Without what is `missing`: each as SKU:quantity or SKU:quantity:code.
            """
            lacks = read_missing(missing)
            moves: dict[str, Callable[[], Done]] = {
                "ship": lambda: self._warehouse.ship(order_id, which, lacks, carrier),
                "refuse": lambda: self._warehouse.refuse(order_id, reason, which, lacks),
            }
            return self._moved(request, "warehouse", action, moves, order_id=order_id)

        @post("/parcels/{tracking_number}/{status}")
        async def move_parcel(request: Request, tracking_number: str, status: str) -> Response:
            def move(to: TrackingStatus) -> Callable[[], Done]:
                return lambda: {
                    "trackingNumber": tracking_number,
                    "status": self._carrier.move(tracking_number, to).status.value,
                }

            moves = {to.value: move(to) for to in TrackingStatus}
            return self._moved(request, "carrier", status, moves, ref=tracking_number)

        @post("/{gateway}/{payment_id}/{action}")
        async def move_payment(
            request: Request,
            gateway: str,
            payment_id: str,
            action: str,
            *,
            force: bool = False,
            amount: Annotated[int | None, Query(ge=0)] = None,
            code: str = "",
            refund_id: str = "",
        ) -> Response:
            party = self._payments.get(gateway)
            if party is None:
                raise NotKnown(f"no gateway {gateway!r}; there is: {', '.join(self._payments)}")
            moves: dict[str, Callable[[], Done]] = {
                "pay": lambda: party.pay(payment_id, force=force, amount=amount),
                "decline": lambda: party.decline(payment_id, code),
                "process": lambda: party.process(payment_id),
                "refund-settle": lambda: party.settle_refund(payment_id, refund_id),
                "refund-fail": lambda: party.fail_refund(payment_id, refund_id),
                "refund-outside": lambda: party.refund_outside(payment_id, amount),
                "dispute": lambda: party.dispute(payment_id),
            }
            for name, move in party.moves.items():
                moves[name] = partial(move, payment_id, request.query_params)
            return self._moved(request, gateway, action, moves, payment_id=payment_id)

        @post("/redeliver/{event_id}")
        async def redeliver(request: Request, event_id: str) -> Response:
            def again() -> Done:
                if not self._world.outbox.redeliver(event_id):
                    raise NotKnown(f"there is no event {event_id}")
                return {"eventId": event_id}

            return self._moved(request, "outbox", "redeliver", {"redeliver": again}, ref=event_id)

    def _moved(
        self,
        request: Request,
        party: str,
        action: str,
        moves: Mapping[str, Callable[[], Done]],
        *,
        order_id: str = "",
        payment_id: str = "",
        ref: str = "",
    ) -> Response:
        if action not in moves:
            raise Unprocessable(f"{action!r} is none of: {', '.join(moves)}")
        of_page = "text/html" in request.headers.get("accept", "")
        entry = Entry(
            party=party,
            kind="control",
            operation=action,
            order_id=order_id,
            payment_id=payment_id,
            ref=ref,
            status=200,
            verdict="committed",
        )
        try:
            result = self._done(moves[action], entry)
        except (NotKnown, Conflict) as refusal:
            if of_page:
                return _back_to_page(str(refusal))
            raise
        return _back_to_page() if of_page else json_response(Answer(200, result))

    def _done(self, move: Callable[[], Done], entry: Entry) -> Done:
        journal = self._world.journal
        with self._world.store.transaction():
            result = move()
            # A refund that a move shows does not tell its order; what was written before does.
            order_id = str(result.get("orderId", "")) or journal.order_of(entry.payment_id)
            entry.order_id = entry.order_id or order_id
            entry.ref = entry.ref or str(result.get("providerRef", ""))
            journal.write(entry)
        return result

    def _add_scenario_routes(self) -> None:
        scenarios, schedule = self._world.scenarios, self._world.schedule

        @self.router.post("/scenario", status_code=201)
        async def add_scenario(scenario: Scenario) -> Scenario:
            known = {party.name: party.operations for party in self._parties}
            if scenario.party not in known:
                raise Unprocessable(f"no party {scenario.party!r}; there is: {', '.join(known)}")
            operations = sorted(known[scenario.party])
            if scenario.operation not in {"*", *operations}:
                raise Unprocessable(
                    f"{scenario.party} has no operation {scenario.operation!r};"
                    f" there is: *, {', '.join(operations)}"
                )
            scenarios.add(scenario)
            return scenario

        @self.router.get("/scenario")
        async def list_scenarios() -> dict[str, list[Scenario]]:
            return {"scenarios": scenarios.left()}

        @self.router.delete("/scenario", status_code=204)
        async def call_off_scenarios() -> None:
            scenarios.clear()

        @self.router.get("/scenario/defaults")
        async def show_defaults() -> Defaults:
            return schedule.defaults

        @self.router.post("/scenario/defaults")
        async def set_defaults(defaults: Defaults) -> Defaults:
            merged = schedule.defaults.model_copy(
                update=defaults.model_dump(include=defaults.model_fields_set)
            )
            schedule.defaults = merged
            return merged

    def _add_journal_routes(self) -> None:
        journal = self._world.journal

        @self.router.get("/journal")
        async def read_journal(
            order_id: str = "", payment_id: str = "", party: str = "", limit: Limit = 200
        ) -> dict[str, list[Entry]]:
            entries = journal.read(
                order_id=order_id, payment_id=payment_id, party=party, limit=limit
            )
            return {"entries": entries}

        @self.router.delete("/journal", status_code=204)
        async def clear_journal() -> None:
            journal.clear()

        @self.router.get("/state")
        async def show_state(order_id: str = "", limit: Limit = 1000) -> Response:
            return json_response(Answer(200, self._holdings.shown(order_id, limit)))

        @self.router.get("/health")
        async def health() -> dict[str, int]:
            return {"undelivered": len(self._world.outbox.undelivered())}


def _back_to_page(refusal: str = "") -> Response:
    query = "?" + urlencode({"refused": refusal}) if refusal else ""
    return RedirectResponse(f"/_sim/{query}", 303)
