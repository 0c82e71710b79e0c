"""What Stripe's API can be asked, each as Stripe itself would do or refuse it."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.simulator.stripe.books import Books
from sandbox.simulator.stripe.errors import StripeError, no_such, unexpected_state
from sandbox.simulator.stripe.events import Origin
from sandbox.simulator.stripe.model import (
    CANCELABLE,
    Charge,
    Intent,
    IntentStatus,
    Refund,
    RefundStatus,
)
from sandbox.simulator.stripe.params import (
    CancelIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    Form,
    ListRefunds,
    Params,
    Retrieve,
)
from sandbox.simulator.stripe.shapes import decline_object, intent_object, refund_object

Shape = dict[str, object]

# Stripe's test payment methods that do not simply succeed, https://docs.stripe.com/testing.
_DECLINING: Mapping[str, str] = {
    "chargeDeclined": "generic_decline",
    "chargeCustomerFail": "generic_decline",
    "chargeDeclinedInsufficientFunds": "insufficient_funds",
    "chargeDeclinedLostCard": "lost_card",
    "chargeDeclinedStolenCard": "stolen_card",
    "chargeDeclinedExpiredCard": "expired_card",
    "chargeDeclinedIncorrectCvc": "incorrect_cvc",
    "chargeDeclinedProcessingError": "processing_error",
}
_WAITING: Mapping[str, IntentStatus] = {
    "pm_card_authenticationRequired": IntentStatus.REQUIRES_ACTION,
    "pm_usBankAccount": IntentStatus.PROCESSING,
}
_CONFIRMABLE = frozenset(
    {
        IntentStatus.REQUIRES_PAYMENT_METHOD,
        IntentStatus.REQUIRES_CONFIRMATION,
        IntentStatus.REQUIRES_ACTION,
    }
)


class Operations:
    """The endpoints; each raises StripeError before it changes anything, or does it all."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, _: str, form: Form, origin: Origin) -> Shape:
        """POST /v1/payment_intents."""
        params = CreateIntent.read(form)
        intent = self._books.open_intent(params)
        if params.confirm:
            intent = self._confirm(intent, params.payment_method, origin)
        return self._shape(intent, params)

    def retrieve(self, intent_id: str, form: Form, _: Origin) -> Shape:
        """GET /v1/payment_intents/{id}."""
        return self._shape(self._intent(intent_id), Retrieve.read(form))

    def confirm(self, intent_id: str, form: Form, origin: Origin) -> Shape:
        """POST /v1/payment_intents/{id}/confirm."""
        params = ConfirmIntent.read(form)
        intent = self._intent(intent_id)
        if intent.status not in _CONFIRMABLE:
            raise unexpected_state(
                "You cannot confirm this PaymentIntent because it has a status of"
                f" {intent.status}.",
                intent_object(intent),
            )
        return self._shape(self._confirm(intent, params.payment_method, origin), params)

    def cancel(self, intent_id: str, form: Form, origin: Origin) -> Shape:
        """POST /v1/payment_intents/{id}/cancel."""
        params = CancelIntent.read(form)
        intent = self._intent(intent_id)
        if intent.status not in CANCELABLE:
            raise unexpected_state(
                "You cannot cancel this PaymentIntent because it has a status of"
                f" {intent.status}. Only a PaymentIntent with one of the following statuses may be"
                " canceled: requires_payment_method, requires_capture, requires_confirmation,"
                " requires_action.",
                intent_object(intent),
            )
        return self._shape(self._books.cancel(intent, params.cancellation_reason, origin), params)

    def refund(self, _: str, form: Form, origin: Origin) -> Shape:
        """POST /v1/refunds."""
        params = CreateRefund.read(form)
        intent, charge = self._refundable(params)
        left = charge.amount - charge.amount_refunded
        amount = left if params.amount is None else params.amount
        if charge.disputed:
            raise StripeError(
                400, f"Charge {charge.id} has been charged back.", code="charge_disputed"
            )
        if left == 0:
            raise StripeError(
                400,
                f"Charge {charge.id} has already been refunded.",
                code="charge_already_refunded",
            )
        if amount > left:
            raise StripeError(
                400,
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                param="amount",
            )
        refund = Refund(
            intent_id=intent.id,
            charge_id=charge.id,
            amount=amount,
            currency=charge.currency,
            status=RefundStatus.PENDING if origin.slow_bank else RefundStatus.SUCCEEDED,
            reason=params.reason,
            metadata=params.metadata,
        )
        self._books.refund(refund, charge, intent, origin)
        return refund_object(refund)

    def retrieve_refund(self, refund_id: str, form: Form, _: Origin) -> Shape:
        """GET /v1/refunds/{id}."""
        Retrieve.read(form)
        refund = self._books.refunds.get(refund_id)
        if refund is None:
            raise no_such("refund", refund_id, param="id")
        return refund_object(refund)

    def list_refunds(self, _: str, form: Form, __: Origin) -> Shape:
        """GET /v1/refunds, newest first."""
        params = ListRefunds.read(form)
        books = self._books
        if params.payment_intent is not None:
            refunds = books.refunds.owned(self._intent(params.payment_intent).id)[::-1]
        else:
            refunds = books.refunds.latest(10_000)
        if params.charge is not None:
            refunds = [refund for refund in refunds if refund.charge_id == params.charge]
        ids = [refund.id for refund in refunds]
        if params.starting_after in ids:
            refunds = refunds[ids.index(params.starting_after) + 1 :]
        return {
            "object": "list",
            "data": [refund_object(refund) for refund in refunds[: params.limit]],
            "has_more": len(refunds) > params.limit,
            "url": "/v1/refunds",
        }

    def _confirm(self, intent: Intent, method: str | None, origin: Origin) -> Intent:
        method = method or intent.payment_method
        if not method:
            raise unexpected_state(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                intent_object(intent),
            )
        if not method.startswith("pm_"):
            raise no_such("PaymentMethod", method, param="payment_method", status=400)
        if method in _WAITING:
            return self._books.wait(intent, _WAITING[method], origin)
        decline = _DECLINING.get(method.rsplit("_", 1)[-1])
        if decline is None:
            return self._books.succeed(intent, origin, method=method)
        declined = self._books.decline(intent, decline, origin, method=method)
        error = dict(decline_object(declined.last_decline) or {})
        raise StripeError(
            402,
            str(error.pop("message")),
            kind=str(error.pop("type")),
            extra={**error, "payment_intent": intent_object(declined)},
        )

    def _intent(self, intent_id: str) -> Intent:
        intent = self._books.intents.get(intent_id)
        if intent is None:
            raise no_such("payment_intent", intent_id, param="intent")
        return intent

    def _refundable(self, params: CreateRefund) -> tuple[Intent, Charge]:
        if params.charge is not None:
            charge = self._books.charges.get(params.charge)
            if charge is None:
                raise no_such("charge", params.charge, param="charge", status=400)
            return self._intent(charge.intent_id), charge
        if params.payment_intent is None:
            message = "One of the following params should be provided: payment_intent or charge."
            raise StripeError(400, message, code="parameter_missing", kept=False)
        intent = self._books.intents.get(params.payment_intent)
        if intent is None:
            raise no_such(
                "payment_intent", params.payment_intent, param="payment_intent", status=400
            )
        charge = self._books.charges.get(intent.latest_charge or "")
        if intent.status is not IntentStatus.SUCCEEDED or charge is None:
            raise StripeError(
                400,
                f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        return intent, charge

    def _shape(self, intent: Intent, params: Params) -> Shape:
        expanded = "latest_charge" in params.expand and intent.latest_charge
        charge = self._books.charges.get(intent.latest_charge or "") if expanded else None
        return intent_object(intent, charge)
