"""PayPal's objects as far as we read them, and what their statuses mean (Orders v2, Payments v2).

Who the buyer is (name, e-mail, address) stands in PayPal's answers too; it is never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.money import Money, total
from domain.payment import PaymentRef, PaymentState, PaymentView, RefundState, RefundView
from gateways.errors import OutcomeUnknown
from gateways.payments.paypal_amounts import Amount

# Nothing for COMPLETED: it says that there is a capture, which may have been declined.
ORDER_STATES: Mapping[str, PaymentState | None] = {
    "CREATED": PaymentState.PENDING,
    "SAVED": PaymentState.PENDING,
    "PAYER_ACTION_REQUIRED": PaymentState.PENDING,
    "APPROVED": PaymentState.APPROVED,
    "VOIDED": PaymentState.CLOSED,
    "COMPLETED": None,
}

CAPTURE_STATES: Mapping[str, PaymentState] = {
    "COMPLETED": PaymentState.PAID,
    "PARTIALLY_REFUNDED": PaymentState.PAID,
    "REFUNDED": PaymentState.PAID,
    "PENDING": PaymentState.PROCESSING,
    "DECLINED": PaymentState.FAILED,
    "FAILED": PaymentState.FAILED,
}

REFUND_STATES: Mapping[str, RefundState] = {
    "PENDING": RefundState.PENDING,
    "COMPLETED": RefundState.SUCCEEDED,
    "FAILED": RefundState.FAILED,
    "CANCELLED": RefundState.FAILED,
}

_CAPTURE_PATH = re.compile(r"/v2/payments/captures/([0-9A-Za-z-]{1,64})$", re.ASCII)


class PayPalObject(BaseModel):
    """Anything of PayPal's; what is not named here is dropped."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Link(PayPalObject):
    """A link to something related."""

    href: str
    rel: str


class StatusDetails(PayPalObject):
    """Why something is pending or failed."""

    reason: str | None = None


class Capture(PayPalObject):
    """Money that was taken, or is about to be, for an order."""

    id: str = Field(min_length=1)
    status: str
    amount: Amount
    status_details: StatusDetails | None = None

    @property
    def state(self) -> PaymentState:
        """The payment's state, as far as this capture decides it."""
        return _look_up(CAPTURE_STATES, self.status)

    @property
    def reason(self) -> str:
        """Why it is not completed."""
        return (self.status_details and self.status_details.reason) or self.status


class Refund(PayPalObject):
    """Money that goes back of a capture."""

    id: str = Field(min_length=1)
    status: str
    amount: Amount
    custom_id: str | None = None
    invoice_id: str | None = None
    status_details: StatusDetails | None = None
    links: tuple[Link, ...] = ()

    @property
    def state(self) -> RefundState:
        """The refund's state."""
        return _look_up(REFUND_STATES, self.status)

    def number(self, payment_id: str) -> str:
        """Our own id of it; one made in PayPal's dashboard has none, or inherits the payment's."""
        number = self.custom_id or self.invoice_id or ""
        return "" if number == payment_id else number

    def view(self, payment_id: str) -> RefundView:
        """The refund in our words."""
        state, details = self.state, self.status_details
        reason = (details and details.reason) or self.status
        return RefundView(
            refund_id=self.number(payment_id),
            provider_ref=self.id,
            state=state,
            amount=self.amount.money,
            failure_code=reason if state is RefundState.FAILED else "",
        )


class Payments(PayPalObject):
    """What was taken and given back."""

    captures: tuple[Capture, ...] = ()
    refunds: tuple[Refund, ...] = ()


class PurchaseUnit(PayPalObject):
    """What is paid for; our orders have one."""

    custom_id: str | None = None
    payments: Payments | None = None


