"""What an operator decides about a payment in review: one transaction, safe to repeat.

The decision and the news of it are stored together; the order's workflow hears of it as of any
callback, and the late-money table then says what becomes of the money.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.disputes import end_dispute
from activities.inbox import PAYMENT_PREFIX
from activities.inventory import shortages_of
from activities.refund_books import book_taken, restate_money
from activities.refund_claims import intend
from activities.settling import paying_of
from db import callbacks, holds, operator_tasks, orders, payments
from db.callbacks import Callback
from db.operator_tasks import OperatorTask, TaskState
from db.orders import OrderRow
from db.payments import Payment
from domain.ids import idempotency_key
from domain.inventory import HoldState
from domain.money import Money
from domain.order import Value
from domain.payment import CallbackTopic
from domain.payment_review import EXCESS_REASON, ReviewDecision, excess_refund_id
from domain.settlement import ENDED, UNSETTLED

NEWS = "review.decided"


class DecideReview(Value):
    """Somebody has decided about the payment that a task is about; `note` says why."""

    task_id: str
    decision: ReviewDecision
    note: str
    by: str
    at: datetime


class DecisionRefused(Exception):
    """The payment cannot be decided about like that; the message says why."""


async def decide_review(session: AsyncSession, command: DecideReview) -> Callback:
    """Record the decision and what it means for the books; the news that is to be delivered.

    The same decision again changes nothing and is delivered again. Money is only moved by whoever
    hears the news.

    Raises:
        DecisionRefused: it was decided otherwise, the review is over, or this cannot be done.
    """
    found = await session.get_one(OperatorTask, command.task_id)
    order = await orders.lock_order(session, found.order_id)
    payment = await payments.lock_payment(session, found.payment_id or "")
    await session.refresh(payment)
    task = await operator_tasks.lock_task(session, command.task_id)
    assert task is not None
    await session.refresh(task)
    if task.state == TaskState.OBSOLETE:
        raise DecisionRefused("there is nothing to decide any more: the review ended by itself")
    if task.state == TaskState.DONE and task.decision != command.decision:
        raise DecisionRefused(f"it was closed before, with the decision {task.decision}")
    if task.state == TaskState.OPEN:
        await _close(session, task, command)
        await _carry_out(session, order, payment, command)
    return await _news(session, task, payment, command.at)


async def _carry_out(
    session: AsyncSession, order: OrderRow, payment: Payment, command: DecideReview
) -> None:
    match command.decision:
        case ReviewDecision.ACCEPT:
            await _refuse_to_accept(session, order, payment)
            await _decide(session, order, payment, command)
            await _claim_excess(session, payment, command.at)
        case ReviewDecision.REFUND:
            payment.surplus = payment.captured_minor > 0
            await _decide(session, order, payment, command)
        case ReviewDecision.WON:
            await end_dispute(session, order, payment, ReviewDecision.WON, command.at)
        case ReviewDecision.LOST:
            if payment.claimed_minor != payment.refunded_minor:
                raise DecisionRefused("a refund of this payment is under way: wait for its end")
            await book_taken(session, order, payment, command.at)
            await end_dispute(session, order, payment, ReviewDecision.LOST, command.at)


async def _refuse_to_accept(session: AsyncSession, order: OrderRow, payment: Payment) -> None:
    """Say why the money cannot pay for the order, if it cannot.

    Stock is not held here: the order's workflow does that, which may be giving the order up now.

    Raises:
        DecisionRefused: it cannot.
    """
    if payment.captured_minor == 0:
        raise DecisionRefused("it is in another currency than the order: it can only go back")
    if payment.claimed_minor > 0:
        raise DecisionRefused("some of it has gone back, or is about to: refund the rest")
    if order.status in ENDED:
        raise DecisionRefused(f"the order is {order.status}: its money can only go back")
    attempts = await payments.payments_of(session, order.id)
    others = [one for one in attempts if one.id != payment.id]
    if (
        order.status not in UNSETTLED
        or paying_of(order, others)
        or any(one.accepted and not one.surplus for one in others)
    ):
        raise DecisionRefused("another payment pays for the order: this one can only go back")
    hold = await holds.live_hold(session, order.id)
    if hold is None or hold.state != HoldState.HELD:
        missing = await shortages_of(session, await orders.to_order(session, order))
        if missing:
            raise DecisionRefused(
                "the order's stock is not held any more, and not there: "
                + ", ".join(f"{one.available} of {one.requested} {one.sku}" for one in missing)
                + "; refund the payment, or take goods in first"
            )


async def _decide(
    session: AsyncSession, order: OrderRow, payment: Payment, command: DecideReview
) -> None:
    payment.decision, payment.decided_at = command.decision, command.at
    payment.updated_at = command.at
    await restate_money(session, order, command.at)


async def _claim_excess(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Set aside what goes back of it, with its key, before anybody else can claim it."""
    if payment.excess_minor == 0:
        return
    refund_id = excess_refund_id(payment.id)
    await intend(
        session,
        refund_id=refund_id,
        payment_id=payment.id,
        amount=Money(minor=payment.excess_minor, currency=payment.currency),
        reason=EXCESS_REASON,
        key=idempotency_key(refund_id, "refund"),
        at=at,
    )


async def _close(session: AsyncSession, task: OperatorTask, command: DecideReview) -> None:
    task.state, task.closed_at = TaskState.DONE, command.at
    task.decision, task.note, task.decided_by = command.decision, command.note, command.by
    await orders.add_event(
        session,
        task.order_id,
        "task_done",
        command.at,
        dedupe_key=f"task_done:{task.id}",
        task=task.kind,
        payment_id=task.payment_id,
        decision=command.decision,
        by=command.by,
        reason=command.note,
    )


async def _news(
    session: AsyncSession, task: OperatorTask, payment: Payment, at: datetime
) -> Callback:
    """For the inbox, which delivers it until somebody has dealt with it."""
    return await callbacks.store_callback(
        session,
        source=f"{PAYMENT_PREFIX}{payment.gateway}",
        event_id=f"{NEWS}:{task.id}",
        kind=NEWS,
        subject=payment.id,
        order_id=payment.order_id,
        headers={},
        content={"topic": CallbackTopic.PAYMENT, "payment_id": payment.id},
        body=b"",
        at=at,
    )
