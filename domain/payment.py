"""What a payment provider may say about a payment or a refund, in one vocabulary for all four."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.money import Money
from domain.order import GatewayName, Value


class PaymentState(StrEnum):
    """The state of one payment at its provider.

    `FAILED` is a declined try of a payment that may still be paid; `CLOSED` can never be paid.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"


class RefundState(StrEnum):
    """The state of one refund at its provider; `MANUAL` needs a person."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MANUAL = "manual"


class PaymentAction(Value):
    """What the customer's browser does next: a client secret, a URL to open or a QR code's text."""

    type: Literal["client_secret", "redirect", "qr_code"]
    value: str


class PaymentRequest(Value):
    """One payment to create. `payment_id` is ours, 6-32 of `[0-9A-Za-z_]`."""

    payment_id: str
    order_id: str
    order_number: str
    amount: Money
    description: str
    idempotency_key: str
    expires_at: datetime


class PaymentCreated(Value):
    """The provider knows the payment and the customer can pay it."""

    outcome: Literal["created"] = "created"
    provider_ref: str
    action: PaymentAction


class PaymentRejected(Value):
    """The provider refused for good; asking again will not help. `code` is the provider's own."""

    outcome: Literal["rejected"] = "rejected"
    code: str
    message: str


CreateOutcome = Annotated[PaymentCreated | PaymentRejected, Field(discriminator="outcome")]


class PaymentView(Value):
    """A payment as its provider sees it now. `captured` is what it holds for us, zero if unpaid."""

    payment_id: str
    provider_ref: str
    state: PaymentState
    captured: Money
    refunded: Money
    failure_code: str = ""
    failure_message: str = ""


class RefundRequest(Value):
    """One refund to make. The same `refund_id` always means the same refund."""

    refund_id: str
    payment_id: str
    provider_ref: str
    amount: Money
    reason: str
    idempotency_key: str


class RefundView(Value):
    """A refund as its provider sees it now."""

    refund_id: str
    provider_ref: str
    state: RefundState
    amount: Money
    failure_code: str = ""
    failure_message: str = ""


class CallbackEvent(Value):
    """A verified callback: a reason to ask the provider, never the answer itself.

    `dedupe_key` is the provider's event id. `payment_id` is ours, empty when the event does not
    carry it; then `provider_ref` finds the payment.
    """

    gateway: GatewayName
    dedupe_key: str
    kind: str
    payment_id: str = ""
    provider_ref: str = ""
    occurred_at: datetime | None = None
