"""How the demo looks at a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.rule import Rule
from rich.text import Text

from cli import audit, order_view, output
from db.audit import AuditReport
from sandbox.demo.stories import Story


def story(number: int, told: Story) -> None:
    """What happened, and the order's timeline."""
    output.console.print()
    output.console.print(Rule(Text(f"{number}  {told.title}", style="bold"), align="left"))
    for line in told.lines:
        output.say(f"  {line}", "bold cyan" if line.startswith("⏩") else "")
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


def messages(sent: Mapping[str, int], mails: int, mail_page: str) -> None:
    """What customers were told."""
    output.console.print()
    output.console.print(Rule(Text("What customers were told", style="bold"), align="left"))
    output.say("  " + ", ".join(f"{count} {name}" for name, count in sent.items()))
    output.say(f"  {mails} mails arrived: {mail_page}")


def books(report: AuditReport, ui: str) -> None:
    """The audit, and where to look further."""
    output.console.print()
    output.console.print(Rule(Text("The books", style="bold"), align="left"))
    audit.show(report)
    output.say(f"\nTemporal Web UI: {ui}")


def verdict(checks: Mapping[str, bool]) -> bool:
    """What was checked; whether all of it is fine."""
    output.say("")
    for what, fine in checks.items():
        output.say(f"{'✓' if fine else '✗'} {what}", "green" if fine else "bold red")
    return all(checks.values())
