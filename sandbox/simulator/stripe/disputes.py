"""Disputes: customers who ask their bank, not us, for the money back.

https://docs.stripe.com/disputes. The charge stays disputed whatever the bank decides in the end.
"""

from __future__ import annotations

from sandbox.simulator.errors import Conflict
from sandbox.simulator.store import Collection
from sandbox.simulator.stripe.books import Books
from sandbox.simulator.stripe.events import Origin, emit
from sandbox.simulator.stripe.model import Dispute, DisputeStatus, Intent
from sandbox.simulator.stripe.shapes import dispute_object
from sandbox.simulator.world import World


class Disputes:
    """The disputes; every method belongs to the caller's transaction."""

    def __init__(self, world: World, books: Books) -> None:
        self._world = world
        self._books = books
        self._disputes = Collection(world.store, "stripe.dispute", Dispute)

    def open(self, payment_id: str) -> Intent:
        """The customer turns to the bank.

        Raises:
            Conflict: there is no money to dispute, or it is disputed already.
        """
        intent, charge = self._books.paid(payment_id)
        if charge.disputed:
            raise Conflict(f"{charge.id} is disputed already")
        charge.disputed = True
        self._books.charges.put(charge.id, charge, owner=intent.id)
        dispute = Dispute(
            intent_id=intent.id,
            charge_id=charge.id,
            amount=charge.amount - charge.amount_refunded,
            currency=charge.currency,
        )
        self._tell(dispute, intent, "charge.dispute.created")
        return intent

    def close(self, payment_id: str, status: DisputeStatus) -> Intent:
        """The bank decides.

        Raises:
            Conflict: no dispute of this payment is open.
        """
        intent = self._books.intent_of(payment_id)
        for dispute in self._disputes.owned(intent.id):
            if dispute.status is DisputeStatus.NEEDS_RESPONSE:
                dispute.status = status
                self._tell(dispute, intent, "charge.dispute.closed")
                return intent
        raise Conflict(f"payment intent {intent.id} has no open dispute")

    def _tell(self, dispute: Dispute, intent: Intent, kind: str) -> None:
        self._disputes.put(dispute.id, dispute, owner=intent.id)
        emit(self._world.outbox, kind, dispute_object(dispute), intent, Origin())
