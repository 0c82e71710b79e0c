"""What is known of an order before something of it comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import after_sales, orders, refunds
from db.after_sales import SentUnits
from db.orders import OrderRow
from db.refunds import Refund, RefundRowState
from domain.ids import refund_of_lacking, refund_of_return
from domain.money import Money
from domain.order import Order
from domain.refunding import UnitsRefunded
from domain.returns import LineStanding, ReturnCase, ReturnRules, window_ends
from domain.statuses import ShippingStatus


@dataclass(frozen=True)
class Standing:
    """What is known of an order before a return is asked for."""

    order: Order
    sent: Sequence[SentUnits]
    cases: Sequence[ReturnCase]
    lines: Sequence[LineStanding]
    closes: datetime | None
    money: UnitsRefunded
    kept: Money

    @property
    def refundable(self) -> bool:
        """Whether any money is left to give back; without it, goods are exchanged only."""
        return self.kept.minor > 0


async def look_at(session: AsyncSession, order_id: str, rules: ReturnRules) -> Standing:
    """Lock the order, and see what of it was delivered, is coming back, and was paid back.

    Raises:
        OrderUnknown: there is no such order.
    """
    return await read_standing(session, await orders.lock_order(session, order_id), rules)


async def read_standing(session: AsyncSession, row: OrderRow, rules: ReturnRules) -> Standing:
    """The same of an order that nothing is decided on now: its row need not be locked."""
    order_id = row.id
    order = await orders.to_order(session, row)
    sent = await after_sales.sent_units(session, order_id)
    cases = await after_sales.returns_of(session, order_id)
    paid_back = await refunds.refunds_of(session, order_id)
    # Goods may leave the door again by themselves: a carrier that brought it may take it back.
    delivered = [one for one in sent if one.status is ShippingStatus.DELIVERED]
    return Standing(
        order=order,
        sent=sent,
        cases=cases,
        lines=_stand(order, delivered, cases, paid_back),
        closes=window_ends(
            [one.delivered_at for one in delivered if one.delivered_at], rules.window
        ),
        money=units_refunded(order, paid_back),
        kept=Money(minor=row.kept_minor, currency=row.currency),
    )


def _stand(
    order: Order,
    delivered: Sequence[SentUnits],
    cases: Sequence[ReturnCase],
    paid_back: Sequence[Refund],
) -> list[LineStanding]:
    arrived = Counter[int]()
    for one in delivered:
        arrived[one.line_no] += one.units
    returning = Counter[int]()
    for case in cases:
        returning.update(case.units())
    apart = _refunded_without_return(cases, paid_back)
    return [
        LineStanding(
            line_no=line.line_no,
            sku=line.sku,
            product_id=line.product_id,
            ordered=line.quantity,
            delivered=arrived[line.line_no],
            returning=returning[line.line_no],
            refunded=apart[line.line_no],
        )
        for line in order.items
    ]


def units_refunded(order: Order, paid_back: Sequence[Refund]) -> UnitsRefunded:
    """Units whose money went back or is about to, with a return or without."""
    units = Counter[int]()
    given = Money.zero(order.total.currency)
    for refund in paid_back:
        if refund.lines and refund.state != RefundRowState.FAILED:
            units.update(_units(refund))
            given += refund.amount
    return UnitsRefunded(lines=units, given=given)


def _refunded_without_return(
    cases: Sequence[ReturnCase], paid_back: Sequence[Refund]
) -> Mapping[int, int]:
    """Units whose money went back although nothing was returned for it."""
    own = {
        refund_id(case.return_id)
        for case in cases
        for refund_id in (refund_of_return, refund_of_lacking)
    }
    by_id = {refund.id: refund for refund in paid_back}
    units = Counter[int]()
    for refund in paid_back:
        first = refund
        while first.retry_of in by_id:
            first = by_id[first.retry_of]
        if refund.state != RefundRowState.FAILED and first.id not in own:
            units.update(_units(refund))
    return units


def _units(refund: Refund) -> dict[int, int]:
    return {int(line_no): quantity for line_no, quantity in refund.lines.items()}
