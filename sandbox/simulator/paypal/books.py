"""PayPal's books: how orders, captures and refunds move, and what is told about it."""

from __future__ import annotations

from sandbox.simulator.errors import Conflict, NotKnown
from sandbox.simulator.paypal.events import Announcer
from sandbox.simulator.paypal.model import (
    PAID,
    Capture,
    CaptureStatus,
    NextCapture,
    Order,
    OrderStatus,
    Refund,
    RefundStatus,
    now,
)
from sandbox.simulator.paypal.site import Site
from sandbox.simulator.store import Collection
from sandbox.simulator.world import World


class Books:
    """The state; every method belongs to the caller's transaction."""

    def __init__(self, world: World, site: Site) -> None:
        self._announce = Announcer(world, site)
        self.orders = Collection(world.store, "paypal.order", Order)
        self.captures = Collection(world.store, "paypal.capture", Capture)
        self.refunds = Collection(world.store, "paypal.refund", Refund)

    def order_of(self, payment_id: str) -> Order:
        """The order of our payment: the one that is not completed, else the newest.

        Raises:
            NotKnown: there is none.
        """
        orders = self.orders.owned(payment_id) if payment_id else []
        if not orders:
            raise NotKnown(f"PayPal knows no order with custom_id={payment_id}")
        waiting = (o for o in reversed(orders) if o.status is not OrderStatus.COMPLETED)
        return next(waiting, orders[-1])

    def order_behind(self, capture: Capture) -> Order:
        """The order that a capture took the money for."""
        order = self.orders.get(capture.order_id)
        assert order is not None
        return order

    def capture_for(self, order: Order) -> Capture | None:
        """The order's capture, if it has been captured."""
        return self.captures.get(order.capture_id) if order.capture_id else None

    def refunds_of(self, order: Order) -> list[Refund]:
        """The order's refunds, oldest first."""
        return self.refunds.owned(order.capture_id) if order.capture_id else []

    def unclaimed(self, capture: Capture) -> int:
        """What of a capture no refund has claimed; a pending refund has."""
        claimed = [r for r in self.refunds.owned(capture.id) if r.status is not RefundStatus.FAILED]
        return capture.amount - sum(refund.amount for refund in claimed)

    def invoice_is_paid(self, invoice_id: str) -> bool:
        """Whether some capture has taken or is taking money for this invoice."""
        captures = self.captures.owned(invoice_id) if invoice_id else []
        return any(capture.status is not CaptureStatus.DECLINED for capture in captures)

    def add(self, order: Order) -> Order:
        """Store a new order."""
        return self._saved(order)

    def approve(self, order: Order, then: NextCapture) -> Order:
        """The payer approves, perhaps anew; `then` is how the merchant's capture will go.

        Raises:
            Conflict: it was captured already.
        """
        if order.status is OrderStatus.COMPLETED:
            raise Conflict(f"order {order.id} is {order.status}")
        news = order.status is not OrderStatus.APPROVED
        order.status, order.next_capture = OrderStatus.APPROVED, then
        self._saved(order)
        if news:
            self._announce.order_approved(order)
        return order

    def send_back(self, order: Order) -> None:
        """The payer's instrument was declined: another one has to be approved."""
        order.status, order.next_capture = order.unapproved_status, NextCapture()
        self._saved(order)

    def capture(self, order: Order) -> Capture:
        """Take the money of an approved order."""
        then = order.next_capture
        capture = Capture(
            order_id=order.id,
            status=CaptureStatus.PENDING if then.pending else CaptureStatus.COMPLETED,
            amount=order.amount if then.amount is None else then.amount,
            currency=order.currency,
            custom_id=order.custom_id,
            invoice_id=order.invoice_id,
        )
        order.status, order.capture_id = OrderStatus.COMPLETED, capture.id
        self._saved(order)
        self._changed(capture, order)
        return capture

    def settle(self, capture: Capture, amount: int | None) -> None:
        """A pending capture's money arrives, perhaps another amount."""
        capture.status = CaptureStatus.COMPLETED
        capture.amount = capture.amount if amount is None else amount
        self._changed(capture, self.order_behind(capture))

    def deny(self, capture: Capture) -> None:
        """A pending capture's money does not come; the order is over."""
        capture.status = CaptureStatus.DECLINED
        self._changed(capture, self.order_behind(capture))

    def dispute(self, order: Order) -> None:
        """The payer wants the money back through the bank.

        Raises:
            Conflict: nothing was paid.
        """
        capture = self.paid_capture(order)
        capture.disputed = True
        self._save_capture(capture)
        self._announce.disputed(capture, order)

    def paid_capture(self, order: Order) -> Capture:
        """The capture that holds the order's money.

        Raises:
            Conflict: nothing was paid.
        """
        capture = self.capture_for(order)
        if capture is None or capture.status not in PAID:
            raise Conflict(f"order {order.id} is not paid")
        return capture

    def refund(self, refund: Refund, capture: Capture) -> None:
        """Book a refund, which may be pending."""
        self.refunds.put(refund.id, refund, owner=capture.id)
        self._refund_changed(refund, capture)

    def settle_refund(self, order: Order, refund_id: str, status: RefundStatus) -> Refund:
        """A pending refund goes through or comes back.

        Raises:
            Conflict: no such refund of this payment is pending.
        """
        for refund in reversed(self.refunds_of(order)):
            named = not refund_id or refund_id in {refund.id, refund.custom_id}
            if named and refund.status is RefundStatus.PENDING:
                refund.status, refund.update_time = status, now()
                self.refunds.put(refund.id, refund, owner=refund.capture_id)
                capture = self.captures.get(refund.capture_id)
                assert capture is not None
                self._refund_changed(refund, capture)
                return refund
        raise Conflict(f"order {order.id} has no such refund that is pending")

    def _refund_changed(self, refund: Refund, capture: Capture) -> None:
        if refund.status is RefundStatus.COMPLETED:
            capture.refunded += refund.amount
            whole = capture.refunded >= capture.amount
            capture.status = CaptureStatus.REFUNDED if whole else CaptureStatus.PARTIALLY_REFUNDED
            self._save_capture(capture)
        self._announce.refund_changed(refund, self.order_behind(capture))

    def _changed(self, capture: Capture, order: Order) -> None:
        self._save_capture(capture)
        self._announce.capture_changed(capture, order)

    def _save_capture(self, capture: Capture) -> None:
        capture.update_time = now()
        self.captures.put(capture.id, capture, owner=capture.invoice_id)

    def _saved(self, order: Order) -> Order:
        order.update_time = now()
        self.orders.put(order.id, order, owner=order.payment_id)
        return order
