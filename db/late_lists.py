"""Picking lists whose parcel should have left: by our promise, or by the warehouse's estimate."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import operator_tasks
from db.fulfillment import OPEN_LISTS, PickingListRow
from domain.fulfillment import LateList
from domain.notification import NotificationKind
from domain.picking_priority import is_late

# What an operator's task about a late list is called, and the row on the order's timeline.
PICKING_LATE = "picking_late"

_LATE = text(
    """
    SELECT list.id AS picking_list_id, list.order_id, list.warehouse_id, due, task.id IS NULL AS new
    FROM picking_lists AS list
    CROSS JOIN LATERAL (
        SELECT least(estimated_ship_at, (document ->> 'promised_at')::timestamptz) AS due
    ) AS time
    LEFT JOIN operator_tasks AS task
        ON task.order_id = list.order_id AND task.dedupe_key = concat(CAST(:task AS text), list.id)
    CROSS JOIN LATERAL (
        SELECT bool_and(told.state <> 'pending') AS told FROM notifications AS told
        WHERE told.order_id = list.order_id AND told.kind = :kind AND told.occasion = list.id
    ) AS customer
    WHERE list.state IN ('intended', 'accepted') AND due < :at
        AND (task.id IS NULL OR customer.told IS NOT TRUE)
    ORDER BY due, list.id LIMIT :most
    """
)


async def find_late_lists(session: AsyncSession, at: datetime, most: int) -> list[LateList]:
    """Open lists that were due before `at` and that somebody does not know of, oldest first."""
    rows = await session.execute(
        _LATE,
        {
            "at": at,
            "most": most,
            "task": task_key(""),
            "kind": NotificationKind.SHIPPING_DELAYED,
        },
    )
    return [LateList.model_validate(row, from_attributes=True) for row in rows]


async def is_open(session: AsyncSession, picking_list_id: str) -> bool:
    """Whether its parcel may still leave."""
    row = await session.get(PickingListRow, picking_list_id)
    return row is not None and row.state in OPEN_LISTS


async def close_late_task(session: AsyncSession, row: PickingListRow, at: datetime) -> None:
    """Nobody needs to ask after this list any more: it has left, or never will."""
    promised = row.document.get("promised_at")
    due = datetime.fromisoformat(promised) if promised else None
    # The step may have been begun before the list was late, and be repeated long after that.
    if is_late(due, row.estimated_ship_at, now=max(at, datetime.now(UTC))):
        await operator_tasks.close_task(session, row.order_id, task_key(row.id), at)


def task_key(picking_list_id: str) -> str:
    """What tells the task about one list apart from the order's others."""
    return f"{PICKING_LATE}:{picking_list_id}"
