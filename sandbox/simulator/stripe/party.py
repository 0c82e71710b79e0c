"""Stripe as a party: its paths, and what its customers and banks can do."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import Route

from sandbox.simulator.errors import Conflict
from sandbox.simulator.stripe.books import Books
from sandbox.simulator.stripe.disputes import Disputes
from sandbox.simulator.stripe.door import Door, Perform
from sandbox.simulator.stripe.events import PARTY, SUBSCRIBED, Origin, webhook_route
from sandbox.simulator.stripe.model import (
    OPEN,
    DisputeStatus,
    Intent,
    IntentStatus,
    Refund,
    RefundStatus,
)
from sandbox.simulator.stripe.operations import Operations, Shape
from sandbox.simulator.stripe.params import Form
from sandbox.simulator.world import Move, World

_PAY = "stripe.pay"


class Stripe:
    """Stripe's API under `/v1`, its webhooks, and the people at its other end."""

    name = PARTY

    def __init__(self, world: World) -> None:
        self._world = world
        self._books = Books(world)
        self._disputes = Disputes(world, self._books)
        self._door = Door(world, self._books)
        self._calls = Operations(self._books)
        calls = self._calls
        self._table: dict[str, tuple[str, str, Perform]] = {
            "create": ("POST", "/v1/payment_intents", self._create),
            "retrieve": ("GET", "/v1/payment_intents/{id}", calls.retrieve),
            "confirm": ("POST", "/v1/payment_intents/{id}/confirm", calls.confirm),
            "cancel": ("POST", "/v1/payment_intents/{id}/cancel", calls.cancel),
            "refund": ("POST", "/v1/refunds", calls.refund),
            "list_refunds": ("GET", "/v1/refunds", calls.list_refunds),
            "retrieve_refund": ("GET", "/v1/refunds/{id}", calls.retrieve_refund),
        }
        secret = world.config.stripe_webhook_secret.get_secret_value()
        world.outbox.add_route(webhook_route(secret))
        world.schedule.add_action(_PAY, self.pay)

    @property
    def operations(self) -> frozenset[str]:
        """What it can be asked, and the events that it calls back with."""
        return frozenset(self._table) | SUBSCRIBED

    @property
    def moves(self) -> Mapping[str, Move]:
        """What the bank can do besides: to decide a dispute."""
        return {
            "dispute-win": lambda payment_id, _: self._decide(payment_id, DisputeStatus.WON),
            "dispute-lose": lambda payment_id, _: self._decide(payment_id, DisputeStatus.LOST),
        }

    def routes(self) -> list[Route]:
        """Its real paths."""
        return [
            Route(path, self._door.endpoint(operation, perform), methods=[method])
            for operation, (method, path, perform) in self._table.items()
        ]

    def pay(
        self, payment_id: str, *, force: bool = False, amount: int | None = None
    ) -> Mapping[str, object]:
        """The customer pays; `force` makes money arrive for a canceled intent as well."""
        intent = self._books.intent_of(payment_id)
        if intent.status is IntentStatus.CANCELED and not force:
            raise Conflict(f"{intent.id} is canceled; add ?force=true for money that comes late")
        if intent.status is not IntentStatus.SUCCEEDED:
            intent = self._books.succeed(intent, Origin(), amount=amount)
        return self._view(intent)

    def decline(self, payment_id: str, code: str) -> Mapping[str, object]:
        """The customer's card is declined with Stripe's decline code `code`."""
        intent = self._open_intent(payment_id)
        return self._view(self._books.decline(intent, code or "generic_decline", Origin()))

    def process(self, payment_id: str) -> Mapping[str, object]:
        """The customer pays by a method that takes its time."""
        intent = self._open_intent(payment_id)
        return self._view(self._books.wait(intent, IntentStatus.PROCESSING, Origin()))

    def settle_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank lets the pending refund through."""
        intent = self._books.intent_of(payment_id)
        return _refund_view(self._books.settle(intent, refund_id))

    def fail_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank returns the refund."""
        intent = self._books.intent_of(payment_id)
        return _refund_view(self._books.fail(intent, refund_id))

    def refund_outside(self, payment_id: str, amount: int | None) -> Mapping[str, object]:
        """Somebody refunds in Stripe's dashboard: nothing of ours is in the refund's metadata."""
        intent, charge = self._books.paid(payment_id)
        left = charge.amount - charge.amount_refunded
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            raise Conflict(f"{charge.id} has {left} left to refund, not {wanted}")
        refund = Refund(
            intent_id=intent.id,
            charge_id=charge.id,
            amount=wanted,
            currency=charge.currency,
            status=RefundStatus.SUCCEEDED,
        )
        self._books.refund(refund, charge, intent, Origin())
        return _refund_view(refund)

    def dispute(self, payment_id: str) -> Mapping[str, object]:
        """The customer wants the money back through the bank."""
        return self._view(self._disputes.open(payment_id))

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The payments as Stripe holds them, newest first."""
        intents = self._books.intents.latest(limit)
        chosen = [i for i in intents if not order_id or i.order_id == order_id]
        return {"payments": [self._view(intent) for intent in chosen]}

    def _create(self, reference: str, form: Form, origin: Origin) -> Shape:
        shape = self._calls.create(reference, form, origin)
        intent = self._books.intents.get(str(shape["id"]))
        if intent is not None and intent.payment_id and intent.status in OPEN:
            seconds = self._world.schedule.defaults.auto_pay
            self._world.schedule.after(seconds, _PAY, intent.payment_id)
        return shape

    def _decide(self, payment_id: str, status: DisputeStatus) -> Mapping[str, object]:
        return self._view(self._disputes.close(payment_id, status))

    def _open_intent(self, payment_id: str) -> Intent:
        intent = self._books.intent_of(payment_id)
        if intent.status not in OPEN:
            raise Conflict(f"{intent.id} is {intent.status}")
        return intent

    def _view(self, intent: Intent) -> dict[str, object]:
        charge = self._books.charges.get(intent.latest_charge or "")
        return {
            "gateway": PARTY,
            "paymentId": intent.payment_id,
            "orderId": intent.order_id,
            "providerRef": intent.id,
            "status": intent.status.value,
            "open": intent.status in OPEN,
            "amount": intent.amount,
            "currency": intent.currency.upper(),
            "captured": intent.amount_received,
            "refunded": charge.amount_refunded if charge else 0,
            "refunds": [_refund_view(refund) for refund in self._books.refunds.owned(intent.id)],
        }


def _refund_view(refund: Refund) -> dict[str, object]:
    return {
        "refundId": refund.metadata.get("refund_id", ""),
        "providerRef": refund.id,
        "status": refund.status.value,
        "amount": refund.amount,
        "currency": refund.currency.upper(),
    }
