"""The JSON that goes out: camelCase, money as decimal strings, times in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import Response
from pydantic import BaseModel

from api.return_views import ReturnAnswer
from api.timeline import Telling, TimelineEntry
from domain.notification import ShortLine
from domain.order import CustomerInfo, Problem, ServiceLevel, Value
from domain.parts import PartState
from domain.payment import PaymentAction
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus
from workflows.messages import Waiting


def answer(model: BaseModel, status: int = 200) -> Response:
    """`model` as the response's body."""
    content = model.model_dump_json(by_alias=True)
    return Response(content, status, media_type="application/json")


class PriceTag(Value):
    """What the order costs, as decimal strings in `currency`."""

    subtotal: str
    shipping: str
    tax: str
    discount: str
    total: str
    currency: str


class ItemAnswer(Value):
    """One line, priced by the shop."""

    line_no: int
    product_id: str
    sku: str
    name: str
    quantity: int
    unit_price: str
    total_price: str


class PaymentAnswer(Value):
    """How to pay, until `expiresAt`."""

    payment_id: str
    gateway: str
    amount: str
    currency: str
    action: PaymentAction
    expires_at: datetime


class PlacedAnswer(Value):
    """What placing an order answers; `payment` is null while there is nothing to pay (yet)."""

    order_id: str
    order_number: str
    status: OrderStatus
    payment_status: PaymentStatus
    shipping_status: ShippingStatus
    pricing: PriceTag
    payment: PaymentAnswer | None = None
    shortages: tuple[ShortLine, ...] = ()
    warnings: tuple[Problem, ...] = ()


class AttemptAnswer(Value):
    """One try to be paid; `action` is there as long as it can still be paid."""

    payment_id: str
    gateway: str
    state: str
    amount: str
    currency: str
    captured: str
    refunded: str
    action: PaymentAction | None = None
    expires_at: datetime
    failure_code: str = ""
    failure_message: str = ""
    created_at: datetime


class RefundedLine(Value):
    """Units of one line whose money a refund gives back."""

    line_no: int
    sku: str
    quantity: int


class RefundAnswer(Value):
    """One refund, made by the `shop`, in the `provider`'s own dashboard, or taken by the `bank`.

    Its state is requested, pending, succeeded, failed (`failureCode` is the provider's word for
    why), or manual: it waits for a person at the provider. `retryOf` is the failed refund that it
    stands for.
    """

    refund_id: str
    payment_id: str
    state: str
    amount: str
    currency: str
    reason: str
    failure_code: str = ""
    made_by: str
    lines: tuple[RefundedLine, ...] = ()
    retry_of: str = ""
    created_at: datetime
    settled_at: datetime | None = None


class ParcelEvent(Value):
    """One checkpoint of the parcel."""

    occurred_at: datetime
    status: str
    description: str = ""
    location: str = ""


class ShipmentAnswer(Value):
    """A parcel that is on its way, or was; `status` is the carrier's last word.

    What was in a lost one may have been sent again: `resentAs` is the id of the order that does it.
    """

    carrier: str
    tracking_number: str
    tracking_url: str
    status: str
    shipped_at: datetime
    estimated_delivery: datetime | None = None
    delivered_at: datetime | None = None
    signed_by: str = ""
    resent_as: str = ""
    tracking_events: tuple[ParcelEvent, ...] = ()


class ParcelLine(Value):
    """Units of one line that come in a parcel."""

    line_no: int
    sku: str
    name: str
    quantity: int


class ParcelAnswer(Value):
    """What one warehouse sends of the order, from the moment when it is paid.

    Its `state` is offered (the warehouse has not answered), picking, shipped, or dropped (refused
    or called off); the rest is known once it has shipped.
    """

    warehouse_id: str
    picking_list_id: str = ""
    state: PartState
    items: tuple[ParcelLine, ...]
    shipping_status: ShippingStatus | None = None
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    status: str = ""
    shipped_at: datetime | None = None
    estimated_delivery: datetime | None = None
    delivered_at: datetime | None = None
    signed_by: str = ""
    resent_as: str = ""
    tracking_events: tuple[ParcelEvent, ...] = ()


class MessageAnswer(Value):
    """One message to the customer on one channel, and what its provider said of it later."""

    kind: str
    channel: str
    state: str
    occasion: str = ""
    attempts: int
    error: str = ""
    created_at: datetime
    sent_at: datetime | None = None
    receipt: str = ""
    receipt_code: str = ""


class TaskAnswer(Value):
    """Something that an operator has to do: open, done, or obsolete (it has solved itself)."""

    task_id: str
    kind: str
    order_id: str
    order_number: str = ""
    tracking_number: str = ""
    payment_id: str = ""
    state: str
    urgent: bool
    task: str
    decision: str = ""
    note: str = ""
    decided_by: str = ""
    opened_at: datetime
    closed_at: datetime | None = None


class TaskList(Value):
    """Tasks of all orders."""

    tasks: tuple[TaskAnswer, ...]


class OrderAnswer(Value):
    """The order and everything that belongs to it; `shipment` is the first parcel that left.

    `pageUrl` is its customer's page, for whoever holds the link; empty if there are no pages.
    """

    order_id: str
    order_number: str
    customer_id: str
    status: OrderStatus
    payment_status: PaymentStatus
    shipping_status: ShippingStatus
    customer_info: CustomerInfo
    items: tuple[ItemAnswer, ...]
    pricing: PriceTag
    kept: str
    gateway: str
    service_level: ServiceLevel
    locale: str
    coupon_code: str = ""
    special_instructions: str = ""
    replacement_of: str = ""
    created_at: datetime
    updated_at: datetime
    payments: tuple[AttemptAnswer, ...]
    refunds: tuple[RefundAnswer, ...]
    shipment: ShipmentAnswer | None = None
    parcels: tuple[ParcelAnswer, ...] = ()
    returns: tuple[ReturnAnswer, ...] = ()
    notifications: tuple[MessageAnswer, ...]
    tasks: tuple[TaskAnswer, ...] = ()
    timeline: tuple[Telling | TimelineEntry, ...]
    waiting_for: Waiting | None = None
    page_url: str = ""


class CancelAnswer(Value):
    """The order will be cancelled; `refund` says whether money goes back.

    With its parcel on the way, the cancellation `becomes` a return: the customer refuses the parcel
    at the door, and the money goes back when it has come back.
    """

    order_id: str
    refund: bool
    becomes: Literal["cancellation", "return"] = "cancellation"


class RefundBegun(Value):
    """The refund is on its way."""

    refund_id: str
    amount: str
    currency: str


class CallbackTaken(Value):
    """The message is stored: now, or by an earlier delivery."""

    status: Literal["stored", "duplicate"]


class CallbackUnclear(CallbackTaken):
    """It is stored, and `problem` says why nothing will come of it as it is."""

    problem: str


class CallbackIgnored(Value):
    """It is authentic, and `reason` says why nothing was stored of it."""

    status: Literal["ignored"] = "ignored"
    reason: str


class Health(Value):
    """How the process is."""

    status: Literal["live", "ready"]
