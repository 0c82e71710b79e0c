"""Returns as the API shows them."""

from __future__ import annotations

from datetime import datetime

from domain.order import Value
from domain.returns import ReturnCase, ReturnKind, ReturnState


class ReturnedLine(Value):
    """Units of one line that come back; of those received, what could be sold again."""

    line_no: int
    sku: str
    quantity: int
    resellable: int = 0
    damaged: int = 0


class ReturnAnswer(Value):
    """One return.

    Its state is requested (an operator decides), approved (send it back until `expectedBy`),
    rejected, received (the money or the replacement is under way), refunded, exchanged
    (`replacementOrderId` is what was sent instead), or expired: it never came.
    """

    return_id: str
    order_id: str
    kind: ReturnKind
    state: ReturnState
    items: tuple[ReturnedLine, ...]
    reason: str = ""
    requested_by: str
    decided_by: str = ""
    decision: str = ""
    expected_by: datetime | None = None
    replacement_order_id: str = ""
    requested_at: datetime
    decided_at: datetime | None = None
    received_at: datetime | None = None
    settled_at: datetime | None = None


class ReturnsAnswer(Value):
    """Several returns."""

    returns: tuple[ReturnAnswer, ...]


def return_answer(case: ReturnCase) -> ReturnAnswer:
    """One return in the API's words."""
    known = case.model_dump(exclude={"lines"})
    items = tuple(ReturnedLine.model_validate(line.model_dump()) for line in case.lines)
    return ReturnAnswer.model_validate({**known, "items": items})
