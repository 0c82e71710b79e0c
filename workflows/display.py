"""What operators see in the Web UI: search attributes, and a sentence that explains the order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from workflows.messages import Waiting

with workflow.unsafe.imports_passed_through():
    from domain.order import Order
    from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus

ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
PAYMENT_STATUS = SearchAttributeKey.for_keyword("PaymentStatus")
SHIPPING_STATUS = SearchAttributeKey.for_keyword("ShippingStatus")
ORDER_NUMBER = SearchAttributeKey.for_keyword("OrderNumber")
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")
GATEWAY = SearchAttributeKey.for_keyword("Gateway")
ORDER_TOTAL = SearchAttributeKey.for_float("OrderTotal")


class Display:
    """Keeps what the Web UI shows in step with the order; it writes only what has changed."""

    def __init__(self) -> None:
        self.waiting: Waiting | None = None
        self._order: Order | None = None
        self._shown: dict[str, str] = {}
        self._headline = ""

    def introduce(self, order: Order) -> None:
        """The order has been accepted: its number, total and statuses become searchable."""
        self._order = order
        self._headline = f"**{order.order_number}** · {order.total} · {order.gateway}"
        self._shown = {
            ORDER_STATUS.name: order.status,
            PAYMENT_STATUS.name: order.payment_status,
            SHIPPING_STATUS.name: order.shipping_status,
        }
        updates: list[SearchAttributeUpdate[Any]] = [
            ORDER_NUMBER.value_set(order.order_number),
            ORDER_TOTAL.value_set(float(order.total.amount)),
        ]
        workflow.upsert_search_attributes(updates)

    def statuses(
        self,
        status: OrderStatus | None = None,
        payment: PaymentStatus | None = None,
        shipping: ShippingStatus | None = None,
    ) -> None:
        """The order has moved; one command for all that changed."""
        wanted = ((ORDER_STATUS, status), (PAYMENT_STATUS, payment), (SHIPPING_STATUS, shipping))
        updates: list[SearchAttributeUpdate[Any]] = []
        for key, value in wanted:
            if value is not None and self._shown.get(key.name) != value:
                self._shown[key.name] = value
                updates.append(key.value_set(value))
        if updates:
            workflow.upsert_search_attributes(updates)

    def waits(self, what: str, *, then: str, until: datetime | None = None) -> None:
        """Say what the order waits for, until when, and what happens then."""
        self.waiting = Waiting(what=what, until=until, then=then)
        deadline = f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
        workflow.set_current_details(
            f"{self._headline}\n\nWaits for **{what}**{deadline}; then: {then}."
        )

    def working(self, doing: str) -> None:
        """Say what the order is busy with."""
        self.waiting = None
        workflow.set_current_details(f"{self._headline}\n\n{doing}.")
