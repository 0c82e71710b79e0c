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

    `APPROVED` waits for us to capture it; `FAILED` is a declined try of a payment that may still
    be paid; `CLOSED` can never be paid.
    """

    PENDING = "pending"
    APPROVED = "approved"
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


class PaymentRef(Value):
    """A payment as both sides name it, and what it takes to read the provider's answers about it.

    `provider_ref` is what the provider calls the payment, `capture_ref` the money taken for it
    (empty until known). `captured_before` says that our books hold its money already: some
    providers call a paid and refunded payment closed.
    """

    payment_id: str
    provider_ref: str
    capture_ref: str = ""
    asked: Money
    captured_before: bool = False


class RefundView(Value):
    """A refund as its provider sees it now.

    `refund_id` is the merchant's own number of it, empty if the provider knows none. One that our
    books do not know was made in the provider's own dashboard.
    """

    refund_id: str
    provider_ref: str
    state: RefundState
    amount: Money
    failure_code: str = ""
    failure_message: str = ""


class PaymentView(Value):
    """A payment as its provider sees it now. `captured` is what it holds for us, zero if unpaid.

    `refunded` is what has gone back of it, none if the provider's answer does not tell; `refunds`
    are those that the answer lists. `touched` says that some has gone back, however much.
    `disputed` says that the customer's bank wants the money back.
    """

    payment_id: str
    provider_ref: str
    capture_ref: str = ""
    state: PaymentState
    captured: Money
    refunded: Money | None = None
    refunds: tuple[RefundView, ...] = ()
    touched: bool = False
    disputed: bool = False
    failure_code: str = ""
    failure_message: str = ""


class RefundRequest(Value):
    """One refund to make. The same `refund_id` always means the same refund."""

    refund_id: str
    payment: PaymentRef
    amount: Money
    reason: str
    idempotency_key: str


class CallbackTopic(StrEnum):
    """What a callback is about; `OTHER` is kept and changes nothing."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


class DisputeNews(StrEnum):
    """What a callback says of a dispute; `OVER` is ended, in words that do not tell how."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"
    OVER = "over"


class CallbackEvent(Value):
    """A verified callback: a reason to ask the provider, never the answer itself.

    `dedupe_key` is the provider's event id. `payment_id` is ours, empty when the event does not
    carry it; then `provider_ref` or `capture_ref` finds the payment. `refund_ref` names the refund
    that it is about, as `PaymentGateway.query_refund` takes it. `dispute` is what it says of one.
    """

    gateway: GatewayName
    dedupe_key: str
    kind: str
    topic: CallbackTopic = CallbackTopic.PAYMENT
    payment_id: str = ""
    provider_ref: str = ""
    capture_ref: str = ""
    refund_ref: str = ""
    dispute: DisputeNews | None = None
    occurred_at: datetime | None = None
