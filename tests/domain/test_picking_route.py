from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from db.warehouse_layouts import warehouse_layouts
from domain.exact_order import shortest_order
from domain.fulfillment import PickingLine
from domain.heavy_first import HEAVY_G
from domain.picking_route import plan_route
from domain.ratliff_rosenthal import shortest_walk
from domain.two_opt import improved, length, nearest_neighbor
from domain.warehouse_layout import Spot, WarehouseLayout

HANGZHOU = warehouse_layouts()["WH-HZ"]
SHANGHAI = warehouse_layouts()["WH-SH"]

# How a picker may walk, spot by spot: built without any formula for distances.
Graph = dict[Spot, dict[Spot, int]]


def chance(seed: int) -> Random:
    """The same throws each time."""
    return Random(seed)  # noqa: S311 - floors, not secrets


def floor(rng: Random, ways: int = 2) -> WarehouseLayout:
    """A random floor: aisles and racks at any distances, the depot at any aisle."""
    aisles = rng.randint(1, 7)
    depth = rng.randint(4, 30)
    between = sorted(rng.sample(range(1, depth), ways - 2))
    racks = sorted(rng.sample(range(depth + 1), rng.randint(1, min(depth, 8))))
    x, places = 0, []
    for _ in range(aisles):
        places.append(x)
        x += rng.randint(1, 12)
    return WarehouseLayout(
        warehouse_id="W",
        aisles={f"{number}": place for number, place in enumerate(places)},
        racks={f"{number}": y for number, y in enumerate(racks)},
        cross_aisles=(0, *between, depth),
        depot_aisle=f"{rng.randrange(aisles)}",
    )


def bins(rng: Random, layout: WarehouseLayout, count: int) -> list[str]:
    racks, aisles = sorted(layout.racks), sorted(layout.aisles)
    return [f"Z-{rng.choice(aisles)}-{rng.choice(racks)}-{rng.randint(1, 4)}" for _ in range(count)]


def line(bin_code: str, *, weight_g: int = 100, fragile: bool = False, n: int = 0) -> PickingLine:
    return PickingLine(
        sku=f"S{n}",
        product_id=f"P{n}",
        name="杯",
        quantity=1,
        bin=bin_code,
        weight_g=weight_g,
        length_mm=1,
        width_mm=1,
        height_mm=1,
        fragile=fragile,
    )


def random_lines(rng: Random, layout: WarehouseLayout, count: int) -> list[PickingLine]:
    return [
        line(code, weight_g=rng.choice((50, HEAVY_G)), fragile=rng.random() < 0.3, n=n)
        for n, code in enumerate(bins(rng, layout, count))
    ]


def graph_of(layout: WarehouseLayout, spots: Sequence[Spot]) -> Graph:
    graph: Graph = {}

    def join(stops: Sequence[Spot], far: Sequence[int]) -> None:
        for (here, a), (there, b) in pairwise(zip(stops, far, strict=True)):
            graph.setdefault(here, {})[there] = b - a
            graph.setdefault(there, {})[here] = b - a

    for aisle in range(len(layout.aisle_places)):
        inside = {spot.y for spot in spots if spot.aisle == aisle}
        heights = sorted({*layout.cross_aisles, *inside})
        join([Spot(aisle, y) for y in heights], heights)
    for way in layout.cross_aisles:
        stops = [Spot(aisle, way) for aisle in range(len(layout.aisle_places))]
        join(stops, layout.aisle_places)
    return graph


def walked_from(graph: Graph, start: Spot) -> dict[Spot, int]:
    """Dijkstra's distances."""
    found: dict[Spot, int] = {}
    edge = [(0, start)]
    while edge:
        far, here = heapq.heappop(edge)
        if here not in found:
            found[here] = far
            for there, step in graph[here].items():
                heapq.heappush(edge, (far + step, there))
    return found


def shortest_of_all(distances: Sequence[Sequence[int]]) -> int:
    """The shortest round's length, by weighing every set of places and every last one of it."""
    count = len(distances) - 1
    best = {(1 << place, place): distances[0][place + 1] for place in range(count)}
    for seen in range(1, 1 << count):
        for here in range(count):
            if (seen, here) not in best:
                continue
            for there in range(count):
                key = (seen | 1 << there, there)
                if not seen >> there & 1:
                    far = best[seen, here] + distances[here + 1][there + 1]
                    best[key] = min(far, best.get(key, far))
    full = (1 << count) - 1
    return min((best[full, here] + distances[here + 1][0] for here in range(count)), default=0)


