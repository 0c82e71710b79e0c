"""Where our books and a provider's view of a payment part."""

from __future__ import annotations

from enum import StrEnum

from domain.money import Money
from domain.order import Value
from domain.payment import PaymentState, PaymentView, RefundState, RefundView


class FindingKind(StrEnum):
    """One way to differ.

    `UNBOOKED_PAYMENT`, `UNBOOKED_REFUND`: the provider moved money that our books do not show.
    `UNTOLD_REFUND`: it gave something back and does not say how much, our books know of nothing.
    `MISSING_PAYMENT`, `MISSING_REFUND`: our books show money that the provider does not know; of
    refunds it may be the sum alone that shows it.
    `WRONG_AMOUNT`: both know it, with another amount. `STUCK`: neither paid nor closed long after
    its time. `STATE_DIFFERS`: another state, without money. `DISPUTED`: the customer's bank wants
    the money back. `MANUAL_REFUND`: it waits for a person at the provider. `UNREACHABLE`: the
    provider could not be asked.
    """

    UNBOOKED_PAYMENT = "unbooked_payment"
    UNBOOKED_REFUND = "unbooked_refund"
    UNTOLD_REFUND = "untold_refund"
    MISSING_PAYMENT = "missing_payment"
    MISSING_REFUND = "missing_refund"
    WRONG_AMOUNT = "wrong_amount"
    STUCK = "stuck"
    STATE_DIFFERS = "state_differs"
    DISPUTED = "disputed"
    MANUAL_REFUND = "manual_refund"
    UNREACHABLE = "unreachable"


# What the order's own process puts right when it is told to look again, by the late-money table.
REPAIRABLE = frozenset(
    {
        FindingKind.UNBOOKED_PAYMENT,
        FindingKind.UNBOOKED_REFUND,
        FindingKind.STUCK,
        FindingKind.STATE_DIFFERS,
        FindingKind.DISPUTED,
    }
)


class Finding(Value):
    """One difference; `repair` says what was done about it, empty if a person has to look."""

    order_id: str
    payment_id: str
    refund_id: str = ""
    kind: FindingKind
    detail: str
    repair: str = ""


class BookedPayment(Value):
    """A payment as our books have it.

    `overdue` says that its time to be paid is well over, `mismatch` that a person knows already
    that it captured something else than was asked for. Of what was `refunded`, the bank may have
    `taken` a part after a dispute, which a provider counts as a refund or does not.
    """

    order_id: str
    payment_id: str
    paid: bool
    closed: bool
    captured: Money
    claimed: Money
    refunded: Money
    taken: Money
    disputed: bool
    mismatch: bool
    overdue: bool


class BookedRefund(Value):
    """A refund as our books have it, `made` once its provider was asked."""

    refund_id: str
    amount: Money
    state: RefundState
    made: bool


def compare_payment(booked: BookedPayment, view: PaymentView) -> list[Finding]:
    """How `view` differs from what our books say."""
    differences = [_capture_difference(booked, view), _refund_sum_difference(booked, view)]
    if view.disputed and not booked.disputed:
        differences.append((FindingKind.DISPUTED, f"{view.captured} is disputed"))
    return [
        Finding(
            order_id=booked.order_id,
            payment_id=booked.payment_id,
            kind=difference[0],
            detail=difference[1],
        )
        for difference in differences
        if difference is not None
    ]


def compare_refund(
    payment: BookedPayment, booked: BookedRefund, view: RefundView | None
) -> Finding | None:
    """How a refund of `payment` differs from what its provider says; no `view` if it knows none."""
    difference = _refund_difference(booked, view)
    if difference is None:
        return None
    return Finding(
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        refund_id=booked.refund_id,
        kind=difference[0],
        detail=difference[1],
    )


_Difference = tuple[FindingKind, str]


def _capture_difference(booked: BookedPayment, view: PaymentView) -> _Difference | None:
    paid_there = view.state is PaymentState.PAID
    if paid_there and not booked.paid:
        return FindingKind.UNBOOKED_PAYMENT, f"the provider captured {view.captured}"
    if booked.paid and not paid_there:
        return FindingKind.MISSING_PAYMENT, f"the provider says {view.state}"
    if booked.paid:
        differs = view.captured != booked.captured and not booked.mismatch
        detail = f"captured {view.captured}, in our books {booked.captured}"
        return (FindingKind.WRONG_AMOUNT, detail) if differs else None
    if booked.closed:
        # Some providers go on calling open what nobody can pay any more; money on its way counts.
        under_way = view.state is PaymentState.PROCESSING
        detail = f"{view.state} at the provider, closed in our books"
        return (FindingKind.STATE_DIFFERS, detail) if under_way else None
    if view.state is PaymentState.CLOSED:
        return FindingKind.STATE_DIFFERS, "closed at the provider, open in our books"
    if booked.overdue:
        return FindingKind.STUCK, f"still {view.state} after its time"
    return None


def _refund_sum_difference(booked: BookedPayment, view: PaymentView) -> _Difference | None:
    if booked.paid and view.touched and view.refunded is None and booked.claimed.minor == 0:
        return FindingKind.UNTOLD_REFUND, "something went back, nothing in our books"
    if view.refunded is None or not booked.paid:
        return None
    if view.refunded.minor > booked.claimed.minor:
        detail = f"{view.refunded} went back, {booked.claimed} in our books"
        return FindingKind.UNBOOKED_REFUND, detail
    if view.refunded.minor < booked.refunded.minor - booked.taken.minor:
        detail = f"{view.refunded} went back, {booked.refunded} in our books"
        return FindingKind.MISSING_REFUND, detail
    return None


def _refund_difference(booked: BookedRefund, view: RefundView | None) -> _Difference | None:
    if view is None:
        if not booked.made:
            return FindingKind.STUCK, "the provider was never asked for it"
        return FindingKind.MISSING_REFUND, f"{booked.amount} is {booked.state} in our books"
    if view.amount != booked.amount:
        return FindingKind.WRONG_AMOUNT, f"{view.amount}, in our books {booked.amount}"
    if view.state is not booked.state:
        return FindingKind.STATE_DIFFERS, f"{view.state}, in our books {booked.state}"
    if view.state is RefundState.MANUAL:
        return (
            FindingKind.MANUAL_REFUND,
            f"{view.failure_code or 'the provider'} waits for a person",
        )
    return None
