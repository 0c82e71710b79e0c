"""Orderflow's command line: run the stack, place orders, look after them, check the books."""

from __future__ import annotations

import sys

import typer

from cli import (
    addresses,
    audit,
    bounce,
    callbacks,
    cancel,
    load,
    order,
    output,
    outside,
    picking,
    reconcile,
    refund,
    report,
    returns,
    setup,
    status,
    stock,
    tasks,
)
from cli.failure import CommandFailed

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Orders from checkout to the door, on Temporal.",
    epilog="Start with: python starter.py up, and in another terminal: python starter.py order",
)

_STACK, _ORDERS, _OUTSIDE, _BOOKS = (
    "Run it",
    "Orders",
    "Play the outside parties (on the embedded stack)",
    "The books",
)

app.command(rich_help_panel=_STACK, epilog="Example: python starter.py up --port-base 9000")(
    setup.up
)
app.command(
    rich_help_panel=_STACK,
    epilog="Example: python starter.py migrate --database postgresql+asyncpg://me@db/orderflow",
)(setup.migrate)
app.command(rich_help_panel=_STACK, epilog="Example: python starter.py seed")(setup.seed)
app.command(
    rich_help_panel=_STACK, epilog="Example: python starter.py load --orders 200 --concurrency 16"
)(load.load)

app.command(
    rich_help_panel=_ORDERS,
    epilog="Example: python starter.py order examples/order-en.json --gateway alipay",
)(order.order)
app.command(
    rich_help_panel=_ORDERS, epilog="Example: python starter.py status ORD2611210000001 --watch"
)(status.status)
app.command(
    rich_help_panel=_ORDERS,
    epilog='Example: python starter.py cancel ORD2611210000001 --reason "ordered twice"',
)(cancel.cancel)
app.command(
    rich_help_panel=_ORDERS,
    epilog="Example: python starter.py refund ORD2611210000001 --item TEA-LJ-100=1",
)(refund.refund)

app.command(
    rich_help_panel=_ORDERS,
    epilog="Example: python starter.py picking ORD2611210000001 --pdf list.pdf",
)(picking.picking)

app.command(
    rich_help_panel=_OUTSIDE, epilog="Example: python starter.py pay ORD2611210000001 --decline"
)(outside.pay)
app.command(rich_help_panel=_OUTSIDE, epilog="Example: python starter.py ship ORD2611210000001")(
    outside.ship
)
app.command(
    rich_help_panel=_OUTSIDE,
    epilog="Example: python starter.py deliver ORD2611210000001 --status out_for_delivery",
)(outside.deliver)

app.command(rich_help_panel=_BOOKS, epilog="Example: python starter.py report --json")(
    report.report
)
app.command(rich_help_panel=_BOOKS, epilog="Example: python starter.py audit --json")(audit.audit)
app.command(rich_help_panel=_BOOKS, epilog="Example: python starter.py reconcile --days 30")(
    reconcile.reconcile
)
app.command(rich_help_panel=_BOOKS, epilog="Example: python starter.py bounce < report.eml")(
    bounce.bounce
)
app.add_typer(tasks.app, name="tasks", rich_help_panel=_ORDERS)
app.add_typer(returns.app, name="returns", rich_help_panel=_ORDERS)
app.add_typer(addresses.app, name="addresses", rich_help_panel=_ORDERS)
app.add_typer(stock.app, name="stock", rich_help_panel=_BOOKS)
app.add_typer(callbacks.app, name="callbacks", rich_help_panel=_BOOKS)


def main() -> None:
    """Run one command; what can be expected to go wrong is said in a sentence."""
    try:
        app()
    except CommandFailed as failed:
        output.fail(str(failed))
        sys.exit(failed.code)


if __name__ == "__main__":
    main()
