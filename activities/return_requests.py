"""Returns in the books: asked for, decided, and at their end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.return_commands import DecideReturn, RequestReturn, SettleReturn
from activities.return_standing import Standing, look_at
from db import after_sales, operator_tasks, orders
from db.after_sales import ReturnRow
from domain.errors import PermanentError
from domain.ids import RETURN, derived_id
from domain.money import Money
from domain.order import Order
from domain.refunding import LinesNotRefundable, refund_of_lines
from domain.returns import (
    RETURN_TRANSITIONS,
    Decider,
    Refusal,
    ReturnCase,
    ReturnKind,
    ReturnLine,
    ReturnNotPossible,
    ReturnRules,
    ReturnState,
    check_request,
    needs_a_person,
    worded,
)
from domain.statuses import ShippingStatus


class ReturnUnknown(PermanentError):
    """There is no return with this id."""


async def open_return(
    session: AsyncSession, command: RequestReturn, rules: ReturnRules
) -> ReturnCase:
    """Store a return, approved if no person is needed; the same id gives the same return.

    Raises:
        ReturnNotPossible: it cannot be returned, or this id belongs to another request.
    """
    known = await after_sales.find_return(session, command.return_id)
    if known is not None:
        return known
    standing = await look_at(session, command.order_id, rules)
    known = await after_sales.find_return(session, command.return_id)
    if known is not None:
        return known
    await _refuse_resent(session, command.order_id)
    check_request(
        command.lines,
        standing.lines,
        closes=standing.closes,
        at=command.at,
        requested_by=command.requested_by,
    )
    worth = _worth(standing, command)
    products = [line.product_id for line in standing.lines if line.line_no in command.lines]
    person = needs_a_person(rules, worth, products)
    by_operator = command.requested_by == "operator"
    case = _case(standing.order, command)
    await after_sales.insert_return(session, case)
    await _note_opened(session, case, worth)
    if by_operator or not person:
        decider: Decider = "operator" if by_operator else "rule"
        return await _approve(session, case, decider, "", command.at, rules)
    await operator_tasks.open_task(
        session,
        kind="return_requested",
        order_id=case.order_id,
        task=f"Decide on the return of {worded(case.lines)} ({worth}): {person};"
        f" returns approve {case.return_id}, or reject",
        dedupe_key=_task_of(case),
        at=command.at,
    )
    return case


async def open_brought_back(
    session: AsyncSession, standing: Standing, rules: ReturnRules, at: datetime
) -> list[ReturnCase]:
    """Await what a carrier brings back: one return for each warehouse, made once.

    Its money goes back by the order's own process; here the goods are looked at.
    """
    cases = []
    returned = [one for one in standing.sent if one.status is ShippingStatus.RETURNED]
    for warehouse_id in sorted({one.warehouse_id for one in returned}):
        return_id = derived_id(RETURN, standing.order.order_id, "brought_back", warehouse_id)
        if await after_sales.find_return(session, return_id) is not None:
            continue
        lines = {
            one.line_no: one.units
            for one in returned
            if one.warehouse_id == warehouse_id and one.units > 0
        }
        if not lines:
            continue
        command = RequestReturn(
            return_id=return_id,
            order_id=standing.order.order_id,
            kind=ReturnKind.REFUND,
            lines=lines,
            reason="the carrier brought the parcel back",
            requested_by="carrier",
            at=at,
        )
        case = _case(standing.order, command)
        await after_sales.insert_return(session, case)
        await _note_opened(session, case, None)
        cases.append(await _approve(session, case, "carrier", "", at, rules, patience=False))
    return cases


async def decide(session: AsyncSession, command: DecideReturn, rules: ReturnRules) -> ReturnCase:
    """Approve or reject; the same decision again changes nothing.

    Raises:
        ReturnUnknown: there is no such return.
        ReturnNotPossible: it has gone too far to be decided that way.
    """
    row = await locked(session, command.return_id)
    wanted = ReturnState.APPROVED if command.approve else ReturnState.REJECTED
    case = await after_sales.to_case(session, row)
    if case.state is wanted:
        return case
    check_move(case, wanted)
    await operator_tasks.close_task(session, case.order_id, _task_of(case), command.at)
    if command.approve:
        return await _approve(session, case, "operator", command.reason, command.at, rules)
    row.state, row.decided_by, row.decision = wanted, "operator", command.reason
    row.decided_at = row.settled_at = command.at
    await session.flush()
    await note(session, case, "return_rejected", command.at, reason=command.reason)
    return await after_sales.to_case(session, row)


async def settle(session: AsyncSession, command: SettleReturn) -> ReturnCase:
    """Bring a return to its end; one that has ended stays as it is.

    Raises:
        ReturnUnknown: there is no such return.
        ReturnNotPossible: it has not come that far.
    """
    row = await locked(session, command.return_id)
    case = await after_sales.to_case(session, row)
    if case.ended:
        return case
    check_move(case, command.state)
    row.state, row.settled_at = command.state, command.at
    await session.flush()
    detail = {"amount": str(command.amount)} if command.amount else {}
    if command.state is ReturnState.EXCHANGED:
        detail = {"replacement_order_id": case.replacement_order_id}
    await note(session, case, f"return_{command.state}", command.at, **detail)
    return await after_sales.to_case(session, row)


async def _refuse_resent(session: AsyncSession, order_id: str) -> None:
    """What was sent again for a lost parcel is returned as the order that it was bought with.

    Raises:
        ReturnNotPossible: this order sent it again.
    """
    bought_as = await orders.bought_as(session, order_id)
    if bought_as != order_id:
        number = (await orders.order_numbers(session, [bought_as]))[bought_as]
        raise ReturnNotPossible(
            Refusal.NOTHING_PAID, f"nothing was paid for it: return it as order {number}"
        )


async def locked(session: AsyncSession, return_id: str) -> ReturnRow:
    """A return's row, its order locked first.

    Raises:
        ReturnUnknown: there is no such return.
    """
    known = await session.get(ReturnRow, return_id)
    if known is None:
        raise ReturnUnknown(return_id)
    await orders.lock_order(session, known.order_id)
    row = await after_sales.lock_return(session, return_id)
    assert row is not None
    return row


def check_move(case: ReturnCase, wanted: ReturnState) -> None:
    """Allow a return to become `wanted`.

    Raises:
        ReturnNotPossible: it cannot from where it is.
    """
    if wanted not in RETURN_TRANSITIONS[case.state]:
        raise ReturnNotPossible(
            Refusal.WRONG_STATE, f"the return is {case.state}: it cannot become {wanted} any more"
        )


async def note(
    session: AsyncSession, case: ReturnCase, kind: str, at: datetime, **detail: str
) -> None:
    """A row on the order's timeline, once for each return and kind."""
    await orders.add_event(
        session,
        case.order_id,
        kind,
        at,
        dedupe_key=f"{kind}:{case.return_id}",
        return_id=case.return_id,
        **{name: value for name, value in detail.items() if value},
    )


