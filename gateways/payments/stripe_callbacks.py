"""Stripe's webhooks: verified on the raw bytes, then read for what they are about.

https://docs.stripe.com/webhooks/signature, API 2026-10-28.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import stripe
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from domain.payment import CallbackEvent, CallbackTopic, DisputeNews
from gateways.errors import InvalidCallback
from gateways.http import header_value
from gateways.signatures import check_window, parse_header

# Its other ends (`warning_closed`, `prevented`) are left to people.
_ENDS = {"won": DisputeNews.WON, "lost": DisputeNews.LOST}


class _Message(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class _Reference(_Message):
    id: str = ""


class _Subject(_Message):
    id: str = ""
    object: str = ""
    status: str | None = None
    payment_intent: _Reference | str | None = None
    metadata: dict[str, str | None] | None = None


class _Payload(_Message):
    object: _Subject


class _Event(_Message):
    id: str = Field(min_length=1)
    type: str = Field(min_length=1)
    created: datetime
    livemode: StrictBool
    data: _Payload


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Check that Stripe signed exactly these bytes, at most 300 s away from `now`.

    The SDK checks the signature; the clock is ours, and it is asked in both directions.

    Raises:
        InvalidCallback: Stripe did not, or there is no secret to check with.
    """
    if not secret.strip():
        raise InvalidCallback("Stripe's callbacks are off: no webhook secret is configured")
    value = header_value(headers, "Stripe-Signature")
    timestamp = parse_header(value).timestamp
    try:
        stripe.WebhookSignature.verify_header(body, value, secret, tolerance=None)
    # UnicodeDecodeError: a body that is not text. TypeError: a signature that is not ASCII.
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError) as error:
        # Not chained: the SDK's error quotes the whole body.
        reason = type(error).__name__
        raise InvalidCallback(f"Stripe's signature does not match ({reason})") from None
    check_window(timestamp, now)


def read_event(body: bytes, *, live: bool) -> CallbackEvent:
    """Read a verified event; `live` tells which of Stripe's two environments is ours.

    Raises:
        InvalidCallback: it cannot be read, or comes from the other environment.
    """
    try:
        event = _Event.model_validate_json(body)
    except ValidationError as error:
        raise InvalidCallback("Stripe's event cannot be read") from error
    if event.livemode is not live:
        raise InvalidCallback("Stripe's event is of the other environment (live or test)")
    subject = event.data.object
    return CallbackEvent(
        gateway="stripe",
        dedupe_key=event.id,
        kind=event.type,
        topic=_topic(event.type),
        payment_id=(subject.metadata or {}).get("payment_id") or "",
        provider_ref=_intent_of(subject),
        refund_ref=subject.id if subject.object == "refund" else "",
        dispute=_dispute_news(event.type, subject),
        occurred_at=event.created,
    )


def _topic(kind: str) -> CallbackTopic:
    match kind.split("."):
        case ["payment_intent", *_]:
            return CallbackTopic.PAYMENT
        case ["refund", *_] | ["charge", "refund", *_] | ["charge", "refunded"]:
            return CallbackTopic.REFUND
        case ["charge", "dispute", *_]:
            return CallbackTopic.DISPUTE
        case _:
            return CallbackTopic.OTHER


def _dispute_news(kind: str, dispute: _Subject) -> DisputeNews | None:
    """What an event says of a dispute, as the SDK's `Dispute.status` names its ends (16.1)."""
    if _topic(kind) is not CallbackTopic.DISPUTE:
        return None
    if kind != "charge.dispute.closed":
        return DisputeNews.OPENED
    return _ENDS.get(dispute.status or "", DisputeNews.OVER)


def is_live(api_key: str) -> bool:
    """Whether `api_key` moves real money; restricted keys start with `rk_`."""
    return api_key.startswith(("sk_live_", "rk_live_"))


def _intent_of(subject: _Subject) -> str:
    if subject.object == "payment_intent":
        return subject.id
    intent = subject.payment_intent
    return intent.id if isinstance(intent, _Reference) else intent or ""
