"""`load`: many orders at once against a stack on this machine, and how fast they went."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, get_args

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli import output
from cli.failure import REFUSED, CommandFailed
from cli.http import is_loopback
from cli.load_plan import LoadPlan
from cli.load_run import LoadResult, Target, run_load
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, DataDir, Simulator
from cli.whereabouts import Whereabouts
from domain.order import GatewayName


def load(
    *,
    orders: Annotated[int, typer.Option(min=1, help="How many orders to place.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, help="How many at the same time.")] = 8,
    to: Annotated[
        str,
        typer.Option(help="How far each order goes: placed, paid or delivered."),
    ] = "delivered",
    gateway: Annotated[
        Literal["stripe", "paypal", "alipay", "wechatpay", "all"],
        typer.Option(help="Who the orders are paid through; all takes them in turn."),
    ] = "stripe",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    simulator_url: Simulator = "",
    as_json: AsJson = False,
) -> None:
    """Place orders from the sample catalog, pay, ship and deliver them, and measure the times.

    It plays customers, warehouse and carrier through the simulator, and only on this machine.
    """
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, simulator=simulator_url)
    if to not in {"placed", "paid", "delivered"}:
        raise CommandFailed(f"--to is placed, paid or delivered, not {to!r}")
    gateways: tuple[GatewayName, ...] = get_args(GatewayName) if gateway == "all" else (gateway,)
    plan = LoadPlan(orders, to, gateways)
    target = Target(where["api"], where["apiKey"], where["simulator"])
    for url in (target.api, target.simulator):
        if not is_loopback(url):
            raise CommandFailed(f"load runs against this machine only, and {url} is not on it")
    bar = Progress(
        TextColumn("orders"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output.errors,
        transient=True,
    )
    with bar:
        task = bar.add_task("orders", total=orders)
        result = asyncio.run(run_load(target, plan, concurrency, lambda: bar.advance(task)))
    if as_json:
        output.print_json(result.as_json())
    else:
        _show(result)
    if result.failures:
        raise typer.Exit(REFUSED)


def _show(result: LoadResult) -> None:
    output.say(
        f"{result.finished} of {result.orders} orders in {result.elapsed:.1f} s:"
        f" {result.rate:.1f} orders/s",
        "bold",
    )
    rows = [
        (
            name,
            len(times),
            output.seconds(result.percentile(name, 50)),
            output.seconds(result.percentile(name, 95)),
        )
        for name, times in result.times.items()
    ]
    output.console.print(output.table("", ("step", "n", "p50", "p95"), rows, right="n p50 p95"))
    for reason, count in result.failures.most_common():
        output.say(f"{count} × {reason}", "red")
