"""What a call is about, in our words: for the journal and for matching scenarios."""

from __future__ import annotations

from sandbox.simulator.paypal.books import Books
from sandbox.simulator.paypal.calls import Call
from sandbox.simulator.paypal.errors import PayPalError
from sandbox.simulator.paypal.model import Order
from sandbox.simulator.paypal.params import AmountParams
from sandbox.simulator.world import Facts


def facts_of(call: Call, books: Books) -> Facts:
    """The facts of a call, whether or not it will be refused."""
    unit = _first(call.body.get("purchase_units"))
    order = _order(call, books)
    taken = str(order.amount) if order and call.operation == "capture" else ""
    ours = _text(unit, "custom_id") or _text(unit, "invoice_id")
    return Facts(
        order_id=order.order_id if order else _text(unit, "reference_id"),
        payment_id=order.payment_id if order else ours,
        ref=call.reference,
        idempotency_key=call.request_id,
        amount=taken or _minor(unit.get("amount") or call.body.get("amount")),
        refund_id=_refund_id(call, books, order),
    )


def _order(call: Call, books: Books) -> Order | None:
    if call.operation in {"retrieve", "capture"}:
        return books.orders.get(call.reference)
    capture_id = call.reference
    if call.operation == "retrieve_refund":
        refund = books.refunds.get(call.reference)
        capture_id = refund.capture_id if refund else ""
    capture = books.captures.get(capture_id) if capture_id else None
    return books.order_behind(capture) if capture else None


def _refund_id(call: Call, books: Books, order: Order | None) -> str:
    if call.operation == "retrieve_refund":
        refund = books.refunds.get(call.reference)
        made_outside = refund and order and refund.custom_id == order.custom_id
        return "" if refund is None or made_outside else refund.custom_id
    return _text(call.body, "custom_id") or _text(call.body, "invoice_id")


def _first(units: object) -> dict[str, object]:
    first = units[0] if isinstance(units, list) and units else None
    return first if isinstance(first, dict) else {}


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _minor(amount: object) -> str:
    if not isinstance(amount, dict):
        return ""
    try:
        return str(AmountParams.read(amount).minor(""))
    except PayPalError:
        return _text(amount, "value")
