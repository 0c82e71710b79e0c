"""Stripe's objects as far as we read them, and what their statuses mean (API 2026-10-28).

Fields that Stripe-compatible servers leave out have defaults; everything else must be there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.money import Money
from domain.payment import PaymentState, PaymentView, RefundState, RefundView
from gateways.errors import OutcomeUnknown

# Decimals of the amounts in Stripe's API, which may differ from ISO 4217: HUF and TWD have two.
DECIMALS: Mapping[str, int] = {"CNY": 2, "EUR": 2, "GBP": 2, "HKD": 2, "JPY": 0, "USD": 2}

PAYMENT_STATES: Mapping[str, PaymentState] = {
    "requires_payment_method": PaymentState.PENDING,
    "requires_confirmation": PaymentState.PENDING,
    "requires_action": PaymentState.PENDING,
    "processing": PaymentState.PROCESSING,
    "requires_capture": PaymentState.PROCESSING,
    "succeeded": PaymentState.PAID,
    "canceled": PaymentState.CLOSED,
}

REFUND_STATES: Mapping[str, RefundState] = {
    "pending": RefundState.PENDING,
    # Stripe itself asks the customer for a bank account.
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}


# Null is documented for refunds, e.g. those made in the dashboard.
Metadata = Annotated[dict[str, str], BeforeValidator(lambda value: {} if value is None else value)]


class _Object(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Failure(_Object):
    """Why the last try to pay failed."""

    code: str | None = None
    decline_code: str | None = None
    message: str | None = None


class Charge(_Object):
    """The charge that paid an intent."""

    id: str = ""
    amount_refunded: int | None = None
    disputed: bool = False


class Intent(_Object):
    """A PaymentIntent. Amounts are in the currency's smallest unit."""

    id: str = Field(min_length=1)
    status: str
    amount: int
    amount_received: int | None = None
    currency: str = Field(pattern="^[a-z]{3}$")
    client_secret: str | None = None
    metadata: Metadata = {}
    last_payment_error: Failure | None = None
    latest_charge: Charge | str | None = None

    @property
    def state(self) -> PaymentState:
        """The payment's state; a declined try leaves the intent open."""
        state = _look_up(PAYMENT_STATES, self.status)
        declined = self.status == "requires_payment_method" and self.last_payment_error is not None
        return PaymentState.FAILED if declined else state

    @property
    def refunded(self) -> int | None:
        """What went back to the customer; nothing when the answer does not tell."""
        return (
            self.latest_charge.amount_refunded if isinstance(self.latest_charge, Charge) else None
        )

    def view(self, payment_id: str, refunds: Sequence[Refund] = ()) -> PaymentView:
        """The payment in our words; `refunds` are all of its refunds, if they were asked for."""
        state, currency = self.state, self.currency.upper()
        received = self.amount if self.amount_received is None else self.amount_received
        paid = state is PaymentState.PAID
        failure = self.last_payment_error if state is PaymentState.FAILED else None
        refunded = self.refunded or 0
        if refunds:
            # The charge was asked before: a refund may have been made, or have failed, since then.
            refunded = sum(r.amount for r in refunds if r.state is not RefundState.FAILED)
        charge = self.latest_charge if paid else None
        return PaymentView(
            payment_id=payment_id,
            provider_ref=self.id,
            capture_ref=charge.id if isinstance(charge, Charge) else charge or "",
            state=state,
            captured=Money(minor=received if paid else 0, currency=currency),
            refunded=Money(minor=refunded if paid else 0, currency=currency),
            refunds=tuple(refund.view() for refund in refunds),
            disputed=isinstance(charge, Charge) and charge.disputed,
            failure_code=(failure and (failure.decline_code or failure.code)) or "",
            failure_message=(failure and failure.message) or "",
        )


class Refund(_Object):
    """A Refund."""

    id: str = Field(min_length=1)
    status: str
    amount: int
    currency: str = Field(pattern="^[a-z]{3}$")
    metadata: Metadata = {}
    failure_reason: str | None = None

    @property
    def state(self) -> RefundState:
        """The refund's state."""
        return _look_up(REFUND_STATES, self.status)

    def view(self, refund_id: str = "") -> RefundView:
        """The refund in our words; `refund_id` if Stripe itself does not tell our id."""
        return RefundView(
            refund_id=self.metadata.get("refund_id", refund_id),
            provider_ref=self.id,
            state=self.state,
            amount=Money(minor=self.amount, currency=self.currency.upper()),
            failure_code=self.failure_reason or "",
        )


class RefundPage(_Object):
    """One page of a list of refunds, newest first."""

    data: tuple[Refund, ...]
    has_more: bool = False


M = TypeVar("M", bound=_Object)
S = TypeVar("S", PaymentState, RefundState)


def read(model: type[M], answer: object) -> M:
    """Read Stripe's `answer` as a `model`.

    Raises:
        OutcomeUnknown: it is none.
    """
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise OutcomeUnknown(f"Stripe's {model.__name__} cannot be read") from error


def _look_up(table: Mapping[str, S], status: str) -> S:
    try:
        return table[status]
    except KeyError as error:
        raise OutcomeUnknown(f"Stripe's status {status!r} is not known") from error
