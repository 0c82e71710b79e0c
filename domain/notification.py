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
    SHIPPING_DELAYED = "shipping_delayed"
    ORDER_SHIPPED = "order_shipped"
    DELIVERY_UPDATE = "delivery_update"
    ORDER_DELIVERED = "order_delivered"
    REVIEW_INVITATION = "review_invitation"
    PAYMENT_DUE = "payment_due"
    PAYMENT_FAILED = "payment_failed"
    OUT_OF_STOCK = "out_of_stock"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"
    RETURN_REQUESTED = "return_requested"
    RETURN_APPROVED = "return_approved"
    RETURN_DECLINED = "return_declined"
    RETURN_RECEIVED = "return_received"
    EXCHANGE_SHIPPED = "exchange_shipped"
    RESENT_SHIPPED = "resent_shipped"


class Channel(StrEnum):
    """A way to reach a customer."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


class ShortLine(Value):
    """How much of a line is missing, as the customer is told."""

    sku: str
    name: str
    requested: int
    available: int
    shortfall: int


class OrderLetter(Value):
    """Everything that any message about an order may say; times are UTC.

    With `part`, it is about one parcel of an order that had several, and `items` are what is in
    that one: number `parcel_number` of the `parcel_count` that the customer gets.
    """

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
    part: bool = False
    parcel_number: int = 0
    parcel_count: int = 0
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


class Attachment(Value):
    """A file that goes with a mail; `media_type` is `application/pdf` or the like."""

    filename: str
    media_type: str
    content: bytes


class EmailContent(Value):
    """One rendered mail; with `unsubscribe_url` (https) mail programs offer one-click opt-out."""

    kind: NotificationKind | None = None
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""
    attachments: tuple[Attachment, ...] = ()


class ShortContent(Value):
    """One rendered text message or push message; `title` is for push only."""

    title: str = ""
    body: str


class Accepted(Value):
    """The channel's provider took the message; `message_id` is the provider's own."""

    outcome: Literal["accepted"] = "accepted"
    provider: str
    message_id: str


class DeviceKind(StrEnum):
    """Who brings a push message to a device."""

    FCM = "fcm"
    WEB_PUSH = "webpush"


class Device(Value):
    """Where a customer gets push messages.

    `target` is FCM's registration token, or the endpoint of a browser's subscription, whose keys
    are `p256dh` and `auth` (base64url).
    """

    id: str
    kind: DeviceKind
    target: str
    p256dh: str = ""
    auth: str = ""


class ReceiptStatus(StrEnum):
    """What a provider says later of a message that it had accepted, in order of finality."""

    SENT = "sent"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


class Receipt(Value):
    """News of one accepted message; `at` is the provider's time, UTC.

    `notification_id` is ours, if the provider gives it back, and means nothing on another
    `channel`. `bad_address` says that no message can ever reach this address.
    """

    channel: Channel
    provider: str
    message_id: str
    notification_id: str = ""
    status: ReceiptStatus
    code: str = ""
    bad_address: bool = False
    at: datetime
