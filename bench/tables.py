"""A report as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bench.cpu import DRIVER
from bench.results import GOAL, QUIET, Report, Side

_TOP = 6


def show(report: Report, console: Console) -> None:
    """Print everything, and what the comparison leaves out."""
    console.print(
        Group(
            _speed(report),
            _costs(report),
            _cpu(report),
            _database(report),
            _caveats(report),
        )
    )


def _speed(report: Report) -> Table:
    latency, ours, floor = report.latency, report.orders.throughput, report.floor.throughput
    verdict = f"goal {GOAL}: {'reached' if report.ratio >= GOAL else 'missed'}"
    if report.machine.busy_elsewhere > QUIET:
        verdict = "the machine was busy: look at the CPU"
    return table(
        "Speed",
        ("", "n", "result"),
        [
            ("POST /orders to payment instructions, p50", latency.n, _ms(latency.p50)),
            ("POST /orders to payment instructions, p95", latency.n, _ms(latency.p95)),
            (f"whole orders, {report.options.in_flight} in flight", ours.n, _rate(ours.rate)),
            ("  by round", "", _rates(ours.rates)),
            (f"floor, {report.options.in_flight} in flight", floor.n, _rate(floor.rate)),
            ("  by round", "", _rates(floor.rates)),
            ("orders / floor", "", f"{report.ratio:.2f} ({verdict})"),
            ("floor's CPU / orders' CPU", "", f"{report.cpu_ratio:.2f}"),
        ],
    )


def _costs(report: Report) -> Table:
    def row(name: str, value: str, ours: float, floor: float) -> tuple[str, str, str]:
        return name, format(ours, value), format(floor, value)

    ours, floor = report.orders, report.floor
    kinds = list(ours.actions.by_type)[:_TOP]
    return table(
        "Temporal, per order",
        ("", "orders", "floor"),
        [
            row("history events", ".1f", ours.history.events, floor.history.events),
            row("history bytes", ",.0f", ours.history.size_bytes, floor.history.size_bytes),
            row("workflow tasks", ".1f", _tasks(ours), _tasks(floor)),
            row("billable actions", ".1f", ours.actions.total, floor.actions.total),
            *(
                row(
                    f"  {kind}",
                    ".1f",
                    ours.actions.by_type[kind],
                    floor.actions.by_type.get(kind, 0.0),
                )
                for kind in kinds
            ),
        ],
    )


def _cpu(report: Report) -> Table:
    ours, floor = report.orders.cpu, report.floor.cpu
    return table(
        "CPU seconds per 1,000 orders",
        ("", "orders", "floor"),
        [
            *((name, f"{ours[name]:.0f}", f"{floor[name]:.0f}") for name in ours),
            ("together", f"{report.orders.cpu_together:.0f}", f"{report.floor.cpu_together:.0f}"),
        ],
    )


def _database(report: Report) -> Table:
    cost = report.database
    verbs = ", ".join(f"{count:.0f} {verb}" for verb, count in cost.by_verb.items())
    return table(
        "PostgreSQL, per order",
        ("", "orders"),
        [
            ("statements", f"{cost.statements:.0f}"),
            ("  of them", verbs),
            ("write-ahead log", f"{cost.wal_bytes / 1024:.0f} KiB"),
            ("laws broken", str(len(report.broken_laws))),
        ],
    )


def _caveats(report: Report) -> Text:
    machine = report.machine
    return Text(
        f"{machine.cores} cores, Python {machine.python}; other programs took"
        f" {machine.busy_elsewhere:.0%} of them during the rounds (load before:"
        f" {machine.load_before:.1f}).\n"
        "The floor is Temporal with nothing in it: no HTTP, no database, no mail, no callbacks, no"
        " simulator.\nOrders share the same cores with all of these, and with the driver"
        f" (`{DRIVER}`).",
        style="dim",
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table with its first column to the left and numbers to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None)
    for index, column in enumerate(columns):
        made.add_column(
            column, header_style="dim", justify="right" if index else "left", min_width=8
        )
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def _tasks(side: Side) -> float:
    return side.history.by_type.get("workflow_task_completed", 0.0)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _rate(rate: float) -> str:
    return f"{rate:.1f}/s"


def _rates(rates: Sequence[float]) -> str:
    return "  ".join(_rate(rate) for rate in rates)
