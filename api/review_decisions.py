"""An operator's decision about a payment in review: checked, recorded, delivered to the order."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.review_decisions import DecideReview, DecisionRefused, decide_review
from api.command_body import REASON_LIMIT, CommandBody
from api.inbox import deliver
from api.problems import refusal
from api.resources import Resources
from db.operator_tasks import OperatorTask
from domain.payment_review import DECISIONS, ReviewDecision, ReviewKind

_NAME_LIMIT = 100


def is_review(task: OperatorTask) -> bool:
    """Whether the task is about a payment in review."""
    return task.kind in set(ReviewKind)


def read_decision(request: CommandBody, task: OperatorTask, caller: str) -> DecideReview:
    """The decision in a body, which must say why as well.

    Raises:
        Refusal: it is none for this task, or there is no note.
    """
    possible = DECISIONS[ReviewKind(task.kind)]
    decision = request.fields.text("decision", 20, str.lower)
    note = request.fields.text("note", REASON_LIMIT)
    by = request.fields.text("by", _NAME_LIMIT)
    if decision not in possible:
        request.fields.note(
            "unknown_decision", "decision", f"send {' or '.join(possible)}: this is about money"
        )
    if not note:
        request.fields.note("note_required", "note", "say why: the audit asks for it")
    request.refuse_if_wrong()
    return DecideReview(
        task_id=task.id,
        decision=ReviewDecision(decision),
        note=note,
        by=by or f"API key {caller[:8]}",
        at=datetime.now(UTC),
    )


async def decide(uses: Resources, command: DecideReview) -> OperatorTask:
    """Record a decision and wake the order; the task as it is then.

    What is recorded is delivered again until somebody has dealt with it.

    Raises:
        Refusal: it was decided otherwise, or cannot be; or the database does not answer.
    """
    try:
        async with uses.writing() as session:
            news = await decide_review(session, command)
    except DecisionRefused as error:
        raise refusal(409, "decision_refused", str(error)) from error
    if news.applied_at is None:
        await deliver(uses, news)
    async with uses.reading() as session:
        return await session.get_one(OperatorTask, command.task_id)
