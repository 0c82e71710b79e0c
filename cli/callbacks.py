"""`callbacks`: look into the inbox, and deliver what is in it again."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli import callback_view, output
from cli.books import ask_books, find_order_id, guarded
from cli.failure import REFUSED, CommandFailed
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.whereabouts import Whereabouts
from db.callbacks import Callback, find_callbacks, unapplied_ids

app = typer.Typer(
    no_args_is_help=True, help="See what providers, the warehouse and carriers told us."
)

_LARGEST_ID = 2**63 - 1

Unapplied = Annotated[bool, typer.Option("--unapplied", help="Those that no workflow confirmed.")]
Order = Annotated[
    str,
    typer.Option(metavar="ORDER", help="Those of one order: its id or its number (ORD...)."),
]


@app.command("list", epilog="Example: python starter.py callbacks list --unapplied --source stripe")
def list_callbacks(
    *,
    unapplied: Unapplied = False,
    source: Annotated[
        str, typer.Option(help="Those of one sender, e.g. stripe, warehouse or aftership.")
    ] = "",
    order: Order = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List stored callbacks, the newest first; with --unapplied the oldest first."""
    where = Whereabouts(data_dir, database=database)
    order_id = find_order_id(where, order) if order else ""
    found = ask_books(
        where,
        lambda session: find_callbacks(
            session, unapplied=unapplied, source=source, order_id=order_id, limit=limit
        ),
    )
    if as_json:
        output.print_json([callback_view.as_json(callback) for callback in found])
    elif found:
        output.console.print(callback_view.overview(found))
        if len(found) == limit:
            output.say(f"(the first {limit}; --limit shows more)", "dim")
    else:
        output.say("No callback waits." if unapplied else "There is no such callback.")


@app.command(epilog="Example: python starter.py callbacks show 17")
def show(
    callback_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=_LARGEST_ID, help="As `list` shows it.")
    ],
    *,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Show all of one callback: who sent it, what it says, and what became of it.

    Its body is shown as it came and may hold personal data.
    """
    where = Whereabouts(data_dir, database=database)
    found = ask_books(where, lambda session: session.get(Callback, callback_id))
    if found is None:
        raise CommandFailed(f"there is no callback {callback_id}", code=REFUSED)
    output.console.print(callback_view.whole(found), soft_wrap=True)


@app.command(epilog="Example: python starter.py callbacks replay 17 18")
def replay(
    callback_ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", min=1, max=_LARGEST_ID, help="Which ones."),
    ] = None,
    *,
    unapplied: Unapplied = False,
    order: Order = "",
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Deliver stored callbacks again, also such as were applied already.

    It is always safe: news of a payment makes its order ask the provider what is true, and what the
    warehouse and carriers said counts once. The exit code is 1 if one found nobody to take it.
    """
    if bool(callback_ids) == unapplied or (order and not unapplied):
        raise typer.BadParameter("name callbacks by their ids, or pass --unapplied [--order ORDER]")
    where = Whereabouts(data_dir, database=database)
    chosen = list(dict.fromkeys(callback_ids or ())) or _waiting(where, order)
    if not chosen:
        output.say("No callback waits.")
        return
    from cli.callback_replay import replay as deliver

    where.environment()
    url = where["database"]
    if not asyncio.run(guarded(url, lambda: deliver(url, chosen))):
        raise typer.Exit(REFUSED)


def _waiting(where: Whereabouts, order: str) -> list[int]:
    order_id = find_order_id(where, order) if order else ""
    return ask_books(where, lambda session: unapplied_ids(session, order_id))
