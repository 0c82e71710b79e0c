"""Puts a provider's view of a payment into the books: one transaction, safe to repeat."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.disputes import hear_of_dispute
from activities.inventory import hold_order
from activities.refund_books import book_refunds_of, restate_money
from db import fulfillment, holds, orders, payments, restock
from db.orders import OrderRow
from db.payments import AttemptState, Payment
from db.refunds import RefundRowState, refunds_of_payment
from db.restock import RestockState
from domain.ids import HOLD, derived_id
from domain.inventory import HoldState
from domain.money import Money
from domain.order import Value
from domain.payment import DisputeNews, PaymentState, PaymentView, RefundView
from domain.payment_review import excess_refund_id
from domain.settlement import (
    UNSETTLED,
    Answer,
    Settlement,
    Standing,
    answer_of,
    decide,
    standing_of,
)
from domain.statuses import OrderStatus, PaymentStatus

_ATTEMPT_STATE = {
    PaymentState.PENDING: AttemptState.PENDING,
    PaymentState.APPROVED: AttemptState.PENDING,
    PaymentState.PROCESSING: AttemptState.PROCESSING,
    PaymentState.PAID: AttemptState.PAID,
    PaymentState.FAILED: AttemptState.FAILED,
    PaymentState.CLOSED: AttemptState.CLOSED,
}

_FOR_NOTHING = {Settlement.SURPLUS, Settlement.LATE, Settlement.RETURNED}
_UNPAID = {PaymentStatus.PENDING, PaymentStatus.FAILED}
_TO_BE_SHIPPED = {OrderStatus.CONFIRMED, OrderStatus.PROCESSING}


class Settled(Value):
    """What was decided about a payment, and why it had failed if it had.

    `gone` says that the order's money has gone back though its goods have not left yet, or are
    being sent again, or that nobody need decide about it any more. `decision` is what an operator
    said of a payment in review, `excess` what of an accepted one was not asked for and goes back.
    """

    payment_id: str
    settlement: Settlement
    captured: Money
    gone: bool = False
    decision: str = ""
    excess: Money | None = None
    failure_code: str = ""
    failure_message: str = ""


async def settle(
    session: AsyncSession,
    view: PaymentView,
    at: datetime,
    rehold_until: datetime | None = None,
    *,
    refunds: Sequence[RefundView] = (),
    disputes: Collection[DisputeNews] = (),
    unattended: bool = False,
) -> Settled:
    """Record `view` and act on it: money, stock, order status and timeline change together.

    A paid order whose hold has gone is held again if the stock is there; if not, the money is
    late. The order's row is locked first everywhere, so that two callbacks cannot both win.
    `refunds` and `disputes` are what callbacks brought up beside the payment itself. Money for an
    order that is `unattended`, because its workflow has ended, pays for nothing any more.
    """
    order_id = (await session.get_one(Payment, view.payment_id)).order_id
    order = await orders.lock_order(session, order_id)
    payment = await payments.lock_payment(session, view.payment_id)
    await session.refresh(payment)
    standing = await standing_towards(session, order, payment, unattended=unattended)
    settlement = decide(standing, _answer(view, payment))
    if settlement is Settlement.REHOLD:
        settlement = await _rehold(session, order, payment, at, rehold_until)
    await _record_view(session, order, payment, view, settlement, at)
    if payment.decision and settlement in _FOR_NOTHING and not payment.surplus:
        payment.surplus = True
        await restate_money(session, order, at)
    await book_refunds_of(session, order, payment, view, refunds, at)
    if disputes or view.disputed:
        await hear_of_dispute(session, order, payment, disputes, at)
    if settlement is Settlement.ACCEPTED and order.status == OrderStatus.PENDING:
        hold = await holds.live_hold(session, order_id)
        assert hold is not None
        await holds.move_hold(session, hold, HoldState.COMMITTED, at)
        orders.move(order, at, status=OrderStatus.CONFIRMED)
        await orders.add_event(session, order_id, "order_confirmed", at)
    return Settled(
        payment_id=payment.id,
        settlement=settlement,
        captured=view.captured,
        gone=await _is_gone(session, order),
        decision=payment.decision,
        excess=await _excess(session, payment),
        failure_code=view.failure_code,
        failure_message=view.failure_message,
    )


def _answer(view: PaymentView, payment: Payment) -> Answer:
    """What the provider says, as far as the decision goes.

    Money of which an unknown part has gone back before we saw it is not what was asked for.
    """
    if payment.decision and payment.captured_minor > 0:
        # A person has said what this money is: the table decides about it as about any other.
        captured = Money(minor=payment.captured_minor, currency=payment.currency)
        return answer_of(view, captured)
    answer = answer_of(view, payment.asked)
    touched = view.touched and view.refunded is None and payment.claimed_minor == 0
    return Answer.PAID_OTHERWISE if answer is Answer.PAID and touched else answer


async def standing_towards(
    session: AsyncSession, order: OrderRow, payment: Payment, *, unattended: bool = False
) -> Standing:
    """Where a locked order stands towards one of its payments."""
    paying = paying_of(order, await payments.payments_of(session, order.id))
    hold = await holds.live_hold(session, order.id)
    return standing_of(
        OrderStatus(order.status),
        None if hold is None else HoldState(hold.state),
        paid_by_it=payment.id == paying,
        paid_by_other=paying not in {"", payment.id},
        given_up=payment.given_up or payment.state == AttemptState.CLOSED,
        for_nothing=payment.surplus or unattended,
    )


def paying_of(order: OrderRow, attempts: list[Payment]) -> str:
    """The attempt that pays for the order: the first that was captured as asked, or accepted.

    One that was accepted does from when the order is confirmed for it: there may be no stock left.
    """
    waits = order.status in UNSETTLED
    captured = [
        attempt
        for attempt in attempts
        if attempt.captured_minor > 0
        and not attempt.surplus
        and (not attempt.mismatch or (attempt.accepted and not waits))
    ]
    return captured[0].id if captured else ""


async def _excess(session: AsyncSession, payment: Payment) -> Money | None:
    """What an accepted payment brought beyond what was asked, unless it has gone back."""
    if payment.excess_minor == 0:
        return None
    known = await refunds_of_payment(session, payment.id)
    ours = {excess_refund_id(payment.id, number) for number in range(1, len(known) + 1)}
    if any(one.id in ours and one.state == RefundRowState.SUCCEEDED for one in known):
        return None
    return Money(minor=payment.excess_minor, currency=payment.currency)


async def _is_gone(session: AsyncSession, order: OrderRow) -> bool:
    """Whether what was captured for the order has all gone back, surplus money aside."""
    attempts = await payments.payments_of(session, order.id)
    captured = [a for a in attempts if a.captured_minor > 0 and not a.surplus]
    if not captured or any(a.left.minor > 0 for a in captured):
        return False
    waits = order.status in _TO_BE_SHIPPED or any(a.mismatch for a in captured)
    return waits or await fulfillment.is_sent_again(session, order.id)


async def _rehold(
    session: AsyncSession,
    order: OrderRow,
    payment: Payment,
    at: datetime,
    until: datetime | None,
) -> Settlement:
    """Hold the stock again for money that came after its hold; late if there is none."""
    hold_id = derived_id(HOLD, order.id, "rehold", payment.id)
    shortages = await hold_order(
        session, await orders.to_order(session, order), hold_id, at, until or at
    )
    if shortages:
        return Settlement.LATE
    await restock.close_requests(session, order.id, RestockState.FILLED, at)
    orders.move(order, at, status=OrderStatus.PENDING)
    await orders.add_event(session, order.id, "stock_reserved_again", at)
    return Settlement.ACCEPTED


async def _record_view(
    session: AsyncSession,
    order: OrderRow,
    payment: Payment,
    view: PaymentView,
    settlement: Settlement,
    at: datetime,
) -> None:
    """Write the provider's view into the payment's row and the order's money."""
    payment.capture_ref = payment.capture_ref or view.capture_ref
    # Paid is paid, and what was closed stays closed unless money comes after all.
    if payment.state == AttemptState.PAID or (
        payment.state == AttemptState.CLOSED and view.state is not PaymentState.PAID
    ):
        return
    state = _ATTEMPT_STATE[view.state]
    if settlement is Settlement.CLOSED:
        state = AttemptState.CLOSED
    changed, payment.state = payment.state != state, state
    payment.failure_code, payment.failure_message = view.failure_code, view.failure_message
    payment.updated_at = at
    if view.state is PaymentState.PAID:
        await _record_capture(session, order, payment, view, settlement, at)
    elif view.state is PaymentState.FAILED and order.payment_status in _UNPAID:
        orders.move(order, at, payment=PaymentStatus.FAILED)
    if changed and state is not AttemptState.PENDING:
        await orders.add_event(
            session,
            order.id,
            f"payment_{state}",
            at,
            dedupe_key=f"payment_{state}:{payment.id}:{view.failure_code}",
            payment_id=payment.id,
            amount=str(view.captured),
            settlement=settlement,
            reason=payment.mismatch or view.failure_message or view.failure_code,
        )


async def _record_capture(
    session: AsyncSession,
    order: OrderRow,
    payment: Payment,
    view: PaymentView,
    settlement: Settlement,
    at: datetime,
) -> None:
    if settlement is Settlement.MISMATCH:
        payment.mismatch = (
            f"captured {view.captured}, asked {payment.asked}"
            if view.captured != payment.asked
            else f"part of {view.captured} has gone back at {payment.gateway} already"
        )
    payment.surplus = settlement in _FOR_NOTHING
    same_currency = view.captured.currency == order.currency
    payment.captured_minor = view.captured.minor if same_currency else 0
    order.kept_minor += payment.captured_minor
    await restate_money(session, order, at)
