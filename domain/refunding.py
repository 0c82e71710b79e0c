"""What goes back for which units of an order, exactly, and what may become of a refund."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from domain.money import Money
from domain.order import Order, Value
from domain.payment import RefundState
from domain.statuses import PaymentStatus

_R = RefundState

# What a provider may say of a refund after what it said before. Nothing that came to an end is on
# its way again: who says so asked before the end. But an end may be taken back: banks return
# money, and a refusal that we concluded may turn out to be a refund that was made.
REFUND_TRANSITIONS: Mapping[RefundState, frozenset[RefundState]] = {
    _R.PENDING: frozenset({_R.SUCCEEDED, _R.FAILED, _R.MANUAL}),
    _R.MANUAL: frozenset({_R.PENDING, _R.SUCCEEDED, _R.FAILED}),
    _R.SUCCEEDED: frozenset({_R.FAILED}),
    _R.FAILED: frozenset({_R.SUCCEEDED}),
}


class LinesNotRefundable(ValueError):
    """The lines that were asked for cannot be refunded; the message says why."""


class UnitsRefunded(Value):
    """Units by line number whose money went back, or is about to, and how much that was."""

    lines: Mapping[int, int]
    given: Money


class SentAgain(Value):
    """Units of one line that the customer is to get once more, without paying once more.

    They come as the order `order_number`, if that is placed yet; an exchange has a `return_id`.
    """

    line_no: int
    units: int
    order_number: str = ""
    return_id: str = ""


def check_not_sent_again(
    order: Order, wanted: Mapping[int, int], before: UnitsRefunded, again: Sequence[SentAgain]
) -> None:
    """Allow `wanted` units, by line number, to be refunded: the customer gets money or goods.

    Nobody can tell the units of a line apart, so there must be that many others.

    Raises:
        LinesNotRefundable: they are, or will be, sent again; the message says how to stop that.
    """
    quantities = {line.line_no: line.quantity for line in order.items}
    for one in again:
        coming = sum(each.units for each in again if each.line_no == one.line_no)
        quantity = quantities[one.line_no]
        left = max(quantity - before.lines.get(one.line_no, 0) - coming, 0)
        if wanted.get(one.line_no, 0) > left:
            raise LinesNotRefundable(
                f"{one.units} of line {one.line_no}'s {quantity} units {way_out(one)};"
                f" {left} other units can be refunded"
            )


def way_out(again: SentAgain) -> str:
    """What keeps these units from being refunded, and what to do about it, for people."""
    if again.order_number:
        number = again.order_number
        return f"are sent again as order {number}: cancel that one, and their money goes back"
    return f"are to be exchanged by return {again.return_id}: reject that one first"


def refund_of_lines(order: Order, wanted: Mapping[int, int], before: UnitsRefunded) -> Money:
    """The money for `wanted` units, by line number, when those in `before` have been refunded.

    Every unit has its own share of what the customer paid in all. A refund brings what was given up
    to what all its units and those before it are worth; so refunds of all units, in whatever
    portions and order, and though some failed on the way, add up to exactly the order's total.

    Raises:
        LinesNotRefundable: there is no such line, not that many units are left of it, or nothing
            was paid for them.
    """
    quantities = {line.line_no: line.quantity for line in order.items}
    for line_no, quantity in wanted.items():
        if line_no not in quantities:
            raise LinesNotRefundable(f"the order has no line {line_no}")
        left = quantities[line_no] - before.lines.get(line_no, 0)
        if not 0 < quantity <= left:
            raise LinesNotRefundable(
                f"line {line_no} has {left} of {quantities[line_no]} units left to refund,"
                f" not {quantity}"
            )
    after = Counter(before.lines)
    after.update(wanted)
    money = _worth(order, after) - before.given
    if money.minor <= 0:
        raise LinesNotRefundable("nothing was paid for these units: there is nothing to give back")
    return money


def _worth(order: Order, units: Mapping[int, int]) -> Money:
    """The share that the first `units` of each line have in what the order costs in all."""
    if order.total.minor == 0:
        # A replacement for returned goods: there is nothing to share out, and by nothing.
        return order.total
    shares = order.total.allocate([line.total_price.minor for line in order.items])
    minor = 0
    for line, share in zip(order.items, shares, strict=True):
        each, rest = divmod(share.minor, line.quantity)
        count = units.get(line.line_no, 0)
        minor += count * each + min(count, rest)
    return Money(minor=minor, currency=order.total.currency)


def is_news(known: RefundState | None, told: RefundState) -> bool:
    """Whether what is `told` of a refund goes into the books; `known` is none if nothing was.

    The same again does: it may bring the provider's number of the refund.
    """
    return known in {None, told} or told in REFUND_TRANSITIONS[known]


def money_status(*, captured: int, refunded: int, kept: int, in_review: bool) -> PaymentStatus:
    """Where an order's money is, once there has been some.

    `captured` and `refunded` are of the payment that pays for the order, `kept` is what providers
    hold for the order in all, surplus money included; all in minor units.
    """
    if in_review:
        return PaymentStatus.REVIEW
    if kept == 0:
        return PaymentStatus.REFUNDED
    return PaymentStatus.PARTIALLY_REFUNDED if 0 < refunded < captured else PaymentStatus.PAID
