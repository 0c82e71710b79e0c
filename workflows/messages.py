"""What goes into and comes out of an order's workflow: its input, updates and signals.

Shapes grow by optional fields only; running orders were started by older versions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from domain.fulfillment import ShippingNews
from domain.money import Money
from domain.notification import ShortLine
from domain.order import GatewayName, Order, OrderDraft, Problem, Value
from domain.parcel_exceptions import Decision
from domain.payment import PaymentAction
from domain.statuses import OrderStatus
from domain.tracking import TrackingSnapshot

# Types of the ApplicationError with which an update refuses; the API turns each into a status.
CANCEL_REFUSED = "CancelRefused"
PAYMENT_REFUSED = "PaymentRefused"
REFUND_REFUSED = "RefundRefused"


class OrderTimings(Value):
    """How long this order waits for what; fixed when it is placed."""

    hold: timedelta = timedelta(minutes=15)
    slow_order_alert: timedelta = timedelta(seconds=30)
    first_payment_check: timedelta = timedelta(seconds=30)
    payment_poll: timedelta = timedelta(minutes=2)
    restock_patience: timedelta = timedelta(days=7)
    tracking_poll: timedelta = timedelta(hours=4)
    tracking_poll_limit: int = 72
    parcel_silence: timedelta = timedelta(hours=48)
    lost_parcel_patience: timedelta = timedelta(hours=48)
    review_delay: timedelta = timedelta(hours=24)


class ParcelName(Value):
    """One parcel of one order."""

    order_id: str
    tracking_number: str


class OrderInput(Value):
    """What an `OrderWorkflow` starts with. `fingerprint` is the hash of the request body.

    With `replaces`, it sends what comes instead of that return's goods; with `resends`, what was in
    a parcel that does not arrive; there is nothing to pay then. `after_sales` hands it over at the
    door; orders from before that was done have it not. `lost_parcels` are made good that way.
    """

    order_id: str
    draft: OrderDraft
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""
    timings: OrderTimings = OrderTimings()
    replaces: str = ""
    resends: ParcelName | None = None
    after_sales: bool = False
    lost_parcels: Decision = Decision.REFUND

    @property
    def free(self) -> bool:
        """Whether it sends goods once more that have been paid for."""
        return bool(self.replaces) or self.resends is not None


class PaymentInstruction(Value):
    """How the customer pays one attempt, until `expires_at` (UTC)."""

    payment_id: str
    gateway: GatewayName
    amount: Money
    action: PaymentAction
    expires_at: datetime


class PlacementRejected(Value):
    """Nothing was made: the order is not valid, and this is everything that is wrong with it."""

    outcome: Literal["rejected"] = "rejected"
    fingerprint: str = ""
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


class PlacementWaitsForStock(Value):
    """The order exists and waits for goods; nothing is to be paid yet."""

    outcome: Literal["pending_restock"] = "pending_restock"
    fingerprint: str = ""
    order: Order
    shortages: tuple[ShortLine, ...]
    warnings: tuple[Problem, ...] = ()


class PlacementAwaitsPayment(Value):
    """The order exists and its stock is held; `payment` is missing while the provider is down."""

    outcome: Literal["awaiting_payment"] = "awaiting_payment"
    fingerprint: str = ""
    order: Order
    payment: PaymentInstruction | None = None
    warnings: tuple[Problem, ...] = ()


Placement = Annotated[
    PlacementRejected | PlacementWaitsForStock | PlacementAwaitsPayment,
    Field(discriminator="outcome"),
]


class PlacementAnswer(Value):
    """The answer of the `place` update."""

    placement: Placement


class StartPayment(Value):
    """The `start_payment` update: another attempt, perhaps at another gateway (empty: the same)."""

    gateway: GatewayName | None = None


class CancelOrder(Value):
    """The `cancel` update."""

    reason: str = ""
    requested_by: Literal["customer", "operator"] = "customer"


class CancelAccepted(Value):
    """The order will be cancelled; `refund` says whether money goes back.

    What has left the house cannot be stopped: its cancellation `becomes` a return, and the money
    goes back once the parcel has come back.
    """

    order_id: str
    refund: bool
    becomes: Literal["cancellation", "return"] = "cancellation"


class RefundOrder(Value):
    """What a `RefundWorkflow` starts with.

    Either `amount` goes back, or what `lines` (units by line number) cost (as far as it is left to
    give back, if `left_only`), or the same as of the failed refund `retry_of`; without any of them,
    all that is left.
    """

    refund_id: str
    order_id: str
    amount: Money | None = None
    lines: dict[int, int] = Field(default_factory=dict)
    left_only: bool = False
    retry_of: str = ""
    reason: str = ""


class RefundAccepted(Value):
    """The refund is on its way; `lines` are the units by line number that it is for, if any."""

    refund_id: str
    amount: Money
    lines: dict[int, int] = Field(default_factory=dict)


class PaymentNews(Value):
    """The `payment_news` signal: a stored callback, or reconciliation, says to look again.

    `refund_refs` are refunds to look at besides, as their provider names them.
    """

    payment_id: str
    callback_id: int = 0
    refund_refs: tuple[str, ...] = ()


class ShipmentNews(Value):
    """The `shipment_news` signal: the warehouse shipped, or refused."""

    news: ShippingNews
    callback_id: int = 0


class ParcelNews(Value):
    """The `parcel_news` signal: a carrier's view of the parcel."""

    snapshot: TrackingSnapshot
    callback_id: int = 0


class ParcelDecided(Value):
    """The `parcel_decided` signal: what an operator wants done about a parcel in trouble."""

    tracking_number: str
    decision: Decision


class StockArrived(Value):
    """The `stock_arrived` signal: goods that this order waits for may be there."""

    receipt_id: str


class OrderOutcome(Value):
    """How an order's workflow ended; no status means that the order was never accepted."""

    order_id: str
    status: OrderStatus | None


class Waiting(Value):
    """The `waiting_for` query: what the order waits for, until when, and what happens then."""

    what: str
    until: datetime | None = None
    then: str = ""
