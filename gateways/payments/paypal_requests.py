"""What we ask of PayPal (Orders v2, Payments v2)."""

from __future__ import annotations

import re
from urllib.parse import quote

from domain.payment import PaymentRef, PaymentRequest, RefundRequest
from gateways.errors import NotFound
from gateways.payments.paypal_amounts import wire_amount

ORDERS = "/v2/checkout/orders"

_REF = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_LONGEST_DESCRIPTION = 127
_LONGEST_NOTE = 255


def order_message(request: PaymentRequest, shop_url: str) -> dict[str, object]:
    """An order of one purchase unit, which the buyer pays at once and without an address."""
    back = f"{shop_url}/orders/{quote(request.order_id, safe='')}"
    unit: dict[str, object] = {
        "reference_id": request.order_id,
        "custom_id": request.payment_id,
        # Where the account is set up so, PayPal takes no second payment with the same one.
        "invoice_id": request.payment_id,
        "amount": wire_amount(request.amount),
    }
    if request.description:
        unit["description"] = request.description[:_LONGEST_DESCRIPTION]
    experience = {
        "return_url": f"{back}?payment=approved",
        "cancel_url": f"{back}?payment=cancelled",
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
    }
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": experience}},
    }


def refund_message(request: RefundRequest) -> dict[str, object]:
    """A refund of exactly the amount asked for."""
    message: dict[str, object] = {
        "amount": wire_amount(request.amount),
        "custom_id": request.refund_id,
        "invoice_id": request.refund_id,
    }
    if request.reason:
        message["note_to_payer"] = request.reason[:_LONGEST_NOTE]
    return message


def order_path(payment: PaymentRef) -> str:
    """Where the payment's order is.

    Raises:
        NotFound: PayPal never gave it a reference.
    """
    return f"{ORDERS}/{path_part(payment.provider_ref)}"


def path_part(ref: str) -> str:
    """`ref` as a part of a path; an empty one would name the whole collection.

    Raises:
        NotFound: it is no reference of PayPal's.
    """
    if not _REF.fullmatch(ref):
        raise NotFound("PayPal gave no such reference")
    return ref
