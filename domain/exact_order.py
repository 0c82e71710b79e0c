"""The shortest round of few places under a rule of what may come when: every order is weighed."""

from __future__ import annotations

from collections.abc import Callable, Collection

from domain.two_opt import Distances

# Ten places are a few hundredths of a second; each more doubles that.
MOST = 9


def shortest_order(
    distances: Distances, after: Callable[[int], Collection[int]]
) -> tuple[int, ...]:
    """The shortest round from place 0 through all others and back (Held and Karp, 1962).

    A place is visited only when all places `after(place)` have been; of equally short rounds the
    first in the order of the places' numbers is taken. A rule without a circle is presumed.
    """
    places = range(1, len(distances))
    needed = {place: frozenset(after(place)) for place in places}
    ends: dict[tuple[frozenset[int], int], tuple[int, tuple[int, ...]]] = {
        (frozenset(), 0): (0, ())
    }
    for _ in places:
        longer: dict[tuple[frozenset[int], int], tuple[int, tuple[int, ...]]] = {}
        for (seen, here), (length, order) in ends.items():
            for place in places:
                if place in seen or not needed[place] <= seen:
                    continue
                key = (seen | {place}, place)
                found = (length + distances[here][place], (*order, place))
                if key not in longer or found < longer[key]:
                    longer[key] = found
        ends = longer
    return min((length + distances[here][0], order) for (_, here), (length, order) in ends.items())[
        1
    ]
