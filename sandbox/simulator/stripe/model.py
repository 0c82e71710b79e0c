"""What Stripe remembers of a payment. Amounts are minor units of the lower-case `currency`."""

from __future__ import annotations

import time
from enum import StrEnum
from secrets import choice
from string import ascii_letters, digits

from pydantic import BaseModel, Field

_ALPHANUMERIC = ascii_letters + digits


def stripe_id(prefix: str, length: int = 24) -> str:
    """An id as Stripe makes them."""
    return f"{prefix}_" + "".join(choice(_ALPHANUMERIC) for _ in range(length))


def _now() -> int:
    return int(time.time())


class IntentStatus(StrEnum):
    """https://docs.stripe.com/payments/paymentintents/lifecycle."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


OPEN = frozenset(IntentStatus) - {IntentStatus.SUCCEEDED, IntentStatus.CANCELED}

# Money that is on its way can only "in rare cases" be called back, https://docs.stripe.com/api.
CANCELABLE = OPEN - {IntentStatus.PROCESSING}


class Decline(BaseModel):
    """Why a card was declined, in Stripe's words."""

    code: str
    decline_code: str | None
    message: str
    charge: str
    payment_method: str


class Intent(BaseModel):
    """A payment intent."""

    id: str = Field(default_factory=lambda: stripe_id("pi"))
    client_secret: str
    amount: int
    amount_received: int = 0
    currency: str
    status: IntentStatus = IntentStatus.REQUIRES_PAYMENT_METHOD
    metadata: dict[str, str] = {}
    payment_method: str | None = None
    payment_method_types: list[str] = ["card"]
    automatic_payment_methods: bool = False
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    last_decline: Decline | None = None
    latest_charge: str | None = None
    created: int = Field(default_factory=_now)
    canceled_at: int | None = None
    cancellation_reason: str | None = None

    @property
    def payment_id(self) -> str:
        """Our own id of the payment, if the metadata carry it."""
        return self.metadata.get("payment_id", "")

    @property
    def order_id(self) -> str:
        """Our own id of the order, if the metadata carry it."""
        return self.metadata.get("order_id", "")


class Charge(BaseModel):
    """One try to take the money."""

    id: str = Field(default_factory=lambda: stripe_id("ch"))
    intent_id: str
    amount: int
    amount_refunded: int = 0
    currency: str
    metadata: dict[str, str] = {}
    payment_method: str
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    disputed: bool = False
    created: int = Field(default_factory=_now)


class RefundStatus(StrEnum):
    """The states of a refund that the simulator plays."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(BaseModel):
    """Money on its way back."""

    id: str = Field(default_factory=lambda: stripe_id("re"))
    intent_id: str
    charge_id: str
    amount: int
    currency: str
    status: RefundStatus
    reason: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = {}
    created: int = Field(default_factory=_now)


class DisputeStatus(StrEnum):
    """The states of a dispute that the simulator plays."""

    NEEDS_RESPONSE = "needs_response"
    WON = "won"
    LOST = "lost"


class Dispute(BaseModel):
    """A customer who asks the bank for the money back."""

    id: str = Field(default_factory=lambda: stripe_id("du"))
    intent_id: str
    charge_id: str
    amount: int
    currency: str
    status: DisputeStatus = DisputeStatus.NEEDS_RESPONSE
    created: int = Field(default_factory=_now)
