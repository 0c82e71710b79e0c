"""Returns: what may come back, who decides, and how far one has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.errors import PermanentError
from domain.money import Money
from domain.order import Value

Requester = Literal["customer", "operator", "carrier"]
Decider = Literal["", "rule", "operator", "carrier"]


class ReturnKind(StrEnum):
    """What the customer wants for the goods."""

    REFUND = "refund"
    EXCHANGE = "exchange"


class ReturnState(StrEnum):
    """How far a return has come; an `expired` one was approved, and never arrived."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"
    REFUNDED = "refunded"
    EXCHANGED = "exchanged"
    EXPIRED = "expired"


_S = ReturnState

RETURN_TRANSITIONS: Mapping[ReturnState, frozenset[ReturnState]] = {
    _S.REQUESTED: frozenset({_S.APPROVED, _S.REJECTED}),
    _S.APPROVED: frozenset({_S.RECEIVED, _S.REJECTED, _S.EXPIRED}),
    _S.RECEIVED: frozenset({_S.REFUNDED, _S.EXCHANGED}),
    _S.REJECTED: frozenset(),
    _S.REFUNDED: frozenset(),
    _S.EXCHANGED: frozenset(),
    _S.EXPIRED: frozenset(),
}

# Of these, nothing comes back, and their units may be returned another time.
VOID = frozenset({_S.REJECTED, _S.EXPIRED})
ENDED = frozenset(state for state, following in RETURN_TRANSITIONS.items() if not following)


class Refusal(StrEnum):
    """Why nothing can be returned, or not that much."""

    NOT_DELIVERED = "not_delivered"
    WINDOW_OVER = "return_window_over"
    TOO_MANY = "too_many_units"
    NOTHING_PAID = "nothing_to_refund"
    WRONG_STATE = "return_refused"
    NO_SHELF = "no_shelf"