@pytest.mark.parametrize("part", range(5))
def test_no_round_through_a_single_block_is_shorter_than_ours(part: int) -> None:
    for number in range(300):
        rng = chance(part * 1_000 + number)
        layout = floor(rng)
        spots = [layout.spot(code) for code in bins(rng, layout, rng.randint(0, 9))]
        picks = sorted({spot for spot in spots if spot is not None})
        graph = graph_of(layout, picks)
        places = [layout.depot, *picks]
        far = [walked_from(graph, place) for place in places]
        distances = [[far[n][place] for place in places] for n in range(len(places))]
        walk = shortest_walk(layout.aisle_places, layout.depth, layout.depot, picks)
        where = f"{layout} {picks}"
        assert walk[0] == walk[-1] == layout.depot, where
        assert set(picks) <= set(walk), where
        ours = sum(graph[here][there] for here, there in pairwise(walk))
        assert ours == shortest_of_all(distances), where


@pytest.mark.parametrize("ways", [2, 3, 4])
def test_the_way_between_two_spots_is_the_shortest_that_the_floor_has(ways: int) -> None:
    rng = chance(ways)
    for _ in range(40):
        layout = floor(rng, ways)
        spots = [spot for code in bins(rng, layout, 6) if (spot := layout.spot(code))]
        graph = graph_of(layout, [layout.depot, *spots])
        for here in spots:
            far = walked_from(graph, here)
            assert [layout.steps(here, there) for there in spots] == [far[s] for s in spots]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 25), ways=st.integers(2, 4))
def test_every_line_is_picked_once_and_never_farther_than_along_the_s_shape(
    seed: int, count: int, ways: int
) -> None:
    rng = chance(seed)
    layout = floor(rng, ways)
    lines = random_lines(rng, layout, count)
    picked, route = plan_route(lines, layout)
    assert sorted(one.sku for one in picked) == sorted(one.sku for one in lines)
    assert [one.step for one in picked] == list(range(1, count + 1))
    assert route.distance_m <= route.baseline_distance_m
    assert route.saved_m == pytest.approx(route.baseline_distance_m - route.distance_m)
    assert route.heavy_first_costs_m >= 0
    assert route.warnings == ()
    sturdy = [n for n, one in enumerate(picked) if not one.fragile and one.weight_g >= HEAVY_G]
    fragile = [n for n, one in enumerate(picked) if one.fragile]
    assert not sturdy or not fragile or sturdy[-1] < fragile[0]
    spots = [layout.depot, *[layout.spot(one.bin) or layout.depot for one in picked], layout.depot]
    walked = sum(layout.steps(here, there) for here, there in pairwise(spots))
    assert walked == pytest.approx(route.distance_m * 1_000)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6), ways=st.integers(2, 3))
def test_a_small_list_takes_the_shortest_round_that_has_heavy_goods_first(
    seed: int, count: int, ways: int
) -> None:
    rng = chance(seed)
    layout = floor(rng, ways)
    lines = random_lines(rng, layout, count)
    _, route = plan_route(lines, layout)
    if route.algorithm == "two_opt":
        return

    def meters(order: Sequence[PickingLine]) -> int:
        spots = [layout.depot, *(layout.spot(one.bin) or layout.depot for one in order)]
        return sum(layout.steps(here, there) for here, there in pairwise([*spots, layout.depot]))

    def kind(one: PickingLine) -> str:
        return "F" if one.fragile else "H" if one.weight_g >= HEAVY_G else ""

    def allowed(order: Sequence[PickingLine]) -> bool:
        return "FH" not in "".join(kind(one) for one in order)

    shortest = min(meters(order) for order in permutations(lines) if allowed(order))
    assert route.distance_m * 1_000 == pytest.approx(shortest)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20))
def test_2_opt_is_never_longer_than_what_it_began_with(seed: int, count: int) -> None:
    rng = chance(seed)
    points = [(rng.randint(0, 50), rng.randint(0, 50)) for _ in range(count + 1)]
    distances = [[abs(a - c) + abs(b - d) for c, d in points] for a, b in points]
    for start in (nearest_neighbor(distances), rng.sample(range(1, count + 1), count)):
        better = improved(start, distances)
        assert sorted(better) == list(range(1, count + 1))
        assert length(better, distances) <= length(start, distances)


