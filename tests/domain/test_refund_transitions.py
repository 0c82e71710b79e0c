"""What a provider may say of a refund after what it said before: every pair."""

from __future__ import annotations

from itertools import product

import pytest

from domain.payment import RefundState
from domain.refunding import is_news

PENDING, MANUAL = RefundState.PENDING, RefundState.MANUAL
SUCCEEDED, FAILED = RefundState.SUCCEEDED, RefundState.FAILED

# Booked after the refund came to its end, this was said before it.
STALE = {
    (SUCCEEDED, PENDING),
    (SUCCEEDED, MANUAL),
    (FAILED, PENDING),
    (FAILED, MANUAL),
}


@pytest.mark.parametrize(("known", "told"), list(product(RefundState, RefundState)))
def test_all_but_stale_news_goes_into_the_books(known: RefundState, told: RefundState) -> None:
    assert is_news(known, told) == ((known, told) not in STALE)


@pytest.mark.parametrize("told", RefundState)
def test_the_first_word_goes_into_the_books_whatever_it_is(told: RefundState) -> None:
    assert is_news(None, told)
