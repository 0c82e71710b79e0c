"""What to do with what a provider says about a payment, given where its order stands.

One table, one decision for each pair: no answer of a provider and no state of an order is left
without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.inventory import HoldState
from domain.money import Money
from domain.payment import PaymentState, PaymentView
from domain.statuses import OrderStatus


class Standing(StrEnum):
    """Where an order stands towards one of its payments.

    `AWAITING`: to be paid, its stock held. `GIVEN_UP`: the same, but we closed this payment.
    `LAPSED`: to be paid, its stock not held. `PAID_BY_IT`, `PAID_BY_OTHER`: which payment has paid
    for it. `OVER`: cancelled, refunded, or past caring.
    """

    AWAITING = "awaiting"
    GIVEN_UP = "given_up"
    LAPSED = "lapsed"
    PAID_BY_IT = "paid_by_it"
    PAID_BY_OTHER = "paid_by_other"
    OVER = "over"


class Answer(StrEnum):
    """What a provider says, as far as the decision goes.

    `PAID_OTHERWISE` is another amount or currency than asked for; `GIVEN_BACK` was paid, and all of
    it has gone back.
    """

    OPEN = "open"
    APPROVED = "approved"
    PROCESSING = "processing"
    DECLINED = "declined"
    CLOSED = "closed"
    PAID = "paid"
    PAID_OTHERWISE = "paid_otherwise"
    GIVEN_BACK = "given_back"


class Settlement(StrEnum):
    """One decision about one payment.

    `CAPTURE` takes what the customer approved. `ACCEPTED` money is the order's, `REHOLD` money is
    if its stock can be held again. `SURPLUS` and `LATE` money goes back by itself, `RETURNED` money
    has gone back already; a `MISMATCH` stops in review.
    """

    OPEN = "open"
    CAPTURE = "capture"
    PROCESSING = "processing"
    DECLINED = "declined"
    CLOSED = "closed"
    ACCEPTED = "accepted"
    REHOLD = "rehold"
    SURPLUS = "surplus"
    LATE = "late"
    RETURNED = "returned"
    MISMATCH = "mismatch"


REFUNDABLE = frozenset({Settlement.SURPLUS, Settlement.LATE})

_UNPAID = {
    Answer.OPEN: Settlement.OPEN,
    Answer.PROCESSING: Settlement.PROCESSING,
    Answer.DECLINED: Settlement.DECLINED,
    Answer.CLOSED: Settlement.CLOSED,
    # Nobody wants this money: what is not captured cannot be paid.
    Answer.APPROVED: Settlement.CLOSED,
    Answer.PAID_OTHERWISE: Settlement.MISMATCH,
    Answer.GIVEN_BACK: Settlement.RETURNED,
}

LATE_MONEY: Mapping[Standing, Mapping[Answer, Settlement]] = {
    Standing.AWAITING: {
        **_UNPAID,
        Answer.APPROVED: Settlement.CAPTURE,
        Answer.PAID: Settlement.ACCEPTED,
    },
    Standing.GIVEN_UP: {**_UNPAID, Answer.PAID: Settlement.ACCEPTED},
    Standing.LAPSED: {**_UNPAID, Answer.PAID: Settlement.REHOLD},
    # Money that was seen once is not unseen: what has gone back of it is in the books as refunds.
    Standing.PAID_BY_IT: dict.fromkeys(Answer, Settlement.ACCEPTED),
    Standing.PAID_BY_OTHER: {**_UNPAID, Answer.PAID: Settlement.SURPLUS},
    Standing.OVER: {**_UNPAID, Answer.PAID: Settlement.LATE},
}

_STATES = {
    PaymentState.PENDING: Answer.OPEN,
    PaymentState.APPROVED: Answer.APPROVED,
    PaymentState.PROCESSING: Answer.PROCESSING,
    PaymentState.FAILED: Answer.DECLINED,
    PaymentState.CLOSED: Answer.CLOSED,
    PaymentState.PAID: Answer.PAID,
}

# Orders that are still to be paid; all others have their money, or will never want any.
UNSETTLED = frozenset({OrderStatus.PENDING, OrderStatus.PENDING_RESTOCK})
ENDED = frozenset({OrderStatus.CANCELLED, OrderStatus.REFUNDED})


def answer_of(view: PaymentView, asked: Money) -> Answer:
    """What `view` says about a payment of which `asked` was asked."""
    if view.state is not PaymentState.PAID:
        return _STATES[view.state]
    if view.captured != asked:
        return Answer.PAID_OTHERWISE
    return Answer.GIVEN_BACK if view.refunded == view.captured else Answer.PAID


def standing_of(
    order: OrderStatus,
    hold: HoldState | None,
    *,
    paid_by_it: bool,
    paid_by_other: bool,
    given_up: bool,
    for_nothing: bool,
) -> Standing:
    """Where the order stands towards a payment.

    `hold` is the order's live hold (held or committed), none if it has none. Money of an order
    that has ended is nobody's, even if it once paid for it: a refund may have failed. What was
    found to pay `for_nothing` goes back, though stock may have come free meanwhile.
    """
    if order in ENDED:
        return Standing.OVER
    if paid_by_it:
        return Standing.PAID_BY_IT
    if paid_by_other:
        return Standing.PAID_BY_OTHER
    if for_nothing or order not in UNSETTLED:
        return Standing.OVER
    if hold is not HoldState.HELD:
        return Standing.LAPSED
    return Standing.GIVEN_UP if given_up else Standing.AWAITING


def decide(standing: Standing, answer: Answer) -> Settlement:
    """The decision."""
    return LATE_MONEY[standing][answer]
