"""`python -m bench picking`: routes beside the S-shape, in meters and in time, as ratios."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import fmean

from rich.console import Console

from bench.options import positive
from bench.picking.floors import Case, floor, lines
from bench.tables import table
from domain.fulfillment import PickingLine
from domain.picking_route import plan_route
from domain.s_shape import s_shape
from domain.warehouse_layout import WarehouseLayout

_FLOORS = ((10, 1, 5), (10, 1, 10), (10, 1, 30), (20, 1, 60), (10, 2, 5), (10, 2, 10), (20, 2, 60))
_CASES = tuple(
    Case(aisles, blocks, picks, delicate)
    for delicate in (0, 0.2)
    for aisles, blocks, picks in _FLOORS
)


@dataclass(frozen=True, slots=True)
class Result:
    """Means over all lists of a case; lengths are parts of the baseline's, times in seconds."""

    case: Case
    against_s_shape: float
    against_lines: float
    heavy_first: float
    seconds: float
    against_s_shape_time: float


def run(arguments: Sequence[str], console: Console) -> int:
    """Route random lists and print what that saves; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench picking", description=__doc__)
    parser.add_argument("--lists", type=positive, default=100, help="per row (%(default)s)")
    parser.add_argument("--seed", type=positive, default=1, help="of the lists (%(default)s)")
    given = parser.parse_args(arguments)
    results = [measure(case, given.lists, Random(given.seed)) for case in _CASES]
    _show(results, given.lists, console)
    return 0


def measure(case: Case, count: int, rng: Random) -> Result:
    """Route `count` lists of one kind."""
    layout = floor(case)
    shares, naive, costs, times, baseline_times = [], [], [], [], []
    for _ in range(count):
        wanted = lines(case, rng)
        begin = time.perf_counter()
        _, route = plan_route(wanted, layout)
        times.append(time.perf_counter() - begin)
        shares.append(route.distance_m / route.baseline_distance_m)
        naive.append(route.distance_m * 1000 / _in_order(layout, wanted))
        costs.append(route.heavy_first_costs_m / route.distance_m)
        begin = time.perf_counter()
        s_shape(layout, [spot for line in wanted if (spot := layout.spot(line.bin))], layout.depot)
        baseline_times.append(time.perf_counter() - begin)
    return Result(
        case=case,
        against_s_shape=fmean(shares),
        against_lines=fmean(naive),
        heavy_first=fmean(costs),
        seconds=fmean(times),
        against_s_shape_time=fmean(times) / fmean(baseline_times),
    )


def _in_order(layout: WarehouseLayout, wanted: Sequence[PickingLine]) -> int:
    stops = [spot for line in wanted if (spot := layout.spot(line.bin))]
    walk = [layout.depot, *stops, layout.depot]
    return sum(layout.steps(here, there) for here, there in pairwise(walk))


def _show(results: Sequence[Result], count: int, console: Console) -> None:
    console.print(
        table(
            f"Picking routes, {count} lists a row; S-shape and rule as the picking lists have them",
            (
                "aisles × blocks, picks",
                "heavy, fragile",
                "route / S-shape",
                "route / order of lines",
                "heavy first costs",
                "ms a list",
                "time / S-shape's",
            ),
            [_row(result) for result in results],
        )
    )


def _row(result: Result) -> tuple[str, ...]:
    case = result.case
    return (
        f"{case.aisles} × {case.blocks}, {case.picks}",
        f"{case.delicate:.0%} each" if case.delicate else "none",
        f"{result.against_s_shape:.2f}",
        f"{result.against_lines:.2f}",
        f"{result.heavy_first:.2f}",
        f"{result.seconds * 1000:.1f}",
        f"{result.against_s_shape_time:.0f}",
    )
