"""Tasks of operators at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli import output


def tasks_table(tasks: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each task; urgent ones stand out."""
    return output.table(
        "",
        ("task", "what to do"),
        [
            (
                _about(
                    task["taskId"],
                    task["orderNumber"] or task["orderId"],
                    task["trackingNumber"],
                    f"since {output.moment(task['openedAt'])} UTC",
                ),
                Text(f"{task['task']}\n", style="bold red" if task["urgent"] else ""),
            )
            for task in tasks
        ],
        whole="task",
    )


def open_tasks(order: Mapping[str, Any]) -> RenderableType | None:
    """What people still have to do for an order; nothing if there is nothing."""
    found = [task for task in order.get("tasks") or [] if task["state"] == "open"]
    if not found:
        return None
    return output.table(
        "For an operator",
        ("task", "what to do"),
        [(_about(task["taskId"], task["trackingNumber"]), task["task"]) for task in found],
        whole="task",
    )


def _about(task_id: str, *facts: str) -> Text:
    """A task's id, and below it what it is about: words need the width of a terminal."""
    return Text("\n").join([Text(task_id), *(Text(fact, style="dim") for fact in facts if fact)])
