"""Stripe's books: how payment intents, charges and refunds move, and what is told about it."""

from __future__ import annotations

import time
from secrets import token_hex

from sandbox.simulator.errors import Conflict, NotKnown
from sandbox.simulator.store import Collection
from sandbox.simulator.stripe.errors import decline_words
from sandbox.simulator.stripe.events import Origin, emit
from sandbox.simulator.stripe.model import (
    OPEN,
    Charge,
    Decline,
    Intent,
    IntentStatus,
    Refund,
    RefundStatus,
)
from sandbox.simulator.stripe.params import CreateIntent
from sandbox.simulator.stripe.shapes import charge_object, intent_object, refund_object
from sandbox.simulator.world import World


class Books:
    """The state; every method belongs to the caller's transaction."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.intents = Collection(world.store, "stripe.intent", Intent)
        self.charges = Collection(world.store, "stripe.charge", Charge)
        self.refunds = Collection(world.store, "stripe.refund", Refund)

    def open_intent(self, params: CreateIntent) -> Intent:
        """A new intent that waits for its customer."""
        automatic = params.automatic_payment_methods.get("enabled") == "true"
        intent = Intent(
            client_secret="",
            amount=params.amount,
            currency=params.currency.lower(),
            metadata=params.metadata,
            payment_method=params.payment_method,
            payment_method_types=params.allowed_payment_method_types or params.payment_method_types,
            automatic_payment_methods=automatic,
            description=params.description,
            receipt_email=params.receipt_email,
            statement_descriptor=params.statement_descriptor,
            statement_descriptor_suffix=params.statement_descriptor_suffix,
        )
        intent.client_secret = f"{intent.id}_secret_{token_hex(12)}"
        if params.payment_method:
            intent.status = IntentStatus.REQUIRES_CONFIRMATION
        self._save(intent)
        return intent

    def intent_of(self, payment_id: str) -> Intent:
        """The intent of our payment: the open one, else the newest.

        Raises:
            NotKnown: there is none.
        """
        intents = self.intents.owned(payment_id) if payment_id else []
        if not intents:
            raise NotKnown(f"Stripe knows no payment intent with metadata payment_id={payment_id}")
        return next((i for i in reversed(intents) if i.status in OPEN), intents[-1])

    def paid(self, payment_id: str) -> tuple[Intent, Charge]:
        """The paid intent of our payment, and the charge that paid it.

        Raises:
            NotKnown: there is no intent.
            Conflict: it is not paid.
        """
        intent = self.intent_of(payment_id)
        charge = self.charges.get(intent.latest_charge or "")
        if intent.status is not IntentStatus.SUCCEEDED or charge is None:
            raise Conflict(f"{intent.id} is {intent.status}, not paid")
        return intent, charge

    def succeed(
        self, intent: Intent, origin: Origin, *, method: str = "", amount: int | None = None
    ) -> Intent:
        """The money arrives; `amount` makes it another amount than was asked for."""
        received = intent.amount if amount is None else amount
        charge = Charge(
            intent_id=intent.id,
            amount=received,
            currency=intent.currency,
            metadata=intent.metadata,
            payment_method=method or "pm_" + token_hex(12),
        )
        self.charges.put(charge.id, charge, owner=intent.id)
        intent.status = IntentStatus.SUCCEEDED
        intent.amount_received = received
        intent.latest_charge = charge.id
        intent.payment_method = charge.payment_method
        intent.last_decline = None
        intent.canceled_at = intent.cancellation_reason = None
        return self._changed(intent, "payment_intent.succeeded", origin)

    def decline(self, intent: Intent, code: str, origin: Origin, *, method: str = "") -> Intent:
        """The card is declined; the intent stays open for another try."""
        error_code, decline_code, message = decline_words(code)
        charge = Charge(
            intent_id=intent.id,
            amount=intent.amount,
            currency=intent.currency,
            metadata=intent.metadata,
            payment_method=method or "pm_" + token_hex(12),
            failure_code=error_code,
            failure_message=message,
            decline_code=decline_code,
        )
        self.charges.put(charge.id, charge, owner=intent.id)
        intent.status = IntentStatus.REQUIRES_PAYMENT_METHOD
        intent.latest_charge = charge.id
        intent.payment_method = None
        intent.last_decline = Decline(
            code=error_code,
            decline_code=decline_code,
            message=message,
            charge=charge.id,
            payment_method=charge.payment_method,
        )
        return self._changed(intent, "payment_intent.payment_failed", origin)

    def wait(self, intent: Intent, status: IntentStatus, origin: Origin) -> Intent:
        """The payment is neither made nor declined yet."""
        intent.status = status
        return self._changed(intent, f"payment_intent.{status.value}", origin)

    def cancel(self, intent: Intent, reason: str | None, origin: Origin) -> Intent:
        """Close the intent."""
        intent.status = IntentStatus.CANCELED
        intent.canceled_at = int(time.time())
        intent.cancellation_reason = reason
        return self._changed(intent, "payment_intent.canceled", origin)

    def refund(self, refund: Refund, charge: Charge, intent: Intent, origin: Origin) -> None:
        """Book a refund; a pending one counts at once, as it does at Stripe."""
        charge.amount_refunded += refund.amount
        self.charges.put(charge.id, charge, owner=intent.id)
        self.refunds.put(refund.id, refund, owner=intent.id)
        outbox = self._world.outbox
        emit(outbox, "refund.created", refund_object(refund), intent, origin)
        emit(outbox, "charge.refunded", charge_object(charge), intent, origin)

    def settle(self, intent: Intent, refund_id: str) -> Refund:
        """The bank lets a pending refund through.

        Raises:
            Conflict: no refund of this payment is pending.
        """
        refund = self._refund_in(intent, refund_id, {RefundStatus.PENDING})
        refund.status = RefundStatus.SUCCEEDED
        self._refund_changed(refund, intent, "refund.updated")
        return refund

    def fail(self, intent: Intent, refund_id: str) -> Refund:
        """The bank returns a refund, even one that seemed to have succeeded.

        Raises:
            Conflict: this payment has no refund that could fail.
        """
        refund = self._refund_in(intent, refund_id, {RefundStatus.PENDING, RefundStatus.SUCCEEDED})
        charge = self.charges.get(refund.charge_id)
        assert charge is not None
        charge.amount_refunded -= refund.amount
        self.charges.put(charge.id, charge, owner=intent.id)
        refund.status = RefundStatus.FAILED
        refund.failure_reason = "expired_or_canceled_card"
        self._refund_changed(refund, intent, "refund.updated", "refund.failed")
        return refund

    def _refund_in(self, intent: Intent, refund_id: str, states: set[RefundStatus]) -> Refund:
        for refund in reversed(self.refunds.owned(intent.id)):
            named = not refund_id or refund_id in {refund.id, refund.metadata.get("refund_id")}
            if named and refund.status in states:
                return refund
        wanted = " or ".join(sorted(states))
        raise Conflict(f"payment intent {intent.id} has no refund that is {wanted}")

    def _refund_changed(self, refund: Refund, intent: Intent, *kinds: str) -> None:
        self.refunds.put(refund.id, refund, owner=intent.id)
        for kind in kinds:
            emit(self._world.outbox, kind, refund_object(refund), intent, Origin())

    def _changed(self, intent: Intent, kind: str, origin: Origin) -> Intent:
        self._save(intent)
        emit(self._world.outbox, kind, intent_object(intent), intent, origin)
        return intent

    def _save(self, intent: Intent) -> None:
        self.intents.put(intent.id, intent, owner=intent.payment_id)
