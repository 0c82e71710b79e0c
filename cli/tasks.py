"""`tasks`: what operators have to do, and what they decide."""

from __future__ import annotations

import getpass
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import output
from cli.http import api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, DataDir
from cli.task_view import tasks_table
from cli.whereabouts import Whereabouts

app = typer.Typer(no_args_is_help=True, help="See what people have to do, and say it is done.")


class Decision(StrEnum):
    """What may be decided about a parcel in trouble, or about a payment in review."""

    REFUND = "refund"
    RESHIP = "reship"
    WAIT = "wait"
    ARRIVED = "arrived"
    ACCEPT = "accept"
    WON = "won"
    LOST = "lost"


@app.command("list", epilog="Example: python starter.py tasks list --state done")
def list_tasks(
    *,
    state: Annotated[
        str, typer.Option(metavar="STATE", help="open, done, or obsolete (solved by itself).")
    ] = "open",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show tasks: the urgent ones first, then the oldest."""
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        found: list[dict[str, Any]] = shop.get("/tasks", state=state)["tasks"]
    if as_json:
        output.print_json(found)
    elif found:
        output.console.print(tasks_table(found))
    else:
        output.say(f"There are no {state} tasks.", style="dim")


@app.command("done", epilog="Example: python starter.py tasks done T3ZK7... --decision refund")
def done(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task's id (T...).")],
    *,
    decision: Annotated[
        Decision | None,
        typer.Option(
            help="About a parcel: refund it, send its goods again (reship; refunded if there are"
            " none), wait on (which also stops what would come by itself), or book that what was"
            " sent again has arrived. About a payment that is not what was asked for: accept or"
            " refund it. About a disputed one: won or lost."
        ),
    ] = None,
    note: Annotated[
        str, typer.Option(help="Why, for those who look at it later; needed about payments.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who decides.", show_default="your login")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Close a task; without a decision everything takes its course."""
    body = {"decision": decision or "", "note": note, "by": by or _login()}
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        closed = shop.post(f"/tasks/{task}/done", body)
    if as_json:
        output.print_json(closed)
        return
    decided = f", decision: {closed['decision']}" if closed["decision"] else ""
    output.say(f"Task {task} is {closed['state']}{decided}.")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        return ""
