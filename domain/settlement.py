"""What to do with what a provider says about a payment, given where its order stands."""

from __future__ import annotations

from enum import StrEnum

from domain.inventory import HoldState
from domain.money import Money
from domain.payment import PaymentState, PaymentView
from domain.statuses import OrderStatus


class Settlement(StrEnum):
    """One decision about one payment.

    `ACCEPTED` money is the order's; `SURPLUS` and `LATE` money goes back by itself; money of
    another amount or currency than asked is a `MISMATCH` that a person looks at.
    """

    OPEN = "open"
    PROCESSING = "processing"
    DECLINED = "declined"
    CLOSED = "closed"
    ACCEPTED = "accepted"
    REHOLD = "rehold"
    SURPLUS = "surplus"
    LATE = "late"
    MISMATCH = "mismatch"


_UNPAID = {
    PaymentState.PENDING: Settlement.OPEN,
    PaymentState.PROCESSING: Settlement.PROCESSING,
    PaymentState.FAILED: Settlement.DECLINED,
    PaymentState.CLOSED: Settlement.CLOSED,
}

# Orders that are still to be paid; all others have their money, or will never want any.
_UNSETTLED = frozenset({OrderStatus.PENDING, OrderStatus.PENDING_RESTOCK})

REFUNDABLE = frozenset({Settlement.SURPLUS, Settlement.LATE})


def decide(
    view: PaymentView,
    *,
    asked: Money,
    order: OrderStatus,
    hold: HoldState | None,
    accepted_before: bool,
    other_accepted: bool,
) -> Settlement:
    """The decision for `view`.

    `hold` is the order's live hold (held or committed), none if it has none. `accepted_before`
    says that this very payment pays for the order already, `other_accepted` that another does.
    """
    if view.state is not PaymentState.PAID:
        return Settlement.ACCEPTED if accepted_before else _UNPAID[view.state]
    if view.captured != asked:
        return Settlement.MISMATCH
    if accepted_before:
        return Settlement.ACCEPTED
    if other_accepted:
        return Settlement.SURPLUS
    if order not in _UNSETTLED:
        return Settlement.LATE
    return Settlement.ACCEPTED if hold is HoldState.HELD else Settlement.REHOLD
