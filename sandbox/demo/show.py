"""How the demo looks at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cli import audit, order_view, output
from db.audit import AuditReport
from sandbox.demo.links import Links
from sandbox.demo.shop import Body
from sandbox.demo.story import Story

_CHANNELS = {"email": "e-mails", "sms": "text messages", "push": "push messages"}

# What a terminal of 80 columns leaves for it.
_WAY_LENGTH = 27


def story(number: int, told: Story) -> None:
    """What happened, and the order's timeline."""
    output.console.print()
    output.console.print(Rule(Text(f"{number}  {told.title}", style="bold"), align="left"))
    for line in told.lines:
        text = Text(line, style="bold cyan" if line.startswith("⏩") else "")
        output.console.print(Padding(text, (0, 0, 0, 2)))
    if told.paid_orders:
        output.say("")
        output.console.print(_ways_to_pay(told.paid_orders))
    if told.order is not None:
        output.say("")
        output.console.print(
            Text.assemble((told.order["orderNumber"], "bold"), "  "),
            order_view.statuses(told.order),
            sep="",
        )
        output.console.print(order_view.timeline(told.order))
    if told.problems:
        output.say("")
        output.console.print(output.problems(told.problems))
    if told.wrong:
        output.say(f"✗ {told.wrong}", "bold red")


def messages(sent: Mapping[str, int], mails: int) -> None:
    """What customers were told: by channel and state, as in "email sent"."""
    output.console.print()
    output.console.print(Rule(Text("What customers were told", style="bold"), align="left"))
    for name, count in sent.items():
        channel, state = name.split()
        why = ": none of these customers has our app" if name == "push suppressed" else ""
        output.say(f"  {count} {_CHANNELS.get(channel, channel)} {state}{why}")
    output.say(f"  {mails} mails have arrived.")


def books(report: AuditReport) -> None:
    """The audit."""
    output.console.print()
    output.console.print(Rule(Text("The books", style="bold"), align="left"))
    audit.show(report)


def links(found: Links, *, staying: bool) -> None:
    """Where to look further, each on a line of its own, unwrapped, to be clicked or copied."""
    output.console.print()
    title = f"See for yourself: order {found.order_number}"
    output.console.print(Rule(Text(title, style="bold"), align="left"))
    if not staying:
        output.say(
            "  All of this was there until now. The stack stops with the demo; to click here, run\n"
            "  make demo ARGS=--stay",
            "yellow",
        )
    for name, url in found.pages.items():
        output.console.print(
            Text.assemble("  ", (f"{name:<21}", "dim"), (url, f"link {url}")), soft_wrap=True
        )
    if staying:
        output.say(f"  Its picking list, as PDF:\n    {found.picking}")


def verdict(checks: Mapping[str, bool]) -> bool:
    """What was checked; whether all of it is fine."""
    output.say("")
    for what, fine in checks.items():
        output.say(f"{'✓' if fine else '✗'} {what}", "green" if fine else "bold red")
    return all(checks.values())


def _ways_to_pay(orders: Sequence[Body]) -> Table:
    """One line an order: what its customer was given to pay with, and where it got to."""
    return output.table(
        "",
        ("provider", "order", "how to pay", "goods", "payment"),
        [
            (
                Text(order["gateway"], style="bold"),
                order["orderNumber"],
                _shortened(order["payment"]["action"]),
                output.status(order["shippingStatus"]),
                output.status(order["paymentStatus"]),
            )
            for order in orders
        ],
    )


def _shortened(action: Body) -> str:
    """What the customer's browser gets: a client secret, a link, a QR code's text."""
    shown = f"{action['type'].replace('_', ' ')} {action['value']}"
    return shown if len(shown) <= _WAY_LENGTH else f"{shown[: _WAY_LENGTH - 1]}…"