class ReturnNotPossible(PermanentError):
    """What was asked of a return cannot be; the message says why, for people."""

    def __init__(self, code: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class ReceivedUnits(Value):
    """What the warehouse found of one line: units to sell again, and units to write off."""

    resellable: int = Field(default=0, ge=0)
    damaged: int = Field(default=0, ge=0)

    @property
    def count(self) -> int:
        """How many came."""
        return self.resellable + self.damaged


class ReturnLine(Value):
    """Units of one line that are to come back, and what came of them."""

    line_no: int
    sku: str
    quantity: int
    resellable: int = 0
    damaged: int = 0

    @property
    def received(self) -> int:
        """How many came."""
        return self.resellable + self.damaged


class ReturnCase(Value):
    """One return of one order, as our books have it; times are UTC.

    Until `expected_by` an approved return has to arrive. `decision` is why it was approved or
    rejected, `replacement_order_id` what an exchange sends instead.
    """

    return_id: str
    order_id: str
    kind: ReturnKind
    state: ReturnState
    lines: tuple[ReturnLine, ...]
    reason: str = ""
    requested_by: Requester = "customer"
    decided_by: Decider = ""
    decision: str = ""
    expected_by: datetime | None = None
    replacement_order_id: str = ""
    requested_at: datetime
    decided_at: datetime | None = None
    received_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be done for it."""
        return self.state in ENDED

    def units(self) -> dict[int, int]:
        """Units by line number that it takes: what was asked for, then what came."""
        if self.state in VOID:
            return {}
        arrived = self.received_at is not None
        return {line.line_no: line.received if arrived else line.quantity for line in self.lines}


class LineStanding(Value):
    """One line of an order: units that it has, that reached the door, and that left again.

    `returning` are in returns, `refunded` had their money given back without one.
    """

    line_no: int
    sku: str
    product_id: str
    ordered: int
    delivered: int = 0
    returning: int = 0
    refunded: int = 0

    @property
    def left(self) -> int:
        """How many can still be returned."""
        kept = min(self.delivered, self.ordered - self.refunded)
        return max(kept - self.returning, 0)


class ReturnRules(Value):
    """What a shop decides about returns.

    The window runs from the delivery of the last parcel; an approved return has `patience` to
    arrive. Up to `approve_up_to`, and without `excluded_products` (by id), no person is asked.
    """

    window: timedelta = timedelta(days=7)
    patience: timedelta = timedelta(days=14)
    approve_up_to: Money = Money(minor=50_000, currency="CNY")
    excluded_products: frozenset[str] = frozenset()


def window_ends(delivered: Iterable[datetime], window: timedelta) -> datetime | None:
    """When the right to return ends; nothing while no parcel has arrived."""
    latest = max(delivered, default=None)
    return None if latest is None else latest + window


def check_request(
    wanted: Mapping[int, int],
    lines: Iterable[LineStanding],
    *,
    closes: datetime | None,
    at: datetime,
    requested_by: Requester = "customer",
) -> None:
    """Allow `wanted` units, by line number, to be returned; operators may be late.

    Raises:
        ReturnNotPossible: nothing has arrived yet, the window is over, or so many are not left.
    """
    if closes is None:
        raise ReturnNotPossible(
            Refusal.NOT_DELIVERED, "nothing of the order has been delivered yet: cancel it instead"
        )
    if at > closes and requested_by == "customer":
        raise ReturnNotPossible(
            Refusal.WINDOW_OVER, f"returns were possible until {closes:%Y-%m-%d %H:%M:%S} UTC"
        )
    by_number = {line.line_no: line for line in lines}
    for line_no, quantity in sorted(wanted.items()):
        line = by_number.get(line_no)
        if line is None:
            raise ReturnNotPossible(Refusal.TOO_MANY, f"the order has no line {line_no}")
        if not 0 < quantity <= line.left:
            raise ReturnNotPossible(Refusal.TOO_MANY, _words_for_too_many(line, quantity))


def returnable(
    lines: Iterable[LineStanding], *, closes: datetime | None, at: datetime
) -> list[LineStanding]:
    """The lines of which the customer may ask to return something at this moment."""
    found = []
    for line in lines:
        with suppress(ReturnNotPossible):
            check_request({line.line_no: line.left}, [line], closes=closes, at=at)
            found.append(line)
    return found


def needs_a_person(rules: ReturnRules, worth: Money, products: Iterable[str]) -> str:
    """Why an operator has to approve; empty if the rule does."""
    excluded = sorted(rules.excluded_products.intersection(products))
    if excluded:
        return f"{', '.join(excluded)} is returned only with an operator's approval"
    limit = rules.approve_up_to
    if worth.currency != limit.currency or limit < worth:
        return f"{worth} is more than is approved without an operator ({limit})"
    return ""


def check_receipt(case: ReturnCase, found: Mapping[int, ReceivedUnits]) -> None:
    """Allow the warehouse's findings, by line number, to be booked.

    Raises:
        ReturnNotPossible: nothing came, or something that is not part of the return.
    """
    quantities = {line.line_no: line.quantity for line in case.lines}
    if not any(units.count for units in found.values()):
        raise ReturnNotPossible(
            Refusal.TOO_MANY, "nothing came: reject the return, or wait until it does"
        )
    for line_no, units in sorted(found.items()):
        announced = quantities.get(line_no, 0)
        if units.count > announced:
            raise ReturnNotPossible(
                Refusal.TOO_MANY,
                f"{units.count} units of line {line_no} came, but the return has {announced}",
            )


def worded(lines: Iterable[ReturnLine]) -> str:
    """What is to come back, for the timeline."""
    return ", ".join(f"{line.quantity} × {line.sku}" for line in lines)


def _words_for_too_many(line: LineStanding, quantity: int) -> str:
    gone = [
        f"{count} {what}"
        for count, what in ((line.returning, "in returns"), (line.refunded, "refunded"))
        if count
    ]
    because = f" ({line.delivered} delivered, {', '.join(gone)})" if gone else ""
    return (
        f"line {line.line_no} has {line.left} of {line.ordered} units left to return,"
        f" not {quantity}{because}"
    )
