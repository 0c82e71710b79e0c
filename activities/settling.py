"""Puts a provider's view of a payment into the books: one transaction, safe to repeat."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.inventory import hold_order
from db import inventory, orders, payments
from db.orders import OrderRow
from db.payments import AttemptState, Payment
from domain.ids import HOLD, derived_id
from domain.inventory import HoldState
from domain.money import Money
from domain.order import Value
from domain.payment import PaymentState, PaymentView
from domain.settlement import Settlement, decide
from domain.statuses import OrderStatus, PaymentStatus

_ATTEMPT_STATE = {
    PaymentState.PENDING: AttemptState.PENDING,
    PaymentState.PROCESSING: AttemptState.PROCESSING,
    PaymentState.PAID: AttemptState.PAID,
    PaymentState.FAILED: AttemptState.FAILED,
    PaymentState.CLOSED: AttemptState.CLOSED,
}


_NO_MONEY = {PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.REFUNDED}


class Settled(Value):
    """What was decided about a payment, and why it had failed if it had."""

    payment_id: str
    settlement: Settlement
    captured: Money
    failure_code: str = ""
    failure_message: str = ""


async def settle(
    session: AsyncSession, view: PaymentView, at: datetime, rehold_until: datetime | None
) -> Settled:
    """Record `view` and act on it: money, stock, order status and timeline change together.

    A paid order whose hold has gone is held again if the stock is there; if not, the money is
    late. The order's row is locked first everywhere, so that two callbacks cannot both win.
    """
    order_id = (await session.get_one(Payment, view.payment_id)).order_id
    order = await orders.lock_order(session, order_id)
    payment = await payments.lock_payment(session, view.payment_id)
    await session.refresh(payment)
    others = await payments.payments_of(session, order_id)
    hold = await inventory.live_hold(session, order_id)
    paid_before = payment.state == AttemptState.PAID
    settlement = decide(
        view,
        asked=payment.asked,
        order=OrderStatus(order.status),
        hold=None if hold is None else HoldState(hold.state),
        accepted_before=paid_before and payment.id == _accepted(others),
        other_accepted=_accepted(others) not in {"", payment.id},
    )
    if settlement is Settlement.REHOLD:
        settlement = await _rehold(session, order, payment, at, rehold_until)
        hold = await inventory.live_hold(session, order_id)
    await _record_view(session, order, payment, view, settlement, at)
    if settlement is Settlement.ACCEPTED and order.status == OrderStatus.PENDING:
        assert hold is not None
        await inventory.move_hold(session, hold, HoldState.COMMITTED, at)
        orders.move(order, at, status=OrderStatus.CONFIRMED)
        await orders.add_event(session, order_id, "order_confirmed", at)
    return Settled(
        payment_id=payment.id,
        settlement=settlement,
        captured=view.captured,
        failure_code=view.failure_code,
        failure_message=view.failure_message,
    )


def _accepted(attempts: list[Payment]) -> str:
    """The attempt that pays for the order: the first that was captured as asked."""
    captured = [
        attempt for attempt in attempts if attempt.captured_minor > 0 and not attempt.surplus
    ]
    return captured[0].id if captured else ""


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
    if payment.state == AttemptState.PAID:
        return
    changed = payment.state != _ATTEMPT_STATE[view.state]
    payment.state = _ATTEMPT_STATE[view.state]
    payment.failure_code, payment.failure_message = view.failure_code, view.failure_message
    payment.updated_at = at
    if view.state is PaymentState.PAID:
        _record_capture(order, payment, view, settlement, at)
    elif view.state is PaymentState.FAILED and not order.kept_minor:
        orders.move(order, at, payment=PaymentStatus.FAILED)
    if changed and view.state is not PaymentState.PENDING:
        await orders.add_event(
            session,
            order.id,
            f"payment_{view.state}",
            at,
            dedupe_key=f"payment_{view.state}:{payment.id}:{view.failure_code}",
            payment_id=payment.id,
            amount=str(view.captured),
            settlement=settlement,
            reason=view.failure_message or view.failure_code,
        )


def _record_capture(
    order: OrderRow, payment: Payment, view: PaymentView, settlement: Settlement, at: datetime
) -> None:
    if settlement is Settlement.MISMATCH:
        payment.mismatch = f"captured {view.captured}, asked {payment.asked}"
    payment.surplus = settlement in {Settlement.SURPLUS, Settlement.LATE}
    same_currency = view.captured.currency == order.currency
    payment.captured_minor = view.captured.minor if same_currency else 0
    order.kept_minor += payment.captured_minor
    if settlement is Settlement.MISMATCH:
        orders.move(order, at, payment=PaymentStatus.REVIEW)
    elif order.payment_status in _NO_MONEY:
        orders.move(order, at, payment=PaymentStatus.PAID)