def test_2_opt_uncrosses_a_round() -> None:
    corners = [(0, 0), (0, 10), (10, 10), (10, 0)]
    distances = [[abs(a - c) + abs(b - d) for c, d in corners] for a, b in corners]
    assert length(improved([2, 1, 3], distances), distances) == 40


def test_the_exact_order_keeps_to_its_rule() -> None:
    distances = [[0, 1, 9], [1, 0, 8], [9, 8, 0]]
    assert shortest_order(distances, lambda place: [2] if place == 1 else []) == (2, 1)


def test_two_picks_in_one_aisle_are_taken_on_the_way_in_and_on_the_way_out() -> None:
    lamp, kettle = line("A-01-01-1", fragile=True, n=1), line("A-01-03-1", weight_g=1_250, n=2)
    picked, route = plan_route([lamp, kettle], HANGZHOU)
    assert [one.sku for one in picked] == ["S2", "S1"]
    assert (route.algorithm, route.distance_m) == ("ratliff_rosenthal", 15.6)
    assert route.heavy_first_costs_m == 0


def test_the_rule_may_cost_meters_and_the_list_says_how_many() -> None:
    near, far = line("A-01-09-1", weight_g=HEAVY_G, n=1), line("A-12-01-1", n=2, fragile=True)
    early = line("A-01-01-1", fragile=True, n=3)
    heavy = line("A-12-09-1", weight_g=HEAVY_G, n=4)
    picked, route = plan_route([near, far, early, heavy], HANGZHOU)
    assert [one.fragile for one in picked] == [False, False, True, True]
    assert route.algorithm == "exact"
    assert route.heavy_first_costs_m > 0
    assert route.saved_m > 0


def test_at_one_stop_heavy_comes_first_then_light_then_fragile() -> None:
    cup = line("A-05-03-1", fragile=True, n=1)
    sock = line("A-05-03-2", n=2)
    kettle = line("A-05-03-3", weight_g=HEAVY_G, n=3)
    picked, _ = plan_route([cup, sock, kettle], HANGZHOU)
    assert [one.sku for one in picked] == ["S3", "S2", "S1"]


def test_bins_that_are_not_on_the_floor_come_last_with_a_warning() -> None:
    lines = [line("", n=1), line("Q", n=2), line("A-99-01-1", n=3), line("A-02-01-1", n=4)]
    picked, route = plan_route(lines, HANGZHOU)
    assert [one.bin for one in picked] == ["A-02-01-1", "", "A-99-01-1", "Q"]
    assert route.algorithm == "ratliff_rosenthal"
    assert len(route.warnings) == 3
    assert "A-99-01-1 (S3) is not on the layout of WH-HZ" in route.warnings[1]


def test_without_a_layout_the_lines_are_in_the_order_of_their_bins() -> None:
    picked, route = plan_route([line("B-1", n=1), line("A-1", n=2)], None)
    assert [one.bin for one in picked] == ["A-1", "B-1"]
    assert (route.algorithm, route.saved_m) == ("bin_order", 0)
    assert len(route.warnings) == 1


def test_a_list_without_lines_is_no_walk() -> None:
    assert plan_route([], HANGZHOU)[0] == ()


def test_the_order_of_the_lines_makes_no_difference() -> None:
    lines = random_lines(chance(7), SHANGHAI, 12)
    assert plan_route(lines, SHANGHAI) == plan_route(lines[::-1], SHANGHAI)


def test_two_hundred_picks_are_routed_on_any_floor() -> None:
    rng = chance(3)
    for layout in (HANGZHOU, SHANGHAI):
        lines = [line(code, n=n) for n, code in enumerate(bins(rng, layout, 200))]
        picked, route = plan_route(lines, layout)
        assert len(picked) == 200
        assert route.saved_m >= 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"cross_aisles": (0,)},
        {"cross_aisles": (1, 5)},
        {"cross_aisles": (0, 9, 5)},
        {"depot_aisle": "7"},
        {"aisles": {"1": 0, "2": 0}},
        {"racks": {"1": 11}},
    ],
)
def test_a_floor_that_does_not_hold_together_is_refused(wrong: dict[str, object]) -> None:
    fine = {
        "warehouse_id": "W",
        "aisles": {"1": 0, "2": 3},
        "racks": {"1": 2},
        "cross_aisles": (0, 10),
        "depot_aisle": "1",
    }
    assert WarehouseLayout.model_validate(fine).single_block
    with pytest.raises(ValidationError):
        WarehouseLayout.model_validate(fine | wrong)
