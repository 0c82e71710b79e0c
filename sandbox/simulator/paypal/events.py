"""What PayPal tells its merchants: https://developer.paypal.com/api/rest/webhooks/event-names/."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sandbox.simulator.outbox import Event
from sandbox.simulator.paypal.errors import Shape
from sandbox.simulator.paypal.model import (
    Capture,
    CaptureStatus,
    Order,
    Refund,
    RefundStatus,
    now,
    paypal_id,
)
from sandbox.simulator.paypal.money import money
from sandbox.simulator.paypal.shapes import (
    capture_object,
    dispute_object,
    full_order,
    refund_object,
)
from sandbox.simulator.paypal.site import Site
from sandbox.simulator.paypal.webhooks import PARTY
from sandbox.simulator.world import World

_CAPTURE_EVENTS = {
    CaptureStatus.PENDING: ("PAYMENT.CAPTURE.PENDING", "Payment pending for"),
    CaptureStatus.COMPLETED: ("PAYMENT.CAPTURE.COMPLETED", "Payment completed for"),
    CaptureStatus.DECLINED: ("PAYMENT.CAPTURE.DENIED", "A payment was denied of"),
}
# There is no event of its own for a refund that completes late: it is the capture's again.
_REFUND_EVENTS = {
    RefundStatus.PENDING: ("PAYMENT.REFUND.PENDING", "A refund is pending of"),
    RefundStatus.COMPLETED: ("PAYMENT.CAPTURE.REFUNDED", "A capture payment was refunded of"),
    RefundStatus.FAILED: ("PAYMENT.REFUND.FAILED", "A refund failed of"),
}
_APPROVED = "CHECKOUT.ORDER.APPROVED"
_DISPUTED = "CUSTOMER.DISPUTE.CREATED"

# What the webhook is subscribed to; PayPal's other events go nowhere.
SUBSCRIBED = frozenset(
    {
        _APPROVED,
        _DISPUTED,
        *(name for name, _ in _CAPTURE_EVENTS.values()),
        *(name for name, _ in _REFUND_EVENTS.values()),
    }
)


class Announcer:
    """Puts events on their way, each with its subject as it is now."""

    def __init__(self, world: World, site: Site) -> None:
        self._outbox = world.outbox
        self._site = site

    def order_approved(self, order: Order) -> None:
        """The payer has approved."""
        resource = full_order(order, None, (), self._site)
        summary = "An order has been approved by buyer"
        self._send(_APPROVED, "checkout-order", summary, resource, order)

    def capture_changed(self, capture: Capture, order: Order) -> None:
        """Money came, is on its way or does not come."""
        kind, words = _CAPTURE_EVENTS[capture.status]
        summary = f"{words} {_words(capture.amount, capture.currency)}"
        self._send(kind, "capture", summary, capture_object(capture, self._site), order)

    def refund_changed(self, refund: Refund, order: Order) -> None:
        """Money went back, is on its way back or does not go back."""
        kind, words = _REFUND_EVENTS[refund.status]
        summary = f"{words} {_words(refund.amount, refund.currency)}"
        self._send(kind, "refund", summary, refund_object(refund, self._site), order)

    def disputed(self, capture: Capture, order: Order) -> None:
        """The payer's bank wants the money back."""
        dispute_id = f"PP-R-{paypal_id(3)}-{paypal_id(9)}"
        resource = dispute_object(dispute_id, capture, now(), self._site)
        summary = f"A new dispute opened with Case # {dispute_id}"
        self._send(_DISPUTED, "dispute", summary, resource, order, ref=dispute_id)

    def _send(
        self, kind: str, of: str, summary: str, resource: Shape, order: Order, *, ref: str = ""
    ) -> None:
        event_id = f"WH-{paypal_id()}-{paypal_id()}"
        path = f"/v1/notifications/webhooks-events/{event_id}"
        envelope: Shape = {
            "id": event_id,
            "event_version": "1.0",
            "create_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "resource_type": of,
            "resource_version": "2.0",
            "event_type": kind,
            "summary": summary,
            "resource": resource,
            "links": [
                self._site.link(path, "self"),
                self._site.link(path + "/resend", "resend", "POST"),
            ],
        }
        event = Event(
            event_id=event_id,
            type=kind,
            body=json.dumps(envelope, ensure_ascii=False, separators=(",", ":")),
            order_id=order.order_id,
            payment_id=order.payment_id,
            ref=ref or str(resource["id"]),
        )
        self._outbox.send(PARTY, event)


def _words(minor: int, currency: str) -> str:
    amount = money(minor, currency)
    return f"{amount['value']} {currency}"
