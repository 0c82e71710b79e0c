"""PayPal's webhook events: what a verified one is about.

https://developer.paypal.com/api/rest/webhooks/event-names/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.payment import CallbackEvent, CallbackTopic, DisputeNews
from gateways.errors import InvalidCallback
from gateways.payments.paypal_objects import Link, captured_by
from gateways.times import parse_utc

TOPICS: Mapping[str, CallbackTopic] = {
    "CHECKOUT.ORDER.": CallbackTopic.PAYMENT,
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": CallbackTopic.PAYMENT,
    "PAYMENT.CAPTURE.COMPLETED": CallbackTopic.PAYMENT,
    "PAYMENT.CAPTURE.PENDING": CallbackTopic.PAYMENT,
    "PAYMENT.CAPTURE.DENIED": CallbackTopic.PAYMENT,
    "PAYMENT.CAPTURE.DECLINED": CallbackTopic.PAYMENT,
    "PAYMENT.CAPTURE.REFUNDED": CallbackTopic.REFUND,
    "PAYMENT.CAPTURE.REVERSED": CallbackTopic.REFUND,
    "PAYMENT.REFUND.": CallbackTopic.REFUND,
    "CUSTOMER.DISPUTE.": CallbackTopic.DISPUTE,
}

# Another system of the same PayPal account may put anything into its own numbers.
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


class _Message(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class _Envelope(_Message):
    id: str = Field(pattern="^[!-~]{1,128}$")
    event_type: str = Field(pattern="^[0-9A-Za-z._-]{1,128}$")
    create_time: str | None = None
    resource_type: str | None = None


class _RelatedIds(_Message):
    order_id: str | None = None
    capture_id: str | None = None


class _SupplementaryData(_Message):
    related_ids: _RelatedIds | None = None


class _Unit(_Message):
    custom_id: str | None = None


class _Disputed(_Message):
    seller_transaction_id: str | None = None
    custom: str | None = None


class _Resource(_Message):
    """An order, a capture, a refund or a dispute, as far as it names one of our payments."""

    id: str | None = None
    order_id: str | None = None
    custom_id: str | None = None
    purchase_units: tuple[_Unit, ...] | None = None
    supplementary_data: _SupplementaryData | None = None
    links: tuple[Link, ...] | None = None
    disputed_transactions: tuple[_Disputed, ...] | None = None

    @property
    def related(self) -> _RelatedIds:
        """What it belongs to, as far as PayPal says."""
        return (self.supplementary_data and self.supplementary_data.related_ids) or _RelatedIds()


class _Event(_Message):
    resource: _Resource


def read_event(body: bytes) -> CallbackEvent:
    """Read a verified event.

    Raises:
        InvalidCallback: it cannot be read.
    """
    envelope = _read(_Envelope, body)
    topic = topic_of(envelope.event_type)
    return CallbackEvent(
        gateway="paypal",
        dedupe_key=envelope.id,
        kind=envelope.event_type,
        topic=topic,
        dispute=_dispute_news(envelope.event_type),
        occurred_at=parse_utc(envelope.create_time),
        **_subject(topic, envelope, body),
    )


def _dispute_news(kind: str) -> DisputeNews | None:
    """What an event says of a dispute; how one was resolved, a person has to look up."""
    if topic_of(kind) is not CallbackTopic.DISPUTE:
        return None
    return DisputeNews.OVER if kind == "CUSTOMER.DISPUTE.RESOLVED" else DisputeNews.OPENED


def topic_of(kind: str) -> CallbackTopic:
    """What events of `kind` are about; a name in the table that ends in a dot stands for many."""
    family = ".".join(kind.split(".")[:2]) + "."
    return TOPICS.get(kind) or TOPICS.get(family) or CallbackTopic.OTHER


def _subject(topic: CallbackTopic, envelope: _Envelope, body: bytes) -> dict[str, str]:
    if topic is CallbackTopic.OTHER:
        return {}
    resource = _read(_Event, body).resource
    match topic:
        case CallbackTopic.DISPUTE:
            names = _dispute(resource)
        case CallbackTopic.REFUND if envelope.resource_type != "capture":
            names = _refund(resource)
        case _ if envelope.event_type.startswith("CHECKOUT."):
            names = _order(resource)
        case _:
            names = _capture(resource)
    return {name: value for name, value in names.items() if value and _ID.fullmatch(value)}


_Names = dict[str, str | None]


def _order(order: _Resource) -> _Names:
    numbers = (unit.custom_id for unit in order.purchase_units or ())
    return {"payment_id": next(numbers, None), "provider_ref": order.order_id or order.id}


def _capture(capture: _Resource) -> _Names:
    return {
        "payment_id": capture.custom_id,
        "provider_ref": capture.related.order_id,
        "capture_ref": capture.id,
    }


def _refund(refund: _Resource) -> _Names:
    # Its custom id is the refund's own, or the payment's if it was made in PayPal's dashboard.
    return {
        "provider_ref": refund.related.order_id,
        "capture_ref": captured_by(refund.links or ()) or refund.related.capture_id,
        "refund_ref": refund.id,
    }


def _dispute(dispute: _Resource) -> _Names:
    disputed = next(iter(dispute.disputed_transactions or ()), _Disputed())
    return {"payment_id": disputed.custom, "capture_ref": disputed.seller_transaction_id}


M = TypeVar("M", bound=_Message)


def _read(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCallback("PayPal's event cannot be read") from error
