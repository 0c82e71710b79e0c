"""Lines on an order's timeline that no other step writes."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.records import NoteEvent, OrderRecords


async def note(
    order_id: str,
    kind: str,
    summary: str,
    *,
    dedupe_key: str = "",
    callback_id: int = 0,
    task: str = "",
    **detail: str,
) -> None:
    """Write a line, once per `dedupe_key`; a callback that it tells of has been dealt with.

    `task` is what an operator has to do about it.
    """
    await workflow.execute_local_activity_method(
        OrderRecords.note_event,
        NoteEvent(
            order_id=order_id,
            kind=kind,
            task=task,
            dedupe_key=dedupe_key,
            detail=detail,
            callback_ids=(callback_id,) if callback_id else (),
            at=workflow.now(),
        ),
        summary=summary,
        **policies.BOOKS,
    )
