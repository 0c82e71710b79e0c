"""What all parties share: state, journal, misfortunes, callbacks; and what makes a party."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.routing import Route as HttpRoute

from sandbox.simulator.config import SimulatorConfig
from sandbox.simulator.journal import Journal
from sandbox.simulator.outbox import Outbox
from sandbox.simulator.scenarios import Scenarios
from sandbox.simulator.schedule import Schedule
from sandbox.simulator.store import Store


@dataclass(frozen=True, slots=True)
class Answer:
    """What a party answers; `verdict` is for the journal.

    `raw` are the bytes on the wire where these are signed; otherwise `body` is sent as JSON.
    """

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    verdict: str = "committed"
    ref: str = ""
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a request is about, for the journal and for matching scenarios."""

    order_id: str = ""
    payment_id: str = ""
    ref: str = ""
    idempotency_key: str = ""
    amount: str = ""
    refund_id: str = ""

    def named(self) -> dict[str, str]:
        """The facts as scenarios name them."""
        return {
            "orderId": self.order_id,
            "paymentId": self.payment_id,
            "ref": self.ref,
            "idempotencyKey": self.idempotency_key,
            "amount": self.amount,
            "refundId": self.refund_id,
        }


class Party(Protocol):
    """One party outside the house."""

    @property
    def name(self) -> str:
        """Its name in scenarios and in the journal."""

    @property
    def operations(self) -> frozenset[str]:
        """What it can be asked, and the events that it calls back with."""

    def routes(self) -> list[HttpRoute]:
        """Its real paths."""

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """What it holds, newest first; of all orders if `order_id` is empty."""


class Move(Protocol):
    """Something that only one provider's customers can do, with the control request's query."""

    def __call__(self, payment_id: str, query: Mapping[str, str]) -> Mapping[str, object]:
        """Do it, and show the payment."""


class PaymentParty(Party, Protocol):
    """A payment provider: what its customer and its bank can do. All name *our* payment id.

    Raises NotKnown or Conflict when that cannot be.
    """

    @property
    def moves(self) -> Mapping[str, Move]:
        """What its customers can do besides, by name: to approve, to scan a code."""

    def pay(self, payment_id: str, *, force: bool, amount: int | None) -> Mapping[str, object]:
        """The customer pays."""

    def decline(self, payment_id: str, code: str) -> Mapping[str, object]:
        """The customer tries to pay and is declined."""

    def process(self, payment_id: str) -> Mapping[str, object]:
        """The customer pays by a slow method: neither paid nor declined yet."""

    def settle_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank lets the refund through."""

    def fail_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank returns the refund."""

    def refund_outside(self, payment_id: str, amount: int | None) -> Mapping[str, object]:
        """Somebody refunds in the provider's own dashboard; all that is left without `amount`."""

    def dispute(self, payment_id: str) -> Mapping[str, object]:
        """The customer wants the money back through the bank."""


class World:
    """The simulator's common ground."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.store = Store(config.sim_state)
        self.journal = Journal(self.store)
        self.scenarios = Scenarios(self.store)
        self.outbox = Outbox(self.store, self.journal, self.scenarios, config.sim_callback_url)
        self.schedule = Schedule(self.store)

    def start(self) -> None:
        """Open the state and go on where an earlier run stopped."""
        self.store.open()
        self.outbox.start()
        self.schedule.start()

    async def stop(self) -> None:
        """Stop acting and close the state."""
        self.schedule.stop()
        await self.outbox.stop()
        self.store.close()