class Order(PayPalObject):
    """PayPal's order: one of our payments."""

    id: str = Field(min_length=1)
    status: str
    purchase_units: tuple[PurchaseUnit, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def buyer_link(self) -> str:
        """Where the buyer approves; empty if PayPal offers no such place."""
        wanted = [link.href for link in self.links if link.rel in {"approve", "payer-action"}]
        return next((href for href in wanted if href.startswith(("https://", "http://"))), "")

    @property
    def capture(self) -> Capture | None:
        """The capture that counts: of a declined and a good one, the good one."""
        worth = (PaymentState.PAID, PaymentState.PROCESSING, PaymentState.FAILED)
        captures = [c for payments in self._payments for c in payments.captures]
        return min(captures, key=lambda capture: worth.index(capture.state), default=None)

    @property
    def refunds(self) -> tuple[Refund, ...]:
        """All that goes back."""
        return tuple(refund for payments in self._payments for refund in payments.refunds)

    @property
    def state(self) -> PaymentState:
        """The payment's state; money that moves is believed before the order's status."""
        state, capture = _look_up(ORDER_STATES, self.status), self.capture
        moves = capture and capture.state in {PaymentState.PAID, PaymentState.PROCESSING}
        if capture is not None and (moves or state is None):
            return capture.state
        if state is None:
            raise OutcomeUnknown("PayPal's completed Order has no capture")
        return state

    def view(self, payment: PaymentRef) -> PaymentView:
        """The order in our words.

        Raises:
            OutcomeUnknown: it is another payment's, or says what PayPal never documented.
        """
        self._must_be(payment)
        state, capture = self.state, self.capture
        paid = capture if state is PaymentState.PAID else None
        declined = capture if state is PaymentState.FAILED else None
        taken = paid or (capture if state is PaymentState.PROCESSING else None)
        nothing = Money.zero(payment.asked.currency)
        return PaymentView(
            payment_id=payment.payment_id,
            provider_ref=self.id,
            capture_ref=taken.id if taken else "",
            state=state,
            captured=paid.amount.money if paid else nothing,
            refunded=self._refunded(paid) if paid else nothing,
            refunds=tuple(refund.view(payment.payment_id) for refund in self.refunds),
            failure_code=declined.reason if declined else "",
        )

    def _must_be(self, payment: PaymentRef) -> None:
        ours = {unit.custom_id or payment.payment_id for unit in self.purchase_units}
        if self.id != payment.provider_ref or not ours <= {payment.payment_id}:
            raise OutcomeUnknown(f"PayPal's {self.id} is not payment {payment.payment_id}")

    def _refunded(self, capture: Capture) -> Money | None:
        captured, refunds = capture.amount.money, self.refunds
        back = [refund.amount.money for refund in refunds if refund.state is RefundState.SUCCEEDED]
        if any(amount.currency != captured.currency for amount in back):
            raise OutcomeUnknown("PayPal's refund is in another currency than its capture")
        listed = total(back, captured.currency)
        if capture.status == "REFUNDED" and listed < captured:
            # What PayPal itself takes back after a dispute need not be listed.
            return captured
        return None if capture.status == "PARTIALLY_REFUNDED" and not refunds else listed

    @property
    def _payments(self) -> list[Payments]:
        return [unit.payments for unit in self.purchase_units if unit.payments is not None]


def captured_by(links: tuple[Link, ...]) -> str:
    """The capture that a refund's links lead up to; empty if none is named."""
    ups = (_CAPTURE_PATH.search(link.href) for link in links if link.rel == "up")
    return next((match[1] for match in ups if match), "")


M = TypeVar("M", bound=BaseModel)
S = TypeVar("S")


def read(model: type[M], content: bytes) -> M:
    """Read PayPal's answer as a `model`.

    Raises:
        OutcomeUnknown: it is none.
    """
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise OutcomeUnknown(f"PayPal's {model.__name__} cannot be read") from error


def _look_up(table: Mapping[str, S], status: str) -> S:
    try:
        return table[status]
    except KeyError as error:
        raise OutcomeUnknown(f"PayPal's status {status[:50]!r} is not known") from error
