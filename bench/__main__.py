"""`python -m bench`: measure Orderflow beside the floor, on a stack of the benchmark's own.

`python -m bench chaos` tells stories with misfortunes at all payment providers instead, and then
compares our books with the providers'; see `python -m bench chaos --help`. `python -m bench stock`
measures holds per second when everybody wants the same goods, `python -m bench picking` how much
walking the picking routes save.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.chaos import command as chaos
from bench.measure import measure
from bench.options import positive
from bench.picking import command as picking
from bench.results import Options, Report
from bench.stock import command as stock
from bench.tables import show
from sandbox.errors import SandboxError

# As in worker.py: the Temporal SDK's threads may outlive the interpreter.
atexit.register(time.sleep, 0.1)

_LATEST = Path(__file__).parent / "results" / "latest.json"


def main() -> None:
    """Do what is asked for, and leave with its exit code."""
    console = Console(highlight=False)
    arguments = sys.argv[1:]
    try:
        if arguments[:1] == ["chaos"]:
            code = chaos.run(arguments[1:], console)
        elif arguments[:1] == ["stock"]:
            code = stock.run(arguments[1:], console)
        elif arguments[:1] == ["picking"]:
            code = picking.run(arguments[1:], console)
        else:
            code = _measure(arguments, console)
    except SandboxError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        code = 2
    sys.stdout.flush()
    # Not sys.exit: the SDK's threads may hang the interpreter's shutdown.
    os._exit(code)


def _measure(arguments: Sequence[str], console: Console) -> int:
    """Measure, print and store."""
    options, output = _parse(arguments)
    report = asyncio.run(measure(options, lambda line: console.print(f"  {line}", style="dim")))
    _store(report, output)
    show(report, console)
    console.print(f"\nwritten to {output}", style="dim", soft_wrap=True)
    return 0


def _parse(arguments: Sequence[str]) -> tuple[Options, Path]:
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    for name, default, meaning in (
        ("--orders", usual.orders, "orders per round, and as many lives of the floor"),
        ("--in-flight", usual.in_flight, "how many at the same time"),
        ("--rounds", usual.rounds, "rounds of each; they take turns"),
        ("--sequential", usual.sequential, "orders placed one at a time"),
    ):
        parser.add_argument(name, type=positive, default=default, help=f"{meaning} (%(default)s)")
    parser.add_argument("--output", type=Path, default=_LATEST, help="where the report goes")
    given = parser.parse_args(arguments)
    options = Options(
        orders=given.orders,
        in_flight=given.in_flight,
        rounds=given.rounds,
        sequential=given.sequential,
    )
    return options, given.output


def _store(report: Report, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    content = report.model_dump_json(by_alias=True, indent=2)
    output.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
