"""What customers are told, and over which channels."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from domain.money import Money
from domain.order import Locale, OrderLine, Pricing, Value


class NotificationKind(StrEnum):
    """An event that a customer hears of."""

    ORDER_CONFIRMED = "order_confirmed"
    ORDER_PROCESSING = "order_processing"
    ORDER_SHIPPED = "order_shipped"
    DELIVERY_UPDATE = "delivery_update"
    ORDER_DELIVERED = "order_delivered"
    REVIEW_INVITATION = "review_invitation"
    PAYMENT_DUE = "payment_due"
    PAYMENT_FAILED = "payment_failed"
    OUT_OF_STOCK = "out_of_stock"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"


class Channel(StrEnum):
    """A way to reach a customer."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


_K, _C = NotificationKind, Channel

# Which channels a kind uses. Mail always; the phone only for what cannot wait.
CHANNELS: dict[NotificationKind, tuple[Channel, ...]] = {
    _K.ORDER_CONFIRMED: (_C.EMAIL, _C.SMS, _C.PUSH),
    _K.ORDER_PROCESSING: (_C.EMAIL, _C.PUSH),
    _K.ORDER_SHIPPED: (_C.EMAIL, _C.SMS, _C.PUSH),
    _K.DELIVERY_UPDATE: (_C.EMAIL, _C.PUSH),
    _K.ORDER_DELIVERED: (_C.EMAIL, _C.SMS, _C.PUSH),
    _K.REVIEW_INVITATION: (_C.EMAIL,),
    _K.PAYMENT_DUE: (_C.EMAIL, _C.SMS, _C.PUSH),
    _K.PAYMENT_FAILED: (_C.EMAIL, _C.SMS, _C.PUSH),
    _K.OUT_OF_STOCK: (_C.EMAIL, _C.PUSH),
    _K.ORDER_CANCELLED: (_C.EMAIL, _C.SMS, _C.PUSH),
    _K.ORDER_REFUNDED: (_C.EMAIL, _C.SMS),
}


class ShortLine(Value):
    """How much of a line is missing, as the customer is told."""

    sku: str
    name: str
    requested: int
    available: int
    shortfall: int


class OrderLetter(Value):
    """Everything that any message about an order may say; times are UTC."""

    kind: NotificationKind
    locale: Locale
    order_id: str
    order_number: str
    customer_id: str
    name: str
    email: str
    phone: str
    items: tuple[OrderLine, ...]
    pricing: Pricing
    created_at: datetime
    occasion: str = ""
    reason: str = ""
    tracking_number: str = ""
    carrier: str = ""
    tracking_url: str = ""
    estimated_delivery: datetime | None = None
    shipping_status: str = ""
    location: str = ""
    delivered_at: datetime | None = None
    payment_expires_at: datetime | None = None
    refund_amount: Money | None = None
    shortages: tuple[ShortLine, ...] = ()


class EmailContent(Value):
    """One rendered mail; with `unsubscribe_url` (https) mail programs offer one-click opt-out."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""


class ShortContent(Value):
    """One rendered text message or push message; `title` is for push only."""

    title: str = ""
    body: str


class Accepted(Value):
    """The channel's provider took the message; `message_id` is the provider's own."""

    outcome: Literal["accepted"] = "accepted"
    provider: str
    message_id: str
