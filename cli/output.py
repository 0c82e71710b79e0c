"""What commands print: JSON for programs, tables for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

_COLORS = {
    "cancelled": "red",
    "refused": "bold red",
    "unsubscribed": "bold yellow",
    "good": "bold green",
    "failed": "red",
    "manual": "bold red",
    "review": "bold red",
    "exception": "red",
    "pending": "yellow",
    "pending_restock": "yellow",
    "requested": "yellow",
    "rejected": "red",
    "expired": "red",
    "exchanged": "magenta",
    "refunded": "magenta",
    "partially_refunded": "magenta",
    "completed": "bold green",
    "delivered": "green",
    "paid": "green",
    "succeeded": "green",
}


def print_json(content: object) -> None:
    """One JSON document on stdout, as it is, with Chinese text as text."""
    print(json.dumps(content, ensure_ascii=False, indent=2, default=str))  # noqa: T201


def fail(message: str) -> None:
    """Say on stderr why the command stopped."""
    errors.print(Text.assemble(("orderflow: ", "bold red"), message), soft_wrap=True)


def say(message: str, style: str = "") -> None:
    """One line; brackets in it are not markup."""
    console.print(Text(message, style=style), soft_wrap=True)


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str], None]]:
    """A line on a terminal's stderr while something takes its time; what it says can change."""
    with errors.status(doing) as line:

        def show(text: str) -> None:
            line.update(f"{doing}: {text}")

        yield show


def status(value: str) -> Text:
    """A status in its color."""
    return Text(value, style=_COLORS.get(value, "cyan"))


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    right: str = "",
    *,
    whole: str = "",
) -> Table:
    """A plain table; columns named in `right` hold numbers, those in `whole` are never broken."""
    made = Table(title=title or None, title_justify="left", title_style="bold", box=None)
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right.split() else "left",
            header_style="dim",
            overflow="fold",
            no_wrap=column in whole.split(),
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made


def panel(title: str, *parts: RenderableType) -> Panel:
    """A frame with a title."""
    grid = Table.grid()
    for part in parts:
        grid.add_row(part)
    return Panel(grid, title=Text(title, style="bold"), title_align="left", expand=False)


def money(value: object, currency: str = "") -> str:
    """An amount as the API writes it: a decimal string beside or with its currency."""
    if isinstance(value, Mapping):
        return f"{value.get('amount', '')} {value.get('currency', currency)}".strip()
    return f"{value} {currency}".strip()


def moment(value: object) -> str:
    """A time as the API writes it, to the second, in UTC."""
    try:
        return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return str(value or "")


def seconds(value: float | None) -> str:
    """A duration; a dash for what is not known."""
    return "—" if value is None else f"{value:.3f} s"


def problems(found: Iterable[Mapping[str, Any]]) -> Table:
    """Everything that is wrong with a request."""
    rows = [
        (entry.get("field", ""), entry.get("message", ""), entry.get("code", "")) for entry in found
    ]
    # A name that is broken in two is not found in the request.
    return table("", ("field", "what is wrong", "code"), rows, whole="field")
