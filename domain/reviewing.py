"""Which of an order's lines a customer is invited to review."""

from __future__ import annotations

from collections.abc import Iterable

from domain.order import Value


class ReviewedLine(Value):
    """What happened to one line: units at the door, money that went back, a return asked for."""

    line_no: int
    delivered: int
    refunded: bool = False
    returned: bool = False


def lines_to_review(
    lines: Iterable[ReviewedLine], *, complained: bool = False, refunded: bool = False
) -> dict[int, int]:
    """Units by line number, of the lines that arrived and that nothing went wrong with.

    A complaint, and money that went back for no line in particular, are about the whole order: then
    nobody is invited. Whether the return was granted does not matter; who wanted one is not happy.
    """
    if complained or refunded:
        return {}
    return {
        line.line_no: line.delivered
        for line in lines
        if line.delivered > 0 and not line.refunded and not line.returned
    }
