"""Stripe's documented objects, and webhooks signed by Stripe's own signer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import stripe

from domain.money import Money
from domain.payment import PaymentRef, PaymentRequest, RefundRequest

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
UNIX = int(NOW.timestamp())
API_KEY = "sk_test_51Orderflow"
WEBHOOK_SECRET = "whsec_orderflow"
ASKED = Money(minor=12345, currency="CNY")


def payment_request(payment_id: str = "P01", amount: Money = ASKED) -> PaymentRequest:
    return PaymentRequest(
        payment_id=payment_id,
        order_id="O01",
        order_number="EC-1",
        amount=amount,
        description="订单支付 - EC-1",
        idempotency_key=f"{payment_id}:create:1",
        expires_at=NOW,
    )


def payment_ref(
    provider_ref: str = "pi_1", payment_id: str = "P01", asked: Money = ASKED
) -> PaymentRef:
    return PaymentRef(payment_id=payment_id, provider_ref=provider_ref, asked=asked)


def refund_request(
    provider_ref: str = "pi_1",
    refund_id: str = "R01",
    minor: int = 345,
    payment_id: str = "P01",
    reason: str = "",
) -> RefundRequest:
    return RefundRequest(
        refund_id=refund_id,
        payment=payment_ref(provider_ref, payment_id),
        amount=Money(minor=minor, currency="CNY"),
        reason=reason,
        idempotency_key=f"{refund_id}:refund:1",
    )


def intent(status: str = "requires_payment_method", **changes: object) -> dict[str, object]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 12345,
        "amount_received": 12345 if status == "succeeded" else 0,
        "currency": "cny",
        "client_secret": "pi_1_secret_x",
        "latest_charge": None,
        "last_payment_error": None,
        "livemode": False,
        "metadata": {"payment_id": "P01", "order_id": "O01"},
        "status": status,
    } | changes


def charge(amount_refunded: int = 0, **changes: object) -> dict[str, object]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 12345,
        "amount_refunded": amount_refunded,
        "disputed": False,
        "payment_intent": "pi_1",
    } | changes


def refund(status: str = "succeeded", **changes: object) -> dict[str, object]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 345,
        "currency": "cny",
        "payment_intent": "pi_1",
        "metadata": {"refund_id": "R01", "payment_id": "P01"},
        "status": status,
    } | changes


def dispute(**changes: object) -> dict[str, object]:
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 12345,
        "charge": "ch_1",
        "currency": "cny",
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
    } | changes


def page(*objects: dict[str, object], has_more: bool = False) -> dict[str, object]:
    return {"object": "list", "url": "/v1/refunds", "data": list(objects), "has_more": has_more}


def problem(kind: str, **details: str) -> dict[str, object]:
    return {"error": {"type": kind, "message": f"because of {kind}", **details}}


def event(kind: str, subject: dict[str, object], **changes: object) -> bytes:
    envelope = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": UNIX - 2,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {"object": subject},
    }
    return json.dumps(envelope | changes, indent=2, ensure_ascii=False).encode()


def v1(body: bytes, *, secret: str = WEBHOOK_SECRET, unix: int = UNIX) -> str:
    """Stripe's own signature of `body`, made by Stripe's own code."""
    compute = stripe.WebhookSignature._compute_signature
    return compute(f"{unix}.{body.decode()}", secret)


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, unix: int = UNIX) -> dict[str, str]:
    return {"Stripe-Signature": f"t={unix},v1={v1(body, secret=secret, unix=unix)},v0=ignored"}
