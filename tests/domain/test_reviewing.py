from __future__ import annotations

from domain.reviewing import ReviewedLine, lines_to_review

GOOD = ReviewedLine(line_no=1, delivered=2)


def test_what_arrived_is_reviewed_line_by_line() -> None:
    lines = [
        GOOD,
        ReviewedLine(line_no=2, delivered=0),
        ReviewedLine(line_no=3, delivered=1, refunded=True),
        ReviewedLine(line_no=4, delivered=1, returned=True),
    ]
    assert lines_to_review(lines) == {1: 2}


def test_a_complaint_silences_the_whole_order() -> None:
    assert lines_to_review([GOOD], complained=True) == {}


def test_money_that_went_back_for_no_line_silences_the_whole_order() -> None:
    assert lines_to_review([GOOD], refunded=True) == {}
