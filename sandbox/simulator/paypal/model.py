"""What PayPal remembers of a payment. Amounts are minor units of `currency`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from secrets import choice
from string import ascii_uppercase, digits

from pydantic import BaseModel, Field

_ALPHANUMERIC = ascii_uppercase + digits


def paypal_id(length: int = 17) -> str:
    """An id as PayPal makes them."""
    return "".join(choice(_ALPHANUMERIC) for _ in range(length))


def now() -> str:
    """The time as PayPal's objects have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class OrderStatus(StrEnum):
    """https://developer.paypal.com/api/orders/v2/definitions/order_status."""

    CREATED = "CREATED"
    PAYER_ACTION_REQUIRED = "PAYER_ACTION_REQUIRED"
    APPROVED = "APPROVED"
    COMPLETED = "COMPLETED"


class CaptureStatus(StrEnum):
    """The states of a capture that the simulator plays."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


PAID = frozenset(
    {CaptureStatus.COMPLETED, CaptureStatus.PARTIALLY_REFUNDED, CaptureStatus.REFUNDED}
)


class RefundStatus(StrEnum):
    """The states of a refund that the simulator plays."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class NextCapture(BaseModel):
    """How the next capture goes: by itself it takes what was asked for, at once.

    `decline` is the issue that it is declined with; `amount` makes it another amount.
    """

    decline: str = ""
    pending: bool = False
    amount: int | None = None


class Order(BaseModel):
    """A checkout order of one purchase unit. `wallet`: it was created for `payment_source.paypal`.

    `status` is of the order alone: what became of the money is its capture's.
    """

    id: str = Field(default_factory=paypal_id)
    status: OrderStatus
    amount: int
    currency: str
    reference_id: str
    custom_id: str
    invoice_id: str
    description: str
    wallet: bool
    return_url: str
    cancel_url: str
    next_capture: NextCapture = NextCapture()
    capture_id: str = ""
    create_time: str = Field(default_factory=now)
    update_time: str = Field(default_factory=now)

    @property
    def payment_id(self) -> str:
        """Our own id of the payment, if the merchant's fields carry it."""
        return self.custom_id or self.invoice_id

    @property
    def order_id(self) -> str:
        """Our own id of the order, if the purchase unit carries it."""
        return "" if self.reference_id == "default" else self.reference_id

    @property
    def unapproved_status(self) -> OrderStatus:
        """Where it waits for its payer."""
        return OrderStatus.PAYER_ACTION_REQUIRED if self.wallet else OrderStatus.CREATED


class Capture(BaseModel):
    """The money taken for an order. `refunded` is what has really gone back."""

    id: str = Field(default_factory=paypal_id)
    order_id: str
    status: CaptureStatus
    amount: int
    currency: str
    custom_id: str
    invoice_id: str
    refunded: int = 0
    disputed: bool = False
    create_time: str = Field(default_factory=now)
    update_time: str = Field(default_factory=now)


class Refund(BaseModel):
    """Money on its way back. `total_refunded` is the capture's sum when this one was made."""

    id: str = Field(default_factory=paypal_id)
    capture_id: str
    status: RefundStatus
    amount: int
    currency: str
    custom_id: str
    invoice_id: str
    note_to_payer: str
    total_refunded: int
    create_time: str = Field(default_factory=now)
    update_time: str = Field(default_factory=now)
