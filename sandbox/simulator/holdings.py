"""What all parties hold, side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice

from sandbox.simulator.journal import Journal
from sandbox.simulator.world import Party

Thing = dict[str, object]

_PAYMENTS = "payments"


class Holdings:
    """The parties' states in one; the payments of all providers are one list."""

    def __init__(self, journal: Journal, parties: Sequence[Party]) -> None:
        self._journal = journal
        self._parties = parties

    def shown(self, order_id: str = "", limit: int = 1000) -> dict[str, object]:
        """What every party holds, newest first; of all orders if `order_id` is empty."""
        states = [party.state(order_id, limit) for party in self._parties]
        lists = [state[_PAYMENTS] for state in states if _PAYMENTS in state]
        merged: dict[str, object] = {}
        for state in states:
            merged |= state
        return merged | {_PAYMENTS: list(islice(self._newest_first(lists), limit))}

    def _newest_first(self, lists: Iterable[Sequence[Thing]]) -> Iterator[Thing]:
        dated = [list(self._dated(payments)) for payments in lists]
        merged = merge(*dated, key=lambda pair: pair[0], reverse=True)
        return (payment for _, payment in merged)

    def _dated(self, payments: Sequence[Thing]) -> Iterator[tuple[int, Thing]]:
        # Each provider's list is in order already; one of which the journal does not tell (any
        # more) stays right behind the next newer one.
        position = sys.maxsize
        for payment in payments:
            begun = self._journal.first(str(payment["paymentId"]))
            position = min(position, sys.maxsize if begun is None else begun)
            yield position, payment