async def _approve(
    session: AsyncSession,
    case: ReturnCase,
    decider: Decider,
    reason: str,
    at: datetime,
    rules: ReturnRules,
    *,
    patience: bool = True,
) -> ReturnCase:
    row = await after_sales.lock_return(session, case.return_id)
    assert row is not None
    row.state, row.decided_by, row.decision = ReturnState.APPROVED, decider, reason
    row.decided_at = at
    row.expected_by = at + rules.patience if patience else None
    await session.flush()
    await note(session, case, "return_approved", at, by=decider, reason=reason)
    return await after_sales.to_case(session, row)


async def _note_opened(session: AsyncSession, case: ReturnCase, worth: Money | None) -> None:
    await note(
        session,
        case,
        "return_opened",
        case.requested_at,
        wants=case.kind,
        items=worded(case.lines),
        worth=str(worth) if worth else "",
        by=case.requested_by,
        reason=case.reason,
    )


def _case(order: Order, command: RequestReturn) -> ReturnCase:
    skus = {line.line_no: line.sku for line in order.items}
    return ReturnCase(
        return_id=command.return_id,
        order_id=order.order_id,
        kind=command.kind,
        state=ReturnState.REQUESTED,
        lines=tuple(
            ReturnLine(line_no=line_no, sku=skus[line_no], quantity=quantity)
            for line_no, quantity in sorted(command.lines.items())
        ),
        reason=command.reason,
        requested_by=command.requested_by,
        requested_at=command.at,
    )


def _worth(standing: Standing, command: RequestReturn) -> Money:
    """What these units cost the customer.

    Raises:
        ReturnNotPossible: they are to be refunded, and cost nothing.
    """
    order = standing.order
    if command.kind is ReturnKind.REFUND and not standing.refundable:
        raise ReturnNotPossible(
            Refusal.NOTHING_PAID,
            "nothing of what was paid is left to give back; the goods can be exchanged",
        )
    try:
        return refund_of_lines(order, command.lines, standing.money)
    except LinesNotRefundable as error:
        if command.kind is ReturnKind.EXCHANGE:
            return Money.zero(order.total.currency)
        raise ReturnNotPossible(Refusal.NOTHING_PAID, str(error)) from error


def _task_of(case: ReturnCase) -> str:
    return f"return_requested:{case.return_id}"
