"""Holds per second as a table for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.stock.load import Load

# One hot SKU: so many times one transaction for each order, and at most this far from many SKUs.
GOAL_RATIO, GOAL_DISTANCE = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class Cell:
    """The same load in both ways."""

    skus: int
    callers: int
    alone: Load
    together: Load

    @property
    def ratio(self) -> float:
        """How many times faster holding together is."""
        return self.together.rate / self.alone.rate

    @property
    def cpu_ratio(self) -> float:
        """How many times less CPU time it takes; infinite if that is too little to be measured."""
        together = self.together.cpu_per_thousand
        return self.alone.cpu_per_thousand / together if together else math.inf


def show(cells: Sequence[Cell], broken: Sequence[str], console: Console) -> None:
    """Print every cell, and whether the goals are reached."""
    table = Table(title="Holds per second", title_justify="left", title_style="bold", box=None)
    wait = "p50 / p99, ms"
    for name in ("SKUs", "callers", "alone", wait, "together", wait, "ratio", "CPU"):
        table.add_column(name, header_style="dim", justify="right", no_wrap=True)
    for cell in cells:
        table.add_row(
            f"{cell.skus:,}",
            str(cell.callers),
            *_load(cell.alone),
            *_load(cell.together),
            f"{cell.ratio:.1f}",
            f"{cell.cpu_ratio:.1f}" if math.isfinite(cell.cpu_ratio) else "–",
        )
    console.print(table)
    for line in _verdicts(cells):
        console.print(line, soft_wrap=True)
    taken = sum(load.elsewhere for cell in cells for load in (cell.alone, cell.together))
    seconds = sum(load.seconds for cell in cells for load in (cell.alone, cell.together))
    busy = taken / seconds
    console.print(
        f"laws broken: {len(broken)}; other programs took {busy:.1f} cores meanwhile",
        style="dim",
    )
    for violation in broken:
        console.print(violation, style="red", markup=False)


def _verdicts(cells: Sequence[Cell]) -> list[str]:
    lines = []
    fewest, most = min(cell.skus for cell in cells), max(cell.skus for cell in cells)
    for hot in (cell for cell in cells if cell.skus == fewest):
        (many,) = (each for each in cells if (each.skus, each.callers) == (most, hot.callers))
        distance = many.together.rate / hot.together.rate
        lines.append(
            f"{hot.callers} callers on one SKU: {hot.ratio:.1f} times one transaction per order"
            f" ({_verdict(hot.ratio >= GOAL_RATIO, f'at least {GOAL_RATIO:g}')}),"
            f" {distance:.2f} times slower than on {most:,} SKUs"
            f" ({_verdict(distance <= GOAL_DISTANCE, f'at most {GOAL_DISTANCE:g}')})"
        )
    return lines


def _verdict(reached: bool, goal: str) -> str:  # noqa: FBT001 - it is what the sentence ends with
    return f"goal {goal}: {'reached' if reached else 'missed'}"


def _load(load: Load) -> tuple[str, str]:
    p50, p99 = load.wait(50) * 1000, load.wait(99) * 1000
    return f"{load.rate:,.0f}/s", f"{p50:,.0f} / {p99:,.0f}"
