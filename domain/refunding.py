"""What goes back for which units of an order: shipping, tax and discount are shared out exactly."""

from __future__ import annotations

from collections.abc import Mapping

from domain.money import Money
from domain.order import Order
from domain.statuses import PaymentStatus


class LinesNotRefundable(ValueError):
    """The lines that were asked for cannot be refunded; the message says why."""


def refund_of_lines(order: Order, wanted: Mapping[int, int], before: Mapping[int, int]) -> Money:
    """The money for `wanted` units, by line number, when those in `before` have been refunded.

    Every unit has its own share of what the customer paid in all, so that refunds of all units, in
    whatever portions and order, add up to exactly the order's total.

    Raises:
        LinesNotRefundable: there is no such line, or not that many units are left of it.
    """
    shares = order.pricing.total.allocate([line.total_price.minor for line in order.items])
    parts = {
        line.line_no: share.allocate([1] * line.quantity)
        for line, share in zip(order.items, shares, strict=True)
    }
    result = Money.zero(order.pricing.total.currency)
    for line_no, quantity in wanted.items():
        if line_no not in parts:
            raise LinesNotRefundable(f"the order has no line {line_no}")
        units, done = parts[line_no], before.get(line_no, 0)
        if not 0 < quantity <= len(units) - done:
            raise LinesNotRefundable(
                f"line {line_no} has {len(units) - done} of {len(units)} units left to refund,"
                f" not {quantity}"
            )
        for unit in units[done : done + quantity]:
            result += unit
    return result


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
