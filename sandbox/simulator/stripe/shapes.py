"""Stripe's JSON objects, field for field as in `fixtures3.json` of stripe/openapi."""

from __future__ import annotations

from sandbox.simulator.stripe.model import (
    Charge,
    Decline,
    Dispute,
    DisputeStatus,
    Intent,
    IntentStatus,
    Refund,
)

API_VERSION = "2026-10-28.endive"
_DAYS_TO_RESPOND = 7
_CARD = {
    "brand": "visa",
    "checks": {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": "pass",
    },
    "country": "US",
    "exp_month": 12,
    "exp_year": 2034,
    "fingerprint": "mToisGZ01V71BCos",
    "funding": "credit",
    "installments": None,
    "last4": "4242",
    "mandate": None,
    "network": "visa",
    "three_d_secure": None,
    "wallet": None,
}
_NOBODY = {
    "address": {
        "city": None,
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


def intent_object(intent: Intent, charge: Charge | None = None) -> dict[str, object]:
    """The payment intent; `charge` expands `latest_charge`."""
    automatic = {"allow_redirects": "always", "enabled": True}
    next_action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    waits = intent.status is IntentStatus.REQUIRES_ACTION
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic if intent.automatic_payment_methods else None,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": "automatic",
        "client_secret": intent.client_secret,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": None,
        "description": intent.description,
        "last_payment_error": decline_object(intent.last_decline),
        "latest_charge": charge_object(charge) if charge else intent.latest_charge,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": next_action if waits else None,
        "on_behalf_of": None,
        "payment_method": intent.payment_method,
        "payment_method_options": {},
        "payment_method_types": intent.payment_method_types,
        "processing": None,
        "receipt_email": intent.receipt_email,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": intent.statement_descriptor,
        "statement_descriptor_suffix": intent.statement_descriptor_suffix,
        "status": intent.status.value,
        "transfer_data": None,
        "transfer_group": None,
    }


def decline_object(decline: Decline | None) -> dict[str, object] | None:
    """`last_payment_error`, and the same in the answer to a declined confirmation."""
    if decline is None:
        return None
    shape: dict[str, object] = {
        "charge": decline.charge,
        "code": decline.code,
        "doc_url": f"https://docs.stripe.com/error-codes#{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": {
            "id": decline.payment_method,
            "object": "payment_method",
            "billing_details": _NOBODY,
            "card": _CARD,
            "livemode": False,
            "metadata": {},
            "type": "card",
        },
        "type": "card_error",
    }
    if decline.decline_code:
        shape["decline_code"] = decline.decline_code
    return shape


def charge_object(charge: Charge) -> dict[str, object]:
    """The charge."""
    failed = charge.failure_code is not None
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": 0 if failed else charge.amount,
        "amount_refunded": charge.amount_refunded,
        "application": None,
        "balance_transaction": None,
        "billing_details": _NOBODY,
        "captured": not failed,
        "created": charge.created,
        "currency": charge.currency,
        "customer": None,
        "description": None,
        "disputed": charge.disputed,
        "failure_balance_transaction": None,
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "fraud_details": {},
        "livemode": False,
        "metadata": charge.metadata,
        "outcome": _outcome(charge),
        "paid": not failed,
        "payment_intent": charge.intent_id,
        "payment_method": charge.payment_method,
        "payment_method_details": {"card": _CARD, "type": "card"},
        "receipt_email": None,
        "receipt_url": None,
        "refunded": not failed and charge.amount_refunded >= charge.amount,
        "shipping": None,
        "status": "failed" if failed else "succeeded",
        "transfer_group": None,
    }


def _outcome(charge: Charge) -> dict[str, object]:
    failed = charge.failure_code is not None
    return {
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": charge.decline_code,
        "risk_level": "normal",
        "seller_message": "The bank did not authorize." if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }


def refund_object(refund: Refund) -> dict[str, object]:
    """The refund."""
    shape: dict[str, object] = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": None,
        "charge": refund.charge_id,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": refund.metadata,
        "payment_intent": refund.intent_id,
        "reason": refund.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": refund.status.value,
        "transfer_reversal": None,
    }
    if refund.failure_reason:
        shape["failure_reason"] = refund.failure_reason
    return shape


def dispute_object(dispute: Dispute) -> dict[str, object]:
    """The dispute."""
    waits = dispute.status is DisputeStatus.NEEDS_RESPONSE
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [],
        "charge": dispute.charge_id,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": dispute.created + _DAYS_TO_RESPOND * 86400 if waits else None,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": dispute.intent_id,
        "reason": "fraudulent",
        "status": dispute.status.value,
    }
