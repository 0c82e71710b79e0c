"""PayPal's objects as its API shows them: Orders 2.13, Payments 2.5."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.simulator.paypal.errors import Shape
from sandbox.simulator.paypal.model import (
    PAID,
    Capture,
    CaptureStatus,
    Order,
    OrderStatus,
    Refund,
    RefundStatus,
)
from sandbox.simulator.paypal.money import money
from sandbox.simulator.paypal.site import Site

_PAYEE = {"email_address": "shop@business.example.com", "merchant_id": "M3RCHANT0ID00"}
_PAYER = {
    "name": {"given_name": "John", "surname": "Doe"},
    "email_address": "buyer@personal.example.com",
    "payer_id": "PAYER0ID00000",
    "address": {"country_code": "US"},
}
_WALLET = {
    "name": _PAYER["name"],
    "email_address": _PAYER["email_address"],
    "account_id": _PAYER["payer_id"],
    "account_status": "VERIFIED",
    "address": _PAYER["address"],
}
_SELLER_PROTECTION = {
    "status": "ELIGIBLE",
    "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
}

PAYER_ID = str(_PAYER["payer_id"])


def checkout_link(order: Order, site: Site, rel: str) -> Shape:
    """The page where the payer approves."""
    return site.link(f"/checkoutnow?token={order.id}", rel)


def minimal_order(order: Order, capture: Capture | None, site: Site) -> Shape:
    """What a POST answers unless it prefers the representation."""
    shape: Shape = {"id": order.id, "status": order.status.value}
    approved = order.status in {OrderStatus.APPROVED, OrderStatus.COMPLETED}
    if order.wallet or approved:
        shape["payment_source"] = {"paypal": _WALLET if approved else {}}
    if capture is not None:
        payments = {"captures": [_nested_capture(capture, site)]}
        shape["purchase_units"] = [{"reference_id": order.reference_id, "payments": payments}]
    if approved:
        shape["payer"] = _PAYER
    return shape | {"links": _order_links(order, site)}


def full_order(
    order: Order, capture: Capture | None, refunds: Sequence[Refund], site: Site
) -> Shape:
    """The order with all that belongs to it."""
    unit: Shape = {
        "reference_id": order.reference_id,
        "amount": money(order.amount, order.currency),
        "payee": _PAYEE,
        **_given(description=order.description, custom_id=order.custom_id),
        **_given(invoice_id=order.invoice_id),
    }
    if capture is not None:
        payments: Shape = {"captures": [_nested_capture(capture, site)]}
        if refunds:
            payments["refunds"] = [refund_object(refund, site) for refund in refunds]
        unit["payments"] = payments
    return minimal_order(order, capture, site) | {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "create_time": order.create_time,
        "update_time": order.update_time,
    }


def _order_links(order: Order, site: Site) -> list[Shape]:
    path = f"/v2/checkout/orders/{order.id}"
    own = site.link(path, "self")
    update, capture = site.link(path, "update", "PATCH"), site.link(path + "/capture", "capture")
    capture["method"] = "POST"
    match order.status:
        case OrderStatus.PAYER_ACTION_REQUIRED:
            return [own, checkout_link(order, site, "payer-action")]
        case OrderStatus.CREATED:
            return [own, checkout_link(order, site, "approve"), update, capture]
        case OrderStatus.APPROVED:
            return [own, update, capture]
        case OrderStatus.COMPLETED:
            return [own]


def _nested_capture(capture: Capture, site: Site) -> Shape:
    path = f"/v2/payments/captures/{capture.id}"
    shape: Shape = {
        "id": capture.id,
        "status": capture.status.value,
        "amount": money(capture.amount, capture.currency),
        "final_capture": True,
        "disbursement_mode": "INSTANT",
        "seller_protection": _SELLER_PROTECTION,
        **_given(custom_id=capture.custom_id, invoice_id=capture.invoice_id),
        "create_time": capture.create_time,
        "update_time": capture.update_time,
        "links": [
            site.link(path, "self"),
            site.link(path + "/refund", "refund", "POST"),
            site.link(f"/v2/checkout/orders/{capture.order_id}", "up"),
        ],
    }
    if capture.status is CaptureStatus.PENDING:
        shape["status_details"] = {"reason": "PENDING_REVIEW"}
    if capture.status in PAID:
        shape["seller_receivable_breakdown"] = _breakdown(
            capture.amount, _fee(capture.amount), capture.currency
        )
    return shape


def capture_object(capture: Capture, site: Site) -> Shape:
    """The capture by itself, which says what order it belongs to."""
    related = {"related_ids": {"order_id": capture.order_id}}
    return _nested_capture(capture, site) | {"supplementary_data": related}


def refund_object(refund: Refund, site: Site) -> Shape:
    """The refund."""
    shape = minimal_refund(refund, site) | {
        "amount": money(refund.amount, refund.currency),
        **_given(custom_id=refund.custom_id, invoice_id=refund.invoice_id),
        **_given(note_to_payer=refund.note_to_payer),
        "seller_payable_breakdown": _breakdown(refund.amount, 0, refund.currency)
        | {"total_refunded_amount": money(refund.total_refunded, refund.currency)},
        "create_time": refund.create_time,
        "update_time": refund.update_time,
    }
    if refund.status is RefundStatus.PENDING:
        shape["status_details"] = {"reason": "ECHECK"}
    return shape


def minimal_refund(refund: Refund, site: Site) -> Shape:
    """What a POST answers unless it prefers the representation."""
    return {
        "id": refund.id,
        "status": refund.status.value,
        "links": [
            site.link(f"/v2/payments/refunds/{refund.id}", "self"),
            site.link(f"/v2/payments/captures/{refund.capture_id}", "up"),
        ],
    }


def dispute_object(dispute_id: str, capture: Capture, opened: str, site: Site) -> Shape:
    """A chargeback of the whole capture, Customer Disputes v1."""
    transaction: Shape = {
        "seller_transaction_id": capture.id,
        "create_time": capture.create_time,
        "transaction_status": "COMPLETED",
        "gross_amount": money(capture.amount, capture.currency),
        **_given(invoice_number=capture.invoice_id, custom=capture.custom_id),
        "seller": {"merchant_id": _PAYEE["merchant_id"], "name": "Test Store"},
        "items": [],
        "seller_protection_eligible": True,
    }
    path = f"/v1/customer/disputes/{dispute_id}"
    return {
        "dispute_id": dispute_id,
        "create_time": opened,
        "update_time": opened,
        "disputed_transactions": [transaction],
        "reason": "UNAUTHORISED",
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": money(capture.amount, capture.currency),
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "EXTERNAL",
        "messages": [],
        "links": [site.link(path, "self")],
    }


def _breakdown(gross: int, fee: int, currency: str) -> Shape:
    return {
        "gross_amount": money(gross, currency),
        "paypal_fee": money(fee, currency),
        "net_amount": money(gross - fee, currency),
    }


def _fee(amount: int) -> int:
    return amount * 34 // 1000


def _given(**fields: str) -> Shape:
    return {name: value for name, value in fields.items() if value}
