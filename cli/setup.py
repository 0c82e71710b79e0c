"""`up`, `migrate` and `seed`: bring the stack, the schema and the catalog up."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli import output
from cli.failure import CommandFailed
from cli.options import DEFAULT_DATA_DIR, Database, DataDir
from cli.whereabouts import Whereabouts


def up(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    port_base: Annotated[
        int, typer.Option(help="The API's port; the other parts take the next ones. 0: any free.")
    ] = 8000,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON when everything answers.")
    ] = False,
) -> None:
    """Run the whole stack on this machine until Ctrl-C; its data stays in the data directory.

    PostgreSQL, Temporal with its Web UI, the simulated outside parties, a mail page, the worker
    and the API: real servers, all on 127.0.0.1.
    """
    try:
        from sandbox.up import run_up
    except ImportError as error:
        raise CommandFailed(
            f"the embedded stack is not installed ({error.name} is missing):"
            " pip install --require-hashes -r requirements.lock"
        ) from error
    raise typer.Exit(asyncio.run(run_up(data_dir, port_base, json_line=as_json)))


def migrate(database: Database = "", data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Bring the database to the newest schema."""
    from cli.books import guarded, shown_url
    from db.migrate import upgrade

    url = Whereabouts(data_dir, database=database)["database"]
    asyncio.run(guarded(url, lambda: asyncio.to_thread(upgrade, url)))
    output.say(f"{shown_url(url)} has the newest schema")


def seed(database: Database = "", data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Load the sample catalog: products, warehouses, stock, coupons. Safe to repeat."""
    from cli.books import guarded
    from db.seed import seed as load

    url = Whereabouts(data_dir, database=database)["database"]
    output.say(str(asyncio.run(guarded(url, lambda: load(url)))))
