"""`python -m bench chaos`: its options, one run, and what it prints."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

from rich.console import Console

from bench.chaos import report
from bench.chaos.run import ChaosOptions, chaos
from bench.chaos.stories import GATEWAYS
from bench.options import positive

_DESCRIPTION = """Tell orders' stories at all payment providers while requests are lost, refused and
answered falsely, and callbacks doubled, shuffled, delayed and dropped. When all is at rest, every
law must hold, and our books agree with the providers' to the unit: the exit code is 1 if not."""


def run(arguments: Sequence[str], console: Console) -> int:
    """Have a chaos run and print what it has shown; the exit code."""
    options = _parse(arguments)
    shown = asyncio.run(chaos(options, lambda line: console.print(f"  {line}", style="dim")))
    report.show(shown, console)
    return 0 if shown.ok else 1


def _parse(arguments: Sequence[str]) -> ChaosOptions:
    usual = ChaosOptions(seed=int(time.time()) % 1_000_000)
    parser = argparse.ArgumentParser(prog="python -m bench chaos", description=_DESCRIPTION)
    for name, default, meaning in (
        ("--orders", usual.orders, "how many orders in all (%(default)s)"),
        ("--in-flight", usual.in_flight, "how many at the same time (%(default)s)"),
        ("--seed", usual.seed, "the same one makes the same plans (any)"),
    ):
        parser.add_argument(name, type=positive, default=default, help=meaning)
    parser.add_argument(
        "--provider",
        action="append",
        choices=sorted(GATEWAYS),
        help="only this one; may be repeated (all)",
    )
    parser.add_argument(
        "--kill",
        action="store_true",
        help="kill the worker, the API, PostgreSQL and Temporal by turns meanwhile",
    )
    given = parser.parse_args(arguments)
    return ChaosOptions(
        orders=given.orders,
        seed=given.seed,
        in_flight=given.in_flight,
        gateways=frozenset(given.provider or GATEWAYS),
        kill=given.kill,
    )
