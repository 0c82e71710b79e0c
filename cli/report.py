"""`report`: how the shop is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cli import output
from cli.books import ask_books
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.whereabouts import Whereabouts
from db.report import ENOUGH_FOR_PERCENTILES, Duration, Rate, Report
from db.report import report as read_report
from domain.statuses import OrderStatus


def report(
    *,
    slow_after: Annotated[
        float,
        typer.Option(
            help="Seconds from placing to the payment instruction after which an order is slow."
        ),
    ] = 30.0,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Count orders by status, and measure how long they take and how often things fail."""
    found = ask_books(
        Whereabouts(data_dir, database=database),
        lambda session: read_report(session, timedelta(seconds=slow_after)),
    )
    if as_json:
        output.print_json(found.as_json())
    else:
        _show(found)


def _show(found: Report) -> None:
    counts = [
        (output.status(status), f"{found.by_status[status]:,}")
        for status in OrderStatus
        if status in found.by_status
    ]
    output.console.print(
        output.table(
            "Orders", ("status", "orders"), [*counts, ("all", f"{found.orders:,}")], "orders"
        )
    )
    output.console.print(
        output.table(
            "\nTimes",
            ("from placing to", "n", "average", "p95"),
            [
                ("the payment instruction", *_duration(found.placed_to_payment)),
                ("confirmation", *_duration(found.placed_to_confirmed)),
            ],
            "n average p95",
        )
    )
    output.say(
        f"(without orders that waited for goods; p95 from {ENOUGH_FOR_PERCENTILES} orders on)",
        "dim",
    )
    output.console.print(
        output.table(
            "\nFailures",
            ("", "count", "of", "rate"),
            [(name, *_rate(rate)) for name, rate in found.rates.items()],
            "count of rate",
        )
    )
    output.say("")
    _show_slow(found)


def _show_slow(found: Report) -> None:
    if not found.slow_count:
        output.say(f"No order waited longer than {found.slow_after:g} s for its payment.", "green")
        return
    rows = [
        (
            order.order_number,
            output.seconds(order.seconds),
            "" if order.has_instruction else "waits still",
        )
        for order in found.slowest
    ]
    output.say(
        f"{found.slow_count} orders waited longer than {found.slow_after:g} s for their payment:",
        "bold yellow",
    )
    output.console.print(output.table("", ("order", "waited", ""), rows, "waited"))


def _duration(span: Duration) -> tuple[str, str, str]:
    return f"{span.n:,}", output.seconds(span.average), output.seconds(span.p95)


def _rate(rate: Rate) -> tuple[str, str, str]:
    percent = "—" if rate.percent is None else f"{rate.percent:.1f} %"
    return f"{rate.count:,}", f"{rate.of:,}", percent
