"""The shortest round through one block of parallel aisles, exactly.

H. D. Ratliff and A. S. Rosenthal, "Order-Picking in a Rectangular Warehouse: A Solvable Case of the
Traveling Salesman Problem", Operations Research 31(3), 1983, 507-521. Aisle by aisle from the left,
what has been built so far matters only by the parity of its degrees at the aisle's two ends and by
whether it hangs together: seven classes, so that the work grows with aisles and picks alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from domain.warehouse_layout import Spot


class _Built(Enum):
    """What is built so far, as its right edge shows it: back end, front end, connected parts."""

    NOTHING = auto()
    BACK = auto()
    FRONT = auto()
    BOTH = auto()
    APART = auto()
    ODD = auto()
    CLOSED = auto()


class _Along(Enum):
    """How an aisle is walked."""

    THROUGH = auto()
    FROM_FRONT = auto()
    FROM_BACK = auto()
    FROM_BOTH = auto()
    TWICE = auto()
    NOT = auto()


_B, _A = _Built, _Along

_AFTER_AISLE: dict[_Built, dict[_Along, _Built]] = {
    _B.NOTHING: {
        _A.THROUGH: _B.ODD,
        _A.FROM_FRONT: _B.FRONT,
        _A.FROM_BACK: _B.BACK,
        _A.FROM_BOTH: _B.APART,
        _A.TWICE: _B.BOTH,
    },
    _B.FRONT: {
        _A.THROUGH: _B.ODD,
        _A.FROM_FRONT: _B.FRONT,
        _A.FROM_BACK: _B.APART,
        _A.FROM_BOTH: _B.APART,
        _A.TWICE: _B.BOTH,
        _A.NOT: _B.FRONT,
    },
    _B.BACK: {
        _A.THROUGH: _B.ODD,
        _A.FROM_FRONT: _B.APART,
        _A.FROM_BACK: _B.BACK,
        _A.FROM_BOTH: _B.APART,
        _A.TWICE: _B.BOTH,
        _A.NOT: _B.BACK,
    },
    _B.BOTH: {_A.THROUGH: _B.ODD} | {way: _B.BOTH for way in _A if way is not _A.THROUGH},
    _B.APART: dict.fromkeys(_A, _B.APART) | {_A.THROUGH: _B.ODD, _A.TWICE: _B.BOTH},
    _B.ODD: {_A.THROUGH: _B.BOTH} | {way: _B.ODD for way in _A if way is not _A.THROUGH},
    _B.CLOSED: {_A.NOT: _B.CLOSED},
}

# To the next aisle: how often along the back and along the front.
_ACROSS: dict[_Built, dict[tuple[int, int], _Built]] = {
    _B.ODD: {(1, 1): _B.ODD},
    _B.BACK: {(2, 0): _B.BACK, (0, 0): _B.CLOSED},
    _B.FRONT: {(0, 2): _B.FRONT, (0, 0): _B.CLOSED},
    _B.BOTH: {(2, 0): _B.BACK, (0, 2): _B.FRONT, (2, 2): _B.BOTH, (0, 0): _B.CLOSED},
    _B.APART: {(2, 2): _B.APART},
    _B.CLOSED: {(0, 0): _B.CLOSED},
    _B.NOTHING: {},
}

_COMPLETE = (_B.FRONT, _B.BACK, _B.BOTH, _B.CLOSED)

# So often from one spot straight to another.
_Leg = tuple[Spot, Spot, int]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The cheapest way found into a class, as a chain of the legs that it added."""

    length: int
    legs: tuple[_Leg, ...] = ()
    before: _Plan | None = None

    def all_legs(self) -> Iterator[_Leg]:
        plan: _Plan | None = self
        while plan is not None:
            yield from plan.legs
            plan = plan.before


_Plans = dict[_Built, _Plan]


def shortest_walk(
    aisle_places: Sequence[int], depth: int, depot: Spot, spots: Collection[Spot]
) -> list[Spot]:
    """The shortest closed walk from `depot` past all `spots`, turn by turn; it ends at the depot.

    `aisle_places` is how far right each aisle is, from the left; `depth` leads from the front (0)
    to the back. Between one spot of the walk and the next it goes straight.
    """
    required = {depot, *spots}
    first = min(spot.aisle for spot in required)
    last = max(spot.aisle for spot in required)
    plans: _Plans = {_B.NOTHING: _Plan(0)}
    for aisle in range(first, last + 1):
        heights = sorted(spot.y for spot in required if spot.aisle == aisle)
        if aisle > first:
            plans = _crossed(plans, aisle, aisle_places[aisle] - aisle_places[aisle - 1], depth)
        plans = _walked(plans, aisle, heights, depth)
    best = min((plans[built] for built in _COMPLETE if built in plans), key=lambda p: p.length)
    return _circuit(depot, best.all_legs())


def _walked(plans: _Plans, aisle: int, heights: Sequence[int], depth: int) -> _Plans:
    found: _Plans = {}
    for way, legs in _ways_along(aisle, heights, depth).items():
        length = sum(times * (there.y - here.y) for here, there, times in legs)
        for built, plan in plans.items():
            if way in _AFTER_AISLE[built]:
                _keep(found, _AFTER_AISLE[built][way], plan, length, legs)
    return found


def _crossed(plans: _Plans, aisle: int, width: int, depth: int) -> _Plans:
    found: _Plans = {}
    for built, plan in plans.items():
        for (back, front), after in _ACROSS[built].items():
            legs = tuple(
                (Spot(aisle - 1, y), Spot(aisle, y), times)
                for y, times in ((depth, back), (0, front))
                if times
            )
            _keep(found, after, plan, width * (back + front), legs)
    return found


def _keep(found: _Plans, built: _Built, plan: _Plan, length: int, legs: tuple[_Leg, ...]) -> None:
    total = plan.length + length
    if built not in found or total < found[built].length:
        found[built] = _Plan(total, legs, plan)


def _ways_along(aisle: int, heights: Sequence[int], depth: int) -> dict[_Along, tuple[_Leg, ...]]:
    """The ways that are of use in an aisle whose picks are at `heights`."""

    def legs(stops: Sequence[int], times: int) -> tuple[_Leg, ...]:
        return tuple((Spot(aisle, y), Spot(aisle, up), times) for y, up in pairwise(stops))

    whole = sorted({0, *heights, depth})
    ways = {_A.THROUGH: legs(whole, 1), _A.TWICE: legs(whole, 2)}
    if not heights:
        return {_A.NOT: (), **ways}
    ways[_A.FROM_FRONT] = legs([y for y in whole if y <= heights[-1]], 2)
    ways[_A.FROM_BACK] = legs([y for y in whole if y >= heights[0]], 2)
    if len(heights) > 1:
        below, above = max(pairwise(heights), key=lambda gap: gap[1] - gap[0])
        ways[_A.FROM_BOTH] = (
            *legs([y for y in whole if y <= below], 2),
            *legs([y for y in whole if y >= above], 2),
        )
    return ways


def _circuit(depot: Spot, legs: Iterator[_Leg]) -> list[Spot]:
    """One walk along every leg, as often as it says: Hierholzer's way."""
    exits: dict[Spot, list[Spot]] = {depot: []}
    for here, there, times in legs:
        for _ in range(times):
            exits.setdefault(here, []).append(there)
            exits.setdefault(there, []).append(here)
    trail, walk = [depot], []
    while trail:
        here = trail[-1]
        if exits[here]:
            there = exits[here].pop()
            exits[there].remove(here)
            trail.append(there)
        else:
            walk.append(trail.pop())
    return walk
