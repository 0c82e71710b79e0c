"""Holds per second: all who ask at once held together, beside one transaction for each order."""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvloop
from rich.console import Console

from activities.holding import MOST_TOGETHER, HoldBatcher
from bench.options import positive
from bench.stock import table
from bench.stock.ground import CONNECTIONS, Server, StockGround, open_ground, open_server
from bench.stock.load import Load, hold_for_all
from bench.stock.table import Cell

Say = Callable[[str], None]

_SKUS = (1, 10, 1_000)
_CALLERS = (64, 256)

# The first rounds pay for connections, prepared statements and caches.
_WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured; `alone` and `together` are orders per round and cell."""

    alone: int = 1_000
    together: int = 4_000
    rounds: int = 3
    most: int = MOST_TOGETHER
    at_once: int = 1


def run(arguments: Sequence[str], console: Console) -> int:
    """Measure and print; the exit code, 1 if a law is broken."""
    options = _parse(arguments)

    def say(line: str) -> None:
        console.print(f"  {line}", style="dim")

    cells, broken = asyncio.run(_serve_and_measure(options, say))
    table.show(cells, broken, console)
    return 1 if broken else 0


async def _serve_and_measure(options: Options, say: Say) -> tuple[list[Cell], list[str]]:
    async with open_server() as server:
        return await asyncio.to_thread(_measure_as_a_worker, server, options, say)


def _measure_as_a_worker(
    server: Server, options: Options, say: Say
) -> tuple[list[Cell], list[str]]:
    """Measure on the event loop that workers have, which cannot start a server."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(server, options, say))


async def _measure(server: Server, options: Options, say: Say) -> tuple[list[Cell], list[str]]:
    cells = [
        Cell(skus=skus, callers=callers, alone=Load(), together=Load())
        for skus, callers in itertools.product(_SKUS, _CALLERS)
    ]
    async with open_ground(server) as ground:
        # Each order has a transaction of its own, as many at a time as there are connections.
        alone = HoldBatcher(ground.sessions, most=1, at_once=CONNECTIONS)
        together = HoldBatcher(ground.sessions, most=options.most, at_once=options.at_once)
        await _warm_up(ground, alone, together)
        for number in range(1, options.rounds + 1):
            for cell in cells:
                for holds, orders, into in (
                    (alone, options.alone, cell.alone),
                    (together, options.together, cell.together),
                ):
                    order_ids = await ground.lay_out(cell.skus, orders)
                    await hold_for_all(ground, holds, order_ids, cell.callers, into)
                say(
                    f"round {number}, {cell.skus:,} SKUs, {cell.callers} callers: alone"
                    f" {cell.alone.rates[-1]:,.0f}/s, together {cell.together.rates[-1]:,.0f}/s"
                )
        return cells, await ground.broken_laws()


async def _warm_up(ground: StockGround, *ways: HoldBatcher) -> None:
    for holds in ways:
        order_ids = await ground.lay_out(10, _WARM_UP)
        await hold_for_all(ground, holds, order_ids, 64, Load())


def _parse(arguments: Sequence[str]) -> Options:
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m bench stock", description=__doc__)
    for name, default, meaning in (
        ("--alone", usual.alone, "orders per round with a transaction each"),
        ("--together", usual.together, "orders per round that are held together"),
        ("--rounds", usual.rounds, "rounds of each; they take turns"),
        ("--most", usual.most, "at most so many orders go together"),
        ("--at-once", usual.at_once, "in so many transactions at the same time"),
    ):
        parser.add_argument(name, type=positive, default=default, help=f"{meaning} (%(default)s)")
    return Options(**vars(parser.parse_args(arguments)))
