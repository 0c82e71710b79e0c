"""Rounds through places with known distances: a quick first one, and making one shorter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

# Between each two places; symmetric. The round begins and ends at place 0, which it never names.
Distances = Sequence[Sequence[int]]
Order = Sequence[int]


def length(order: Order, distances: Distances) -> int:
    """How long the round is that visits the places in this order."""
    return sum(distances[here][there] for here, there in pairwise((0, *order, 0)))


def nearest_neighbor(distances: Distances) -> list[int]:
    """The round that always goes on to the nearest place; of equally near ones to the first."""
    order: list[int] = []
    left = set(range(1, len(distances)))
    here = 0
    while left:
        here = min(left, key=lambda place: (distances[here][place], place))
        left.remove(here)
        order.append(here)
    return order


def improved(
    order: Order, distances: Distances, allowed: Callable[[Order], bool] = lambda _: True
) -> list[int]:
    """A round that no turning round of a stretch and no moving of one place makes shorter.

    It is never longer than `order`, which has to be `allowed`; so is each that replaces it.
    """
    best = list(order)
    while True:
        better = _turned(best, distances, allowed) or _moved(best, distances, allowed)
        if better is None:
            return best
        best = better


def _turned(
    order: list[int], distances: Distances, allowed: Callable[[Order], bool]
) -> list[int] | None:
    """The first shorter round with one stretch walked the other way."""
    tour = [0, *order, 0]
    for first in range(1, len(tour) - 2):
        before, begin = tour[first - 1], tour[first]
        for last in range(first + 1, len(tour) - 1):
            end, after = tour[last], tour[last + 1]
            gain = distances[before][begin] + distances[end][after]
            if gain > distances[before][end] + distances[begin][after]:
                turned = [*tour[1:first], *tour[last : first - 1 : -1], *tour[last + 1 : -1]]
                if allowed(turned):
                    return turned
    return None


def _moved(
    order: list[int], distances: Distances, allowed: Callable[[Order], bool]
) -> list[int] | None:
    """The first shorter round with one place visited at another time."""
    for position, place in enumerate(order):
        rest = [0, *order[:position], *order[position + 1 :], 0]
        before, after = rest[position], rest[position + 1]
        saved = distances[before][place] + distances[place][after] - distances[before][after]
        for gap, (here, there) in enumerate(pairwise(rest)):
            if distances[here][place] + distances[place][there] - distances[here][there] < saved:
                moved = [*rest[1 : gap + 1], place, *rest[gap + 1 : -1]]
                if allowed(moved):
                    return moved
    return None
