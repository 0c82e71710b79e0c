"""Tables of stock: colors say what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from cli import output

Row = dict[str, Any]

_REASONS = {
    "received": "green",
    "restocked": "green",
    "released": "cyan",
    "expired": "yellow",
    "reserved": "dim",
    "committed": "",
    "adjusted": "magenta",
}

_STATES = {
    "intended": "yellow",
    "accepted": "cyan",
    "received": "green",
    "refused": "red",
}


def needs_goods(level: Row) -> bool:
    """Whether orders wait for it, or it is at its reorder point."""
    at_point = level["reorder_point"] > 0 and level["available"] <= level["reorder_point"]
    return bool(level["wanted"]) or at_point


def levels(found: Sequence[Row]) -> Table:
    """A line for each SKU in each warehouse."""
    columns = (
        "sku",
        "product",
        "warehouse",
        "bin",
        "available",
        "reserved",
        "total",
        "reorder at",
        "coming",
        "wanted",
    )
    rows = [
        (
            level["sku"],
            level["name_en"],
            level["warehouse_id"],
            level["bin"],
            _available(level),
            _quiet(level["reserved"]),
            level["total"],
            _quiet(level["reorder_point"]),
            Text(str(level["on_order"]), style="cyan") if level["on_order"] else _quiet(0),
            Text(str(level["wanted"]), style="bold red") if level["wanted"] else _quiet(0),
        )
        for level in found
    ]
    numbers = ("available", "reserved", "total", "reorder at", "coming", "wanted")
    return _table("Stock", columns, rows, numbers)


def waiting(found: Sequence[Row]) -> Table:
    """Who waits, in the order in which they are served."""
    rows = [
        (place, row["order_number"], row["needs"], row["missing"], output.moment(row["since"]))
        for place, row in enumerate(found, start=1)
    ]
    columns = ("", "order", "needs", "missing at first", "waits since (UTC)")
    return _table("Waiting, first come first served", columns, rows, ("needs", "missing at first"))


def supplies(found: Sequence[Row]) -> Table:
    """What the supplier was asked for."""
    rows = [
        (
            row["supply_id"],
            row["warehouse_id"],
            Text(row["state"], style=_STATES.get(row["state"], "")),
            f"{row['received']} of {row['quantity']}",
            output.moment(row["asked_at"]),
            output.moment(row["expected_at"]),
            row["reason"] or row["supplier_ref"],
        )
        for row in found
    ]
    columns = ("supply order", "warehouse", "state", "came", "asked (UTC)", "expected (UTC)", "")
    return _table("Supplier", columns, rows, ("came",))


def movements(found: Sequence[Row]) -> Table:
    """Lines of the ledger, the newest first."""
    rows = [
        (
            output.moment(row["at"]),
            row["sku"],
            row["warehouse_id"],
            Text(row["reason"], style=_REASONS.get(row["reason"], "")),
            _delta(row["delta_available"]),
            _delta(row["delta_reserved"]),
            row["order_number"] or row["reference"],
        )
        for row in found
    ]
    columns = ("at (UTC)", "sku", "warehouse", "reason", "available", "reserved", "order or note")
    return _table("Movements", columns, rows, ("available", "reserved"))


def _available(level: Row) -> Text:
    count = level["available"]
    if count == 0:
        return Text("0", style="bold red")
    return Text(str(count), style="yellow" if needs_goods(level) else "green")


def _quiet(count: int) -> Text:
    return Text(str(count)) if count else Text("·", style="dim")


def _delta(change: int) -> Text:
    if not change:
        return Text("·", style="dim")
    return Text(f"{change:+}", style="green" if change > 0 else "red")


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[str]
) -> Table:
    made = output.table(title, columns, rows)
    for column in made.columns:
        if column.header in numbers:
            column.justify = "right"
            column.no_wrap = True
    return made
