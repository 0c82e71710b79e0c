"""What PayPal's API can be asked, each as PayPal itself would do or refuse it."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.simulator.paypal.books import Books
from sandbox.simulator.paypal.calls import Call, Task
from sandbox.simulator.paypal.errors import Shape, refusal
from sandbox.simulator.paypal.model import (
    PAID,
    Capture,
    CaptureStatus,
    Order,
    OrderStatus,
    Refund,
    RefundStatus,
)
from sandbox.simulator.paypal.params import AmountParams, CreateOrder, CreateRefund, VerifySignature
from sandbox.simulator.paypal.shapes import (
    capture_object,
    checkout_link,
    full_order,
    minimal_order,
    minimal_refund,
    refund_object,
)
from sandbox.simulator.paypal.site import Site
from sandbox.simulator.paypal.webhooks import Signer, raw_member


class Operations:
    """The endpoints; each raises PayPalError before it changes anything, or does it all."""

    def __init__(self, books: Books, signer: Signer, site: Site) -> None:
        self._books = books
        self._signer = signer
        self._site = site

    def tasks(self) -> Mapping[str, Task]:
        """All of them by name."""
        orders, captures = "/v2/checkout/orders", "/v2/payments/captures"
        verify = "/v1/notifications/verify-webhook-signature"
        order, refund = self._show_order, self._show_refund
        return {
            "create": Task("POST", orders, self._create, order, creates=True),
            "retrieve": Task("GET", orders + "/{id}", self._retrieve, order),
            "capture": Task("POST", orders + "/{id}/capture", self._capture, order, creates=True),
            "retrieve_capture": Task(
                "GET", captures + "/{id}", self._find_capture, self._show_capture
            ),
            "refund": Task("POST", captures + "/{id}/refund", self._refund, refund, creates=True),
            "retrieve_refund": Task("GET", "/v2/payments/refunds/{id}", self._find_refund, refund),
            "verify_webhook": Task("POST", verify, self._verify, _show_verdict),
        }

    def _create(self, call: Call) -> str:
        if "payment_source" in call.body and not call.request_id:
            raise refusal("PAYPAL_REQUEST_ID_REQUIRED")
        params = CreateOrder.read(call.body)
        (unit,), wallet = params.purchase_units, params.payment_source is not None
        order = Order(
            status=OrderStatus.PAYER_ACTION_REQUIRED if wallet else OrderStatus.CREATED,
            amount=unit.amount.minor("/purchase_units/0/amount"),
            currency=unit.amount.currency_code,
            reference_id=unit.reference_id,
            custom_id=unit.custom_id,
            invoice_id=unit.invoice_id,
            description=unit.description,
            wallet=wallet,
            return_url=params.experience.return_url,
            cancel_url=params.experience.cancel_url,
        )
        return self._books.add(order).id

    def _retrieve(self, call: Call) -> str:
        return self._order(call.reference).id

    def _capture(self, call: Call) -> str:
        order = self._order(call.reference)
        if order.status is OrderStatus.COMPLETED:
            raise refusal("ORDER_ALREADY_CAPTURED")
        if order.status is not OrderStatus.APPROVED:
            raise refusal("ORDER_NOT_APPROVED")
        if self._books.invoice_is_paid(order.invoice_id):
            raise refusal("DUPLICATE_INVOICE_ID")
        if order.next_capture.decline:
            issue = order.next_capture.decline
            self._books.send_back(order)
            again = checkout_link(order, self._site, "redirect")
            raise refusal(issue, links=[again], effect=True)
        self._books.capture(order)
        return order.id

    def _find_capture(self, call: Call) -> str:
        return self._a_capture(call.reference).id

    def _refund(self, call: Call) -> str:
        params = CreateRefund.read(call.body)
        capture = self._a_capture(call.reference)
        amount = self._refundable(capture, params.amount)
        refund = self.new_refund(
            capture,
            amount,
            RefundStatus.PENDING if call.slow_bank else RefundStatus.COMPLETED,
            custom_id=params.custom_id,
            invoice_id=params.invoice_id,
            note=params.note_to_payer,
        )
        return refund.id

    def new_refund(
        self,
        capture: Capture,
        amount: int,
        status: RefundStatus,
        *,
        custom_id: str,
        invoice_id: str,
        note: str = "",
    ) -> Refund:
        """Make a refund that is allowed."""
        refund = Refund(
            capture_id=capture.id,
            status=status,
            amount=amount,
            currency=capture.currency,
            custom_id=custom_id,
            invoice_id=invoice_id,
            note_to_payer=note,
            total_refunded=capture.amount - self._books.unclaimed(capture) + amount,
        )
        self._books.refund(refund, capture)
        return refund

    def _refundable(self, capture: Capture, asked: AmountParams | None) -> int:
        if capture.status is CaptureStatus.PENDING:
            raise refusal("PENDING_CAPTURE")
        if capture.status not in PAID:
            raise refusal("REFUND_NOT_ALLOWED")
        left = self._books.unclaimed(capture)
        if left == 0:
            raise refusal("CAPTURE_FULLY_REFUNDED")
        if asked is None:
            return left
        amount = asked.minor("/amount")
        if asked.currency_code != capture.currency:
            raise refusal("REFUND_CAPTURE_CURRENCY_MISMATCH")
        if amount > left:
            raise refusal("REFUND_AMOUNT_EXCEEDED")
        if capture.disputed and amount < left:
            raise refusal("CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED")
        return amount

    def _find_refund(self, call: Call) -> str:
        if self._books.refunds.get(call.reference) is None:
            raise refusal("INVALID_RESOURCE_ID")
        return call.reference

    def _verify(self, call: Call) -> str:
        claim = VerifySignature.read(call.body)
        event = raw_member(call.raw.decode(), "webhook_event").encode()
        return "SUCCESS" if self._signer.knows(claim, event) else "FAILURE"

    def _show_order(self, order_id: str, call: Call) -> Shape:
        order = self._order(order_id)
        capture = self._books.capture_for(order)
        if call.full:
            return full_order(order, capture, self._books.refunds_of(order), self._site)
        return minimal_order(order, capture, self._site)

    def _show_capture(self, capture_id: str, _: Call) -> Shape:
        return capture_object(self._a_capture(capture_id), self._site)

    def _show_refund(self, refund_id: str, call: Call) -> Shape:
        refund = self._books.refunds.get(refund_id)
        assert refund is not None
        return (refund_object if call.full else minimal_refund)(refund, self._site)

    def _order(self, order_id: str) -> Order:
        order = self._books.orders.get(order_id)
        if order is None:
            raise refusal("INVALID_RESOURCE_ID")
        return order

    def _a_capture(self, capture_id: str) -> Capture:
        capture = self._books.captures.get(capture_id)
        if capture is None:
            raise refusal("INVALID_RESOURCE_ID")
        return capture


def _show_verdict(verdict: str, _: Call) -> Shape:
    return {"verification_status": verdict}
