"""Stripe's webhooks: https://docs.stripe.com/webhooks#verify-manually."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass

from sandbox.simulator.outbox import Event, Outbox, Route
from sandbox.simulator.stripe.model import Intent, stripe_id
from sandbox.simulator.stripe.shapes import API_VERSION

PARTY = "stripe"

# What the webhook endpoint is subscribed to; Stripe's other events go nowhere.
SUBSCRIBED = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.processing",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.closed",
    }
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The API request that caused an event; none if the customer or the bank did.

    With a `slow_bank` a refund stays pending.
    """

    request_id: str | None = None
    idempotency_key: str | None = None
    slow_bank: bool = False


def webhook_route(secret: str) -> Route:
    """How Stripe calls back: each delivery is signed anew."""

    def sign(raw: bytes, *, truly: bool) -> dict[str, str]:
        return {"Stripe-Signature": signature(raw, secret if truly else "whsec_forged")}

    return Route(
        party=PARTY,
        path="/callbacks/payments/stripe",
        sign=sign,
        delays=(0.2, 1, 2, 4, 8, 16, 30),
        tries=25,
    )


def signature(raw: bytes, secret: str) -> str:
    """The `Stripe-Signature` header for a body sent now."""
    now = int(time.time())
    digest = hmac.new(secret.encode(), f"{now}.".encode() + raw, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def emit(
    outbox: Outbox, kind: str, shape: dict[str, object], intent: Intent, origin: Origin
) -> None:
    """Call back if the endpoint is subscribed; `shape` is the object as it is now."""
    if kind not in SUBSCRIBED:
        return
    event_id = stripe_id("evt")
    envelope = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": shape},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": origin.request_id, "idempotency_key": origin.idempotency_key},
        "type": kind,
    }
    outbox.send(
        PARTY,
        Event(
            event_id=event_id,
            type=kind,
            body=json.dumps(envelope, indent=2, ensure_ascii=False),
            order_id=intent.order_id,
            payment_id=intent.payment_id,
            ref=str(shape["id"]),
        ),
    )
