"""Claims a refund's amount in the books, before anybody is asked to pay it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from activities.refund_books import GOODS_GONE
from db import orders, payments, refunds
from db.orders import OrderRow
from db.parts import units_of
from db.payments import Payment
from db.refunds import Refund, RefundRowState
from db.sent_again import sent_again
from domain.errors import PermanentError
from domain.ids import idempotency_key
from domain.money import Money
from domain.order import Order, Value
from domain.refunding import (
    SentAgain,
    UnitsRefunded,
    check_not_sent_again,
    refund_of_lines,
    way_out,
)


class ClaimRefund(Value):
    """Set part of what an order paid aside for a refund.

    Either `amount`, or the money for `lines` (units by line number; as far as it is left to give
    back, if `left_only`), or what is left to give back of all that `warehouses` were to send, or
    without any of them all that is left. `retry_of` names a failed refund that this one stands for.
    Who has `asked` for it may not know that the goods are sent again; the order's own process does.
    """

    refund_id: str
    order_id: str
    amount: Money | None = None
    lines: dict[int, int] = Field(default_factory=dict)
    left_only: bool = False
    warehouses: tuple[str, ...] = ()
    retry_of: str = ""
    asked: bool = False
    reason: str
    at: datetime


class RefundClaimed(Value):
    """The amount is set aside; nobody else can claim it.

    `emptied` says that nothing is left of the payment.
    """

    outcome: Literal["claimed"] = "claimed"
    payment_id: str
    amount: Money
    lines: dict[int, int] = Field(default_factory=dict)
    emptied: bool = False


class RefundNotPossible(Value):
    """Why nothing can be refunded."""

    outcome: Literal["refused"] = "refused"
    reason: str


class ClaimResult(Value):
    """What came of a claim."""

    result: Annotated[RefundClaimed | RefundNotPossible, Field(discriminator="outcome")]


class RetryNotPossible(PermanentError):
    """The refund that is to be made again did not fail, or is not there."""


async def claim(session: AsyncSession, command: ClaimRefund) -> RefundClaimed | RefundNotPossible:
    """Claim the amount on the payment that pays for the order, or say why not.

    Raises:
        RefundExceedsCapture: there is not that much left.
        LinesNotRefundable: there are not that many units left, or they are sent again.
        RetryNotPossible: there is no such failed refund.
    """
    order = await orders.lock_order(session, command.order_id)
    known = await session.get(Refund, command.refund_id)
    if known is not None:
        return await _claimed_before(session, known)
    failed = await _failed_refund(session, command) if command.retry_of else None
    if failed is not None:
        lines = {int(line_no): quantity for line_no, quantity in failed.lines.items()}
        command = command.model_copy(update={"amount": failed.amount, "lines": lines})
    amount = command.amount
    before = await _units_refunded(session, order) if command.lines or command.warehouses else None
    again = await sent_again(session, order.id) if command.asked else []
    left_only = bool(command.warehouses) or command.left_only
    if left_only and before is not None:
        of_warehouses = await units_of(session, order.id, command.warehouses)
        units = of_warehouses if command.warehouses else command.lines
        lines = _left_of(await orders.to_order(session, order), units, before, again)
        command = command.model_copy(update={"lines": lines})
        if not lines:
            return RefundNotPossible(reason="these units have been refunded, or are sent again")
    if command.lines and before is not None:
        goods = await orders.to_order(session, order)
        check_not_sent_again(goods, command.lines, before, again)
        amount = refund_of_lines(goods, command.lines, before)
    if order.status not in GOODS_GONE and amount is None:
        return RefundNotPossible(
            reason=f"the order is {order.status}: cancel it to give all the money back"
        )
    payment_id = failed.payment_id if failed else await _paying(session, command.order_id)
    if not payment_id:
        return RefundNotPossible(reason="the order has no money left to give back")
    left = (await session.get_one(Payment, payment_id)).left
    if left_only and amount is not None:
        # Some of it may have been given back as a mere amount.
        amount = min(amount, left)
    exchanged = [one for one in again if one.return_id]
    # What is sent for a lost parcel is called off by its order; nobody tells an exchange.
    if exchanged and not command.lines and amount in {None, left}:
        one = exchanged[0]
        return RefundNotPossible(reason=f"{one.units} units of line {one.line_no} {way_out(one)}")
    refund = await intend(
        session,
        refund_id=command.refund_id,
        payment_id=payment_id,
        amount=amount,
        reason=command.reason,
        key=idempotency_key(command.refund_id, "refund"),
        at=command.at,
        lines=command.lines,
        retry_of=command.retry_of,
    )
    assert refund is not None
    return await _claimed(session, refund)


async def _claimed(session: AsyncSession, refund: Refund) -> RefundClaimed:
    payment = await session.get_one(Payment, refund.payment_id)
    return RefundClaimed(
        payment_id=payment.id,
        amount=refund.amount,
        lines={int(line_no): quantity for line_no, quantity in refund.lines.items()},
        emptied=payment.left.minor == 0,
    )


async def _claimed_before(
    session: AsyncSession, refund: Refund
) -> RefundClaimed | RefundNotPossible:
    """The same answer again; but a retry that failed as well is not on its way any more."""
    if refund.retry_of and refund.state == RefundRowState.FAILED:
        return RefundNotPossible(
            reason=f"refund {refund.retry_of} was made again as {refund.id}, which failed, too:"
            " retry that one"
        )
    return await _claimed(session, refund)


def _left_of(
    order: Order, units: Mapping[int, int], before: UnitsRefunded, again: Iterable[SentAgain]
) -> dict[int, int]:
    """As many of `units`, by line number, as were not refunded before, and are not sent again."""
    quantities = Counter({line.line_no: line.quantity for line in order.items})
    quantities.subtract(before.lines)
    for one in again:
        quantities[one.line_no] -= one.units
    left = {line_no: min(quantity, quantities[line_no]) for line_no, quantity in units.items()}
    return {line_no: quantity for line_no, quantity in left.items() if quantity > 0}


async def _paying(session: AsyncSession, order_id: str) -> str:
    """The payment that pays for the order, if there is anything left of it."""
    for payment in await payments.payments_of(session, order_id):
        if payment.left.minor > 0 and not payment.surplus:
            return payment.id
    return ""


async def _failed_refund(session: AsyncSession, command: ClaimRefund) -> Refund:
    """The failed refund that is to be made again.

    Raises:
        RetryNotPossible: that one did not fail, or is not this order's.
    """
    failed = await session.get(Refund, command.retry_of)
    if failed is None or failed.order_id != command.order_id:
        raise RetryNotPossible(f"the order has no refund {command.retry_of}")
    if failed.state != RefundRowState.FAILED:
        raise RetryNotPossible(
            f"refund {failed.id} is {failed.state}: only a failed one is retried"
        )
    return failed


async def _units_refunded(session: AsyncSession, order: OrderRow) -> UnitsRefunded:
    """The units whose money has gone back, or is about to."""
    units: Counter[int] = Counter()
    given = Money.zero(order.currency)
    for refund in await refunds.refunds_of(session, order.id):
        if refund.lines and refund.state != RefundRowState.FAILED:
            units.update({int(line_no): quantity for line_no, quantity in refund.lines.items()})
            given += refund.amount
    return UnitsRefunded(lines=units, given=given)


async def intend(
    session: AsyncSession,
    *,
    refund_id: str,
    payment_id: str,
    amount: Money | None,
    reason: str,
    key: str,
    at: datetime,
    lines: Mapping[int, int] | None = None,
    retry_of: str = "",
    left_only: bool = False,
) -> Refund | None:
    """The stored intent; nothing if the payment has nothing left to give back.

    With `left_only`, less than `amount` if there is not that much left.

    Raises:
        RefundExceedsCapture: the payment has not that much left.
    """
    payment = await session.get_one(Payment, payment_id)
    await orders.lock_order(session, payment.order_id)
    payment = await payments.lock_payment(session, payment_id)
    await session.refresh(payment)
    if amount is None or left_only:
        known = await session.get(Refund, refund_id)
        wanted = payment.left if amount is None else min(amount, payment.left)
        amount = known.amount if known else wanted
    if amount.minor == 0:
        return None
    refund = await refunds.intend_refund(
        session,
        Refund(
            id=refund_id,
            payment_id=payment.id,
            order_id=payment.order_id,
            state=RefundRowState.INTENDED,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason=reason,
            lines={str(line_no): quantity for line_no, quantity in (lines or {}).items()},
            retry_of=retry_of,
            idempotency_key=key,
            created_at=at,
        ),
    )
    await orders.add_event(
        session,
        payment.order_id,
        "refund_requested",
        at,
        dedupe_key=f"refund_requested:{refund.id}",
        refund_id=refund.id,
        amount=str(refund.amount),
        reason=refund.reason,
    )
    return refund
