"""The usual reasons for which customers send things back, and how one is written down."""

from __future__ import annotations

from enum import StrEnum


class ReturnCause(StrEnum):
    """What a customer chooses from a list; none has to be chosen."""

    DAMAGED = "damaged"
    FAULTY = "faulty"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    CHANGED_MIND = "changed_mind"
    OTHER = "other"


_BY_NAME = {cause.value: cause for cause in ReturnCause}


def reason_of(cause: ReturnCause | None, note: str) -> str:
    """A return's reason, for people and for counting: the cause, and what the customer wrote."""
    return ": ".join(part for part in (cause, note) if part)


def cause_of(reason: str) -> ReturnCause | None:
    """The cause that a reason begins with; nothing if it was written some other way."""
    return _BY_NAME.get(reason.partition(":")[0])
