"""Payments that a person has to decide about: why, which decisions there are, and the words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.ids import REFUND, derived_id
from domain.money import Money
from domain.payment import DisputeNews


class ReviewKind(StrEnum):
    """Why a payment is in review; also the kind of its task."""

    MISMATCH = "payment_mismatch"
    DISPUTE = "payment_disputed"


class ReviewDecision(StrEnum):
    """What an operator says of a payment in review.

    To `ACCEPT` counts what was captured as the payment of the order, to `REFUND` gives all of it
    back. A dispute was `WON` if the money stays, `LOST` if the customer's bank has taken it.
    """

    ACCEPT = "accept"
    REFUND = "refund"
    WON = "won"
    LOST = "lost"


EXCESS = "excess"
EXCESS_REASON = "more was captured than asked"

DECISIONS: Mapping[ReviewKind, tuple[ReviewDecision, ...]] = {
    ReviewKind.MISMATCH: (ReviewDecision.ACCEPT, ReviewDecision.REFUND),
    ReviewKind.DISPUTE: (ReviewDecision.WON, ReviewDecision.LOST),
}


def excess_refund_id(payment_id: str, number: int = 1) -> str:
    """The `number`th try to give back what was captured beyond what was asked."""
    return derived_id(REFUND, payment_id, EXCESS, str(number))


def review_key(kind: ReviewKind, payment_id: str) -> str:
    """What makes the task of a payment's review one task, however often it is opened."""
    return f"{kind}:{payment_id}"


def mismatch_words(mismatch: str, gateway: str, *, booked: bool) -> str:
    """What to do about a payment of another amount or currency.

    Money in another currency than the order's is not `booked`: we cannot give it back ourselves.
    """
    found = f"The payment is not what was asked for: {mismatch}."
    if not booked:
        return (
            f"{found} Give it back in {gateway}'s dashboard, then decide refund: the review ends,"
            " and an order that waits is cancelled"
        )
    return (
        f"{found} Decide accept: what was captured pays for the order, and what is too much goes"
        " back; or refund: all of it goes back, and an order that waits is cancelled"
    )


_TOLD = {
    DisputeNews.LOST: " {gateway} says that it is lost.",
    DisputeNews.OVER: " {gateway} says that it is over: look there how.",
}


def dispute_words(asked: Money, gateway: str, news: DisputeNews = DisputeNews.OPENED) -> str:
    """What to do about a payment that the customer's bank wants back."""
    told = _TOLD.get(news, " Answer it at {gateway} before its deadline.").format(gateway=gateway)
    return (
        f"The customer's bank wants {asked} back.{told} Decide won if the money stays, lost if the"
        " bank has taken it"
    )
