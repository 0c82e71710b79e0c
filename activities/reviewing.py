"""What a review invitation is about, as the books say at the moment of sending."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db import after_sales, payments, refunds
from db.orders import OrderEvent
from db.refunds import RefundRowState
from domain.order import Order, OrderLine
from domain.reviewing import ReviewedLine, lines_to_review
from domain.statuses import ShippingStatus

COMPLAINT = "complaint_made"


async def reviewable(session: AsyncSession, order: Order) -> tuple[OrderLine, ...]:
    """The lines that the customer is invited to review, with the units that arrived."""
    arrived = Counter[int]()
    for sent in await after_sales.sent_units(session, order.order_id):
        if sent.status is ShippingStatus.DELIVERED:
            arrived[sent.line_no] += sent.units
    returned = {
        line.line_no
        for case in await after_sales.returns_of(session, order.order_id)
        for line in case.lines
    }
    paid_back = [
        refund
        for refund in await refunds.refunds_of(session, order.order_id)
        if refund.state != RefundRowState.FAILED
    ]
    refunded = {int(line_no) for refund in paid_back for line_no in refund.lines}
    # Neither what was paid twice nor what was paid beyond the price is a complaint.
    surplus = {
        one.id
        for one in await payments.payments_of(session, order.order_id)
        if one.surplus or 0 < one.claimed_minor <= one.excess_minor
    }
    units = lines_to_review(
        [
            ReviewedLine(
                line_no=line.line_no,
                delivered=arrived[line.line_no],
                refunded=line.line_no in refunded,
                returned=line.line_no in returned,
            )
            for line in order.items
        ],
        complained=await _complained(session, order.order_id),
        refunded=any(not one.lines and one.payment_id not in surplus for one in paid_back),
    )
    return tuple(
        line.model_copy(
            update={
                "quantity": units[line.line_no],
                "total_price": line.unit_price * units[line.line_no],
            }
        )
        for line in order.items
        if line.line_no in units
    )


async def _complained(session: AsyncSession, order_id: str) -> bool:
    """Whether the customer complained, to us or to the bank."""
    if any(payment.disputed for payment in await payments.payments_of(session, order_id)):
        return True
    found = await session.scalar(
        select(col(OrderEvent.id)).where(
            col(OrderEvent.order_id) == order_id, col(OrderEvent.kind) == COMPLAINT
        )
    )
    return found is not None
