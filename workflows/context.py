"""What the steps of one order share: its input, its state, its helpers."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from workflows.compensation import Compensations
from workflows.display import Display
from workflows.messages import CancelOrder, OrderInput
from workflows.notifier import Notifier
from workflows.replacement import told_instead

with workflow.unsafe.imports_passed_through():
    from activities.notifications import CustomerEvent
    from domain.money import Money
    from domain.notification import NotificationKind, ShortLine
    from domain.order import Order


class OrderStopped(Exception):
    """The order goes no further; `run` compensates. `reason` is shown to customers."""

    def __init__(self, reason: str, *, expired: bool = False, returned: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expired = expired
        self.returned = returned


class OrderContext:
    """The state that an order's steps have in common."""

    def __init__(self, start: OrderInput) -> None:
        self.order_id = start.order_id
        self.draft = start.draft
        self.timings = start.timings
        self.lost_parcels = start.lost_parcels
        self.sends_again = start.resends is not None
        self.undo = Compensations()
        self.notifier = Notifier(start.order_id)
        self.display = Display()
        self.cancel: CancelOrder | None = None
        self._order: Order | None = None
        self._told_instead = told_instead(start)

    @property
    def order(self) -> Order:
        """The accepted order; asking before it is accepted is a mistake in the workflow."""
        assert self._order is not None
        return self._order

    @order.setter
    def order(self, order: Order) -> None:
        self._order = order
        self.display.introduce(order)

    def stop_if_cancelled(self) -> None:
        """Leave the normal course if somebody asked for the order to be cancelled.

        Raises:
            OrderStopped: the order is to be cancelled.
        """
        if self.cancel is not None:
            raise OrderStopped(self.cancel.reason or f"cancelled by the {self.cancel.requested_by}")
        # An activity that was waited for may have ended normally and hidden the request.
        if workflow.cancellation_reason() is not None:
            raise OrderStopped("cancelled by the operator")

    def tell(
        self,
        kind: NotificationKind,
        *,
        occasion: str = "",
        reason: str = "",
        location: str = "",
        tracking_number: str = "",
        parcel_status: str = "",
        shortages: tuple[ShortLine, ...] = (),
        refund_amount: Money | None = None,
        payment_expires_at: datetime | None = None,
        at_once: bool = True,
    ) -> None:
        """Queue a message to the customer."""
        told = self._told_instead.get(kind, kind)
        if told is None:
            return
        self.notifier.tell(
            CustomerEvent(
                kind=told,
                occasion=occasion,
                reason=reason,
                location=location,
                tracking_number=tracking_number,
                parcel_status=parcel_status,
                shortages=shortages,
                refund_amount=refund_amount,
                payment_expires_at=payment_expires_at,
                at=workflow.now(),
            ),
            at_once=at_once,
        )
