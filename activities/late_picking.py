"""Parcels that should have left their warehouse: operators get a task, customers are told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from db import late_lists, orders
from db.engine import Sessions, single_statements
from db.late_lists import PICKING_LATE
from db.operator_tasks import open_task
from domain.fulfillment import LateList
from domain.order import Value

# More than this are for the next look.
_MOST = 200


class FindLatePicking(Value):
    """Look at the picking lists that are open at this time."""

    at: datetime


class LatePickingFound(Value):
    """Late lists that somebody did not know of; their customers are still to be told."""

    lists: tuple[LateList, ...] = ()


class LatePicking:
    """Looks for late picking lists; running it twice changes nothing."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def find_late_picking(self, command: FindLatePicking) -> LatePickingFound:
        """Give operators a task for each list that is late; which ones those are."""
        async with single_statements(self._sessions) as session:
            found = await late_lists.find_late_lists(session, command.at, _MOST)
        for late in found:
            if late.new:
                # One order at a time: an order's lock is never held for another's sake.
                async with self._sessions.begin() as session:
                    await _call_for_people(session, late, command.at)
        return LatePickingFound(lists=tuple(found))


async def _call_for_people(session: AsyncSession, late: LateList, at: datetime) -> None:
    await orders.lock_order(session, late.order_id)
    # It may have left while the lock was waited for.
    if not await late_lists.is_open(session, late.picking_list_id):
        return
    due = f"{late.due:%Y-%m-%d %H:%M} UTC"
    key = late_lists.task_key(late.picking_list_id)
    await open_task(
        session,
        kind=PICKING_LATE,
        order_id=late.order_id,
        task=f"Ask {late.warehouse_id} when {late.picking_list_id} leaves, which was due {due};"
        " cancel the order if it cannot",
        dedupe_key=key,
        at=at,
        urgent=True,
    )
    await orders.add_event(
        session,
        late.order_id,
        PICKING_LATE,
        at,
        dedupe_key=key,
        warehouse_id=late.warehouse_id,
        picking_list_id=late.picking_list_id,
        due=due,
    )
