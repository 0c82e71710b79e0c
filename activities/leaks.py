"""Finds what orders left behind whose workflow is gone, and gives it back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.order_watch import OrderWatch
from activities.reconciliation import Nudge
from activities.records import call_off
from db import holds, leaks, orders, restock
from db.engine import Sessions, single_statements
from db.orders import OrderRow
from domain.inventory import HoldState
from domain.order import Value
from domain.statuses import OrderStatus, PaymentStatus

# Temporal is asked about this many orders at once, and about so many in one run.
_AT_ONCE = 8
_MOST = 500

# A workflow that was stopped longer ago than this has been reported often enough.
_REPORTED_FOR = timedelta(days=1)

_UNFINISHED = {OrderStatus.PENDING, OrderStatus.PENDING_RESTOCK}
_UNPAID = {PaymentStatus.PENDING, PaymentStatus.FAILED}

# Not the SDK's logger, which writes the activity's details into the event's name.
log = logging.getLogger("orderflow.leaks")


class FindLeaks(Value):
    """Look at holds that are overdue by more than `grace`, and at all orders that wait for goods.

    A workflow may be late: its worker may be down, or Temporal be busy.
    """

    at: datetime
    grace: timedelta = timedelta(minutes=2)


class LostOrder(Value):
    """An order whose workflow is gone; `fate` is how it ended."""

    order_id: str
    fate: str


class LeaksFound(Value):
    """What one look brought.

    `lost` can be given back. People must look at `stranded`, which have been paid and have not
    come to their end, and at `drift`, counters that disagree with the ledger. `late` orders have
    an overdue hold, but their workflow runs and will see to it.
    """

    lost: tuple[LostOrder, ...] = ()
    stranded: tuple[LostOrder, ...] = ()
    drift: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


class CloseLost(Value):
    """Give back what a lost order held; its customer reads the `reason`."""

    order_id: str
    fate: str
    reason: str
    at: datetime


class LostClosed(Value):
    """What was done for a lost order, and which orders may be served because of that."""

    order_id: str
    fate: str
    released: bool
    cancelled: bool
    waiting_orders: tuple[str, ...] = ()


class PaymentsClosed(Value):
    """The open payments of lost orders that somebody was asked to close."""

    payment_ids: tuple[str, ...] = ()


class Leaks:
    """Leak detection; every method may run twice."""

    def __init__(self, sessions: Sessions, watch: OrderWatch, nudge: Nudge) -> None:
        self._sessions = sessions
        self._watch = watch
        self._nudge = nudge

    @activity.defn
    async def find_leaks(self, command: FindLeaks) -> LeaksFound:
        """Compare holds, queue and counters with what Temporal says; changes nothing."""
        async with single_statements(self._sessions) as session:
            overdue = await leaks.overdue_orders(session, command.at - command.grace, _MOST)
            queueing = await leaks.queueing_orders(session, _MOST)
            drift = await leaks.drifted_counters(session)
        suspects = list(dict.fromkeys([*overdue, *queueing]))
        lost = await self._gone(suspects)
        stopped = await self._watch.stopped(command.at - _REPORTED_FOR, _MOST)
        async with single_statements(self._sessions) as session:
            unfinished = await leaks.paid_and_unfinished(session, stopped)
        known = {order.order_id for order in lost}
        found = LeaksFound(
            lost=lost,
            stranded=await self._gone(unfinished),
            drift=tuple(drift),
            late=tuple(order_id for order_id in overdue if order_id not in known),
        )
        _report(found)
        return found

    async def _gone(self, order_ids: Sequence[str]) -> tuple[LostOrder, ...]:
        """Those whose workflow does not run, in the same order."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(order_id: str) -> LostOrder:
            async with slots:
                activity.heartbeat(order_id)
                return LostOrder(order_id=order_id, fate=await self._watch.fate(order_id))

        asked = await asyncio.gather(*(ask(order_id) for order_id in order_ids))
        return tuple(order for order in asked if order.fate)

    @activity.defn
    async def close_lost(self, command: CloseLost) -> LostClosed:
        """Release the order's hold and its place in the queue, and cancel it if it is unpaid.

        Done again, it says what was done before: its customer must be told all the same.
        """
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            await restock.leave_queue(session, order.id, command.at)
            done = await orders.find_event(session, order.id, leaks.LOST)
            does = done.detail if done else await _close(session, order, command)
            waiting = await restock.servable_after(session, order.id)
        return LostClosed(
            order_id=command.order_id,
            fate=command.fate,
            released=bool(does.get("released")),
            cancelled=bool(does.get("cancelled")),
            waiting_orders=tuple(waiting),
        )

    @activity.defn
    async def close_lost_payments(self) -> PaymentsClosed:
        """Have the payments closed that can still be made for orders that are off by now."""
        async with single_statements(self._sessions) as session:
            found = await leaks.open_payments(session, _MOST)
        for payment in found:
            activity.heartbeat(payment.payment_id)
            await self._nudge.look_again(payment.order_id, payment.payment_id, ())
        return PaymentsClosed(payment_ids=tuple(payment.payment_id for payment in found))


async def _close(session: AsyncSession, order: OrderRow, command: CloseLost) -> dict[str, bool]:
    """Give back what there is; the timeline keeps what was done."""
    cancelled = order.status in _UNFINISHED and order.payment_status in _UNPAID
    does = {"released": await _release(session, order, command.at), "cancelled": cancelled}
    if cancelled:
        await call_off(session, order, command.reason, command.at)
    if any(does.values()):
        await orders.add_event(
            session,
            order.id,
            leaks.LOST,
            command.at,
            workflow=command.fate,
            released=does["released"],
            cancelled=does["cancelled"],
        )
    return does


async def _release(session: AsyncSession, order: OrderRow, at: datetime) -> bool:
    hold = await holds.live_hold(session, order.id)
    if hold is None or hold.state != HoldState.HELD:
        return False
    await holds.move_hold(session, hold, HoldState.EXPIRED, at)
    await orders.add_event(
        session, order.id, "hold_expired", at, dedupe_key=f"hold_moved:{hold.id}"
    )
    return True


def _report(found: LeaksFound) -> None:
    """Numbers for the metrics, and an error for each thing that people must look at."""
    meter = activity.metric_meter()
    meter.create_counter(
        "orderflow_orders_lost", "Unfinished orders whose workflow was found to be gone."
    ).add(len(found.lost))
    meter.create_gauge(
        "orderflow_orders_stranded", "Paid orders that go no further: their workflow is gone."
    ).set(len(found.stranded))
    meter.create_gauge(
        "orderflow_stock_drift", "Stock counters that disagree with the ledger or the holds."
    ).set(len(found.drift))
    meter.create_gauge(
        "orderflow_holds_late", "Overdue holds whose order's workflow runs all the same."
    ).set(len(found.late))
    for order in found.stranded:
        log.error(
            "order_stranded", extra={"order_id": order.order_id, "workflow_status": order.fate}
        )
    for violation in found.drift:
        log.error("stock_drift", extra={"violation": violation})
