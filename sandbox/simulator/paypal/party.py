"""PayPal as a party: its paths, and what its payers and banks can do."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.provider_keys import ProviderKeys
from sandbox.simulator.errors import Conflict
from sandbox.simulator.journal import Entry
from sandbox.simulator.paypal.books import Books
from sandbox.simulator.paypal.calls import Call, Task
from sandbox.simulator.paypal.checkout import Checkout
from sandbox.simulator.paypal.door import Door
from sandbox.simulator.paypal.events import SUBSCRIBED
from sandbox.simulator.paypal.model import (
    PAID,
    Capture,
    CaptureStatus,
    NextCapture,
    Order,
    OrderStatus,
    Refund,
    RefundStatus,
)
from sandbox.simulator.paypal.operations import Operations
from sandbox.simulator.paypal.site import PREFIX, Site
from sandbox.simulator.paypal.webhooks import PARTY, Signer
from sandbox.simulator.world import Move, World

_PAY = "paypal.pay"


class PayPal:
    """PayPal's API under `/paypal`, its webhooks, and the people at its other end.

    The shop takes the money here: `pay` approves, and only the shop's capture makes it paid.
    """

    name = PARTY

    def __init__(self, world: World) -> None:
        self._world = world
        site = Site(world)
        webhook_id = world.config.paypal_webhook_id
        self._signer = Signer(ProviderKeys(world.config.sim_keys), webhook_id, site)
        self._books = Books(world, site)
        self._door = Door(world, self._books, site)
        self._calls = Operations(self._books, self._signer, site)
        self._checkout = Checkout(world, self._books)
        self._tasks = dict(self._calls.tasks())
        self._tasks["create"] = self._paid_by_itself(self._tasks["create"])
        self.moves: Mapping[str, Move] = {"approve": self.approve}
        world.outbox.add_route(self._signer.route())
        world.schedule.add_action(_PAY, self.pay)

    @property
    def operations(self) -> frozenset[str]:
        """What it can be asked, and the events that it calls back with."""
        return frozenset(self._tasks) | {"token"} | SUBSCRIBED

    def routes(self) -> list[Route]:
        """Its real paths."""
        api = [
            Route(PREFIX + task.path, self._door.endpoint(operation, task), methods=[task.method])
            for operation, task in self._tasks.items()
        ]
        certificates = f"{PREFIX}/v1/notifications/certs/{{name}}"
        return [
            Route(f"{PREFIX}/v1/oauth2/token", self._door.token, methods=["POST"]),
            *api,
            Route(certificates, self._show_certificates, methods=["GET"]),
            *self._checkout.routes(),
        ]

    def approve(self, payment_id: str, query: Mapping[str, str]) -> Mapping[str, object]:  # noqa: ARG002 - PayPal's approval has no options
        """The payer approves; the shop may capture now."""
        return self._view(self._books.approve(self._books.order_of(payment_id), NextCapture()))

    def pay(
        self,
        payment_id: str,
        *,
        force: bool = False,  # noqa: ARG002 - nothing is closed here, so nothing needs forcing
        amount: int | None = None,
    ) -> Mapping[str, object]:
        """The payer approves, or the bank lets a pending capture through."""
        order = self._books.order_of(payment_id)
        capture = self._books.capture_for(order)
        if capture is None:
            self._books.approve(order, NextCapture(amount=amount))
        elif capture.status is CaptureStatus.PENDING:
            self._books.settle(capture, amount)
        elif capture.status not in PAID:
            raise Conflict(f"order {order.id} is over: its capture is {capture.status}")
        return self._view(order)

    def decline(self, payment_id: str, code: str) -> Mapping[str, object]:
        """The payer approves with an instrument that the shop's capture will be refused for.

        A capture that is pending already is denied instead.
        """
        order = self._books.order_of(payment_id)
        capture = self._books.capture_for(order)
        if capture is not None and capture.status is CaptureStatus.PENDING:
            self._books.deny(capture)
        else:
            self._books.approve(order, NextCapture(decline=code or "INSTRUMENT_DECLINED"))
        return self._view(order)

    def process(self, payment_id: str) -> Mapping[str, object]:
        """The payer approves with an instrument that takes its time."""
        order = self._books.order_of(payment_id)
        return self._view(self._books.approve(order, NextCapture(pending=True)))

    def settle_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank lets the pending refund through."""
        order = self._books.order_of(payment_id)
        refund = self._books.settle_refund(order, refund_id, RefundStatus.COMPLETED)
        return _refund_view(refund, order)

    def fail_refund(self, payment_id: str, refund_id: str) -> Mapping[str, object]:
        """The bank returns the pending refund."""
        order = self._books.order_of(payment_id)
        refund = self._books.settle_refund(order, refund_id, RefundStatus.FAILED)
        return _refund_view(refund, order)

    def refund_outside(self, payment_id: str, amount: int | None) -> Mapping[str, object]:
        """Somebody refunds in the dashboard; such a refund has the capture's ids, not its own."""
        order = self._books.order_of(payment_id)
        capture = self._books.paid_capture(order)
        left = self._books.unclaimed(capture)
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            raise Conflict(f"{left} of capture {capture.id} can be refunded, not {wanted}")
        refund = self._calls.new_refund(
            capture,
            wanted,
            RefundStatus.COMPLETED,
            custom_id=capture.custom_id,
            invoice_id=capture.invoice_id,
        )
        return _refund_view(refund, order)

    def dispute(self, payment_id: str) -> Mapping[str, object]:
        """The payer wants the money back through the bank."""
        order = self._books.order_of(payment_id)
        self._books.dispute(order)
        return self._view(order)

    def state(self, order_id: str, limit: int) -> Mapping[str, list[dict[str, object]]]:
        """The payments as PayPal holds them, newest first."""
        orders = self._books.orders.latest(limit)
        chosen = [o for o in orders if not order_id or o.order_id == order_id]
        return {"payments": [self._view(order) for order in chosen]}

    def _paid_by_itself(self, task: Task) -> Task:
        def create(call: Call) -> str:
            reference = task.do(call)
            order = self._books.orders.get(reference)
            if order is not None and order.payment_id:
                seconds = self._world.schedule.defaults.auto_pay
                self._world.schedule.after(seconds, _PAY, order.payment_id)
            return reference

        return Task(task.method, task.path, create, task.show, creates=True)

    async def _show_certificates(self, request: Request) -> Response:
        known = request.path_params["name"] == self._signer.certificate_name
        entry = Entry(
            party=PARTY,
            kind="request",
            operation="certificate",
            status=200 if known else 404,
            verdict="read" if known else "rejected",
        )
        self._world.journal.write(entry)
        if not known:
            return Response(status_code=404)
        return Response(self._signer.chain, media_type="application/x-pem-file")

    def _view(self, order: Order) -> dict[str, object]:
        capture = self._books.capture_for(order)
        return {
            "gateway": PARTY,
            "paymentId": order.payment_id,
            "orderId": order.order_id,
            "providerRef": order.id,
            "status": (capture or order).status.lower(),
            "open": _open(order, capture),
            "amount": order.amount,
            "currency": order.currency,
            "captured": capture.amount if capture and capture.status in PAID else 0,
            "refunded": capture.refunded if capture else 0,
            "refunds": [_refund_view(refund, order) for refund in self._books.refunds_of(order)],
        }


def _open(order: Order, capture: Capture | None) -> bool:
    if capture is not None:
        return capture.status is CaptureStatus.PENDING
    return order.status is not OrderStatus.COMPLETED


def _refund_view(refund: Refund, order: Order) -> dict[str, object]:
    made_outside = refund.custom_id == order.custom_id
    return {
        "refundId": "" if made_outside else refund.custom_id,
        "providerRef": refund.id,
        "status": refund.status.lower(),
        "amount": refund.amount,
        "currency": refund.currency,
    }
