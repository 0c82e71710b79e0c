"""Every way in which our books and a provider's view can part has a name of its own."""

from __future__ import annotations

from typing import Any

import pytest

from domain.money import Money
from domain.payment import PaymentState, PaymentView, RefundState, RefundView
from domain.reconciliation import (
    REPAIRABLE,
    BookedPayment,
    BookedRefund,
    FindingKind,
    compare_payment,
    compare_refund,
)

HUNDRED, ZERO = Money(minor=100, currency="CNY"), Money(minor=0, currency="CNY")
THIRTY = Money(minor=30, currency="CNY")

OPEN = {"state": PaymentState.PENDING, "captured": ZERO}
PAID = {"state": PaymentState.PAID, "captured": HUNDRED, "refunded": ZERO}


def booked(**changes: Any) -> BookedPayment:
    values: dict[str, Any] = {
        "order_id": "O1",
        "payment_id": "P1",
        "paid": False,
        "closed": False,
        "captured": ZERO,
        "claimed": ZERO,
        "refunded": ZERO,
        "taken": ZERO,
        "disputed": False,
        "mismatch": False,
        "overdue": False,
    }
    return BookedPayment(**{**values, **changes})


def view(**says: Any) -> PaymentView:
    return PaymentView(payment_id="P1", provider_ref="pi_1", **says)


BOOKED_PAID = {"paid": True, "captured": HUNDRED}
# A bank has taken what was left after a refund of 30.
LOST = {**BOOKED_PAID, "claimed": HUNDRED, "refunded": HUNDRED, "taken": HUNDRED - THIRTY}


@pytest.mark.parametrize(
    ("books", "says", "kinds"),
    [
        ({}, OPEN, []),
        ({"closed": True}, OPEN, []),
        ({"closed": True}, {"state": PaymentState.CLOSED, "captured": ZERO}, []),
        ({"closed": True}, {"state": PaymentState.APPROVED, "captured": ZERO}, []),
        (BOOKED_PAID, PAID, []),
        ({**BOOKED_PAID, "claimed": HUNDRED}, {**PAID, "refunded": HUNDRED}, []),
        ({**BOOKED_PAID, "claimed": THIRTY}, PAID, []),
        (BOOKED_PAID, {**PAID, "refunded": None}, []),
        ({"mismatch": True, "paid": True}, PAID, []),
        ({}, PAID, [FindingKind.UNBOOKED_PAYMENT]),
        ({"closed": True}, PAID, [FindingKind.UNBOOKED_PAYMENT]),
        (BOOKED_PAID, OPEN, [FindingKind.MISSING_PAYMENT]),
        (BOOKED_PAID, {**PAID, "captured": THIRTY}, [FindingKind.WRONG_AMOUNT]),
        (BOOKED_PAID, {**PAID, "refunded": THIRTY}, [FindingKind.UNBOOKED_REFUND]),
        (
            {**BOOKED_PAID, "claimed": THIRTY, "refunded": THIRTY},
            PAID,
            [FindingKind.MISSING_REFUND],
        ),
        (
            {**BOOKED_PAID, "claimed": HUNDRED, "refunded": THIRTY},
            {**PAID, "refunded": THIRTY},
            [],
        ),
        (LOST, {**PAID, "refunded": THIRTY}, []),
        (LOST, {**PAID, "refunded": HUNDRED}, []),
        (LOST, PAID, [FindingKind.MISSING_REFUND]),
        (
            BOOKED_PAID,
            {**PAID, "refunded": None, "touched": True},
            [FindingKind.UNTOLD_REFUND],
        ),
        (
            {**BOOKED_PAID, "claimed": THIRTY},
            {**PAID, "refunded": None, "touched": True},
            [],
        ),
        (BOOKED_PAID, {**PAID, "disputed": True}, [FindingKind.DISPUTED]),
        ({**BOOKED_PAID, "disputed": True}, {**PAID, "disputed": True}, []),
        ({"overdue": True}, OPEN, [FindingKind.STUCK]),
        ({"overdue": True, "closed": True}, OPEN, []),
        ({}, {"state": PaymentState.CLOSED, "captured": ZERO}, [FindingKind.STATE_DIFFERS]),
        (
            {"closed": True},
            {"state": PaymentState.PROCESSING, "captured": ZERO},
            [FindingKind.STATE_DIFFERS],
        ),
    ],
)
def test_a_payment_is_compared(
    books: dict[str, Any], says: dict[str, Any], kinds: list[FindingKind]
) -> None:
    findings = compare_payment(booked(**books), view(**says))

    assert [finding.kind for finding in findings] == kinds
    assert all((f.order_id, f.payment_id, f.repair) == ("O1", "P1", "") for f in findings)


def refund(state: RefundState, amount: Money = THIRTY) -> RefundView:
    return RefundView(refund_id="R1", provider_ref="re_1", state=state, amount=amount)


@pytest.mark.parametrize(
    ("state", "made", "says", "kind"),
    [
        (RefundState.SUCCEEDED, True, refund(RefundState.SUCCEEDED), None),
        (RefundState.PENDING, True, refund(RefundState.PENDING), None),
        (
            RefundState.SUCCEEDED,
            True,
            refund(RefundState.SUCCEEDED, HUNDRED),
            FindingKind.WRONG_AMOUNT,
        ),
        (RefundState.SUCCEEDED, True, refund(RefundState.FAILED), FindingKind.STATE_DIFFERS),
        (RefundState.PENDING, True, refund(RefundState.SUCCEEDED), FindingKind.STATE_DIFFERS),
        (RefundState.MANUAL, True, refund(RefundState.MANUAL), FindingKind.MANUAL_REFUND),
        (RefundState.SUCCEEDED, True, None, FindingKind.MISSING_REFUND),
        (RefundState.PENDING, False, None, FindingKind.STUCK),
    ],
)
def test_a_refund_is_compared(
    state: RefundState, *, made: bool, says: RefundView | None, kind: FindingKind | None
) -> None:
    ours = BookedRefund(refund_id="R1", amount=THIRTY, state=state, made=made)

    finding = compare_refund(booked(**BOOKED_PAID), ours, says)

    assert (finding.kind if finding else None) == kind
    assert finding is None or finding.refund_id == "R1"


def test_what_is_missing_or_differs_in_amount_is_for_people() -> None:
    assert {
        FindingKind.UNTOLD_REFUND,
        FindingKind.MISSING_PAYMENT,
        FindingKind.MISSING_REFUND,
        FindingKind.WRONG_AMOUNT,
        FindingKind.MANUAL_REFUND,
        FindingKind.UNREACHABLE,
    } == set(FindingKind) - REPAIRABLE
