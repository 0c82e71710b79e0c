"""In which order a picker takes an order's lines, and how many meters that saves.

One block of aisles: the exact shortest round (Ratliff and Rosenthal). Any other floor: the better
of the nearest-neighbor round and the S-shape, made shorter by 2-opt. If that round, in neither
direction, has the heavy goods before the fragile ones (`heavy_first`), the shortest that has is
taken: exactly up to nine stops, by 2-opt within the rule beyond.

The meters saved are against the S-shape held to the same rule: if it breaks the rule, it is walked
a second time, for the fragile goods, from where the first time ended. The route is one of the
candidates' shortest, and the S-shape's order one of the candidates: it is never longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from domain.exact_order import MOST, shortest_order
from domain.fulfillment import PickingLine, PickingRoute, RouteAlgorithm
from domain.heavy_first import Visit, Weight, along, keeps, weight_of
from domain.ratliff_rosenthal import shortest_walk
from domain.s_shape import s_shape
from domain.two_opt import Distances, improved, length, nearest_neighbor
from domain.warehouse_layout import Spot, WarehouseLayout


def plan_route(
    lines: Sequence[PickingLine], layout: WarehouseLayout | None
) -> tuple[tuple[PickingLine, ...], PickingRoute]:
    """The lines in the order of their picking, numbered from 1, and what the round is like.

    Bins that are not on the floor come last, by their codes, with a warning each.
    """
    spots = {line.bin: layout.spot(line.bin) if layout else None for line in lines}
    lost = sorted((line for line in lines if spots[line.bin] is None), key=_by_bin)
    placed = [(spot, line) for line in lines if (spot := spots[line.bin]) is not None]
    order: list[Visit] = []
    route = PickingRoute(warnings=_warnings(lost, layout))
    if layout is not None and placed:
        order, route = _planned(layout, _visits(placed), route)
    turn = {visit.spot: number for number, visit in enumerate(order)}
    by_visit = {visit: number for number, visit in enumerate(order)}

    def moment(entry: tuple[Spot, PickingLine]) -> tuple[int, Weight, int, str, str]:
        spot, line = entry
        weight = _weight(line)
        number = by_visit.get(Visit(spot, weight), turn[spot])
        return number, weight, -line.weight_g, line.bin, line.sku

    picked = [line for _, line in sorted(placed, key=moment)]
    return tuple(
        line.model_copy(update={"step": step}) for step, line in enumerate([*picked, *lost], 1)
    ), route


def _planned(
    layout: WarehouseLayout, visits: Sequence[Visit], route: PickingRoute
) -> tuple[list[Visit], PickingRoute]:
    plan = _Planning(layout, visits)
    order, algorithm = plan.route()
    walked, naive = plan.meters(order), plan.baseline_length / 1000
    return order, route.model_copy(
        update={
            "algorithm": algorithm,
            "distance_m": walked,
            "baseline_distance_m": naive,
            "saved_m": round(naive - walked, 3),
            "heavy_first_costs_m": max(round(walked - plan.meters(plan.shortest), 3), 0),
        }
    )


class _Planning:
    """The rounds that are weighed for one list."""

    def __init__(self, layout: WarehouseLayout, visits: Sequence[Visit]) -> None:
        self._layout = layout
        self._visits = visits
        self._spots = [visit.spot for visit in visits]
        self._distances = _distances(layout, self._spots)
        self._numbers = {visit: number for number, visit in enumerate(visits, 1)}
        self.baseline, self.baseline_length = self._baseline()
        walk = self._shortest_walk()
        self._both_ways = [along(way, visits) for way in (walk, walk[::-1])]
        self.shortest = self._both_ways[0]

    def route(self) -> tuple[list[Visit], RouteAlgorithm]:
        """The shortest round found that keeps the rule, and by what."""
        for order in self._both_ways:
            if keeps(order):
                return order, "ratliff_rosenthal" if self._layout.single_block else "two_opt"
        if len(self._visits) <= MOST:
            return self._named(shortest_order(self._distances, self._heavy_ones)), "exact"
        starts = [self.baseline, *(_waves(order) for order in self._both_ways)]
        found = [self._improved(start, self._keeps) for start in starts]
        return self._named(min(found, key=self._length)), "two_opt"

    def meters(self, order: Sequence[Visit]) -> float:
        """How far it is to walk."""
        return self._length([self._numbers[visit] for visit in order]) / 1000

    def _shortest_walk(self) -> list[Spot]:
        layout = self._layout
        if layout.single_block:
            return shortest_walk(layout.aisle_places, layout.depth, layout.depot, self._spots)
        naive = along(s_shape(layout, self._spots, layout.depot), self._visits)
        starts = (self._named(nearest_neighbor(self._distances)), naive)
        order = min((self._improved(start) for start in starts), key=self._length)
        return [visit.spot for visit in self._named(order)]

    def _baseline(self) -> tuple[list[Visit], int]:
        """The S-shape under the rule: its order and its length."""
        depot = self._layout.depot
        once = s_shape(self._layout, self._spots, depot)
        for walk in (once, once[::-1]):
            order = along(walk, self._visits)
            if keeps(order):
                return order, self._walked([*once, depot])
        sturdy = [visit for visit in self._visits if visit.weight is not Weight.FRAGILE]
        fragile = [visit for visit in self._visits if visit.weight is Weight.FRAGILE]
        there = s_shape(self._layout, [visit.spot for visit in sturdy], depot)
        again = s_shape(self._layout, [visit.spot for visit in fragile], there[-1])
        order = [*along(there, sturdy), *along(again, fragile)]
        return order, self._walked([*there, *again, depot])

    def _improved(
        self, order: Sequence[Visit], allowed: Callable[[Sequence[int]], bool] = lambda _: True
    ) -> list[int]:
        numbers = [self._numbers[visit] for visit in order]
        return improved(numbers, self._distances, allowed)

    def _keeps(self, order: Sequence[int]) -> bool:
        return keeps(self._named(order))

    def _heavy_ones(self, place: int) -> set[int]:
        """What has to be in the cart before the goods at this place."""
        if self._visits[place - 1].weight is not Weight.FRAGILE:
            return set()
        return {n for visit, n in self._numbers.items() if visit.weight is Weight.HEAVY}

    def _named(self, order: Sequence[int]) -> list[Visit]:
        return [self._visits[number - 1] for number in order]

    def _length(self, order: Sequence[int]) -> int:
        return length(order, self._distances)

    def _walked(self, walk: Sequence[Spot]) -> int:
        return sum(self._layout.steps(here, there) for here, there in pairwise(walk))


def _distances(layout: WarehouseLayout, spots: Sequence[Spot]) -> Distances:
    places = [layout.depot, *spots]
    return [[layout.steps(here, there) for there in places] for here in places]


def _visits(placed: Sequence[tuple[Spot, PickingLine]]) -> list[Visit]:
    """One stop for all goods of a kind; what is neither heavy nor fragile needs none of its own."""
    visits = {Visit(spot, _weight(line)) for spot, line in placed}
    with_others = {visit.spot for visit in visits if visit.weight is not Weight.LIGHT}
    return sorted(
        visit
        for visit in visits
        if visit.weight is not Weight.LIGHT or visit.spot not in with_others
    )


def _waves(order: Sequence[Visit]) -> list[Visit]:
    return sorted(order, key=lambda visit: visit.weight is Weight.FRAGILE)


def _weight(line: PickingLine) -> Weight:
    return weight_of(line.weight_g, fragile=line.fragile)


def _by_bin(line: PickingLine) -> tuple[Weight, str, str]:
    return _weight(line), line.bin, line.sku


def _warnings(lost: Sequence[PickingLine], layout: WarehouseLayout | None) -> tuple[str, ...]:
    if layout is None:
        return ("the warehouse's layout is not known: the lines are in the order of their bins",)
    return tuple(
        f"bin {line.bin} ({line.sku}) is not on the layout of {layout.warehouse_id}: it comes last"
        for line in lost
    )
