"""`stock`: what is on the shelves and what is coming; goods that arrive, and corrections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from cli import output, stock_change, stock_view
from cli.books import ask_books, find_order_id
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.stock_change import Sku
from cli.stock_lookup import find_article
from cli.whereabouts import Whereabouts
from db import shelves
from db.shelves import Row
from domain.inventory import MovementReason

app = typer.Typer(no_args_is_help=True, help="See, fill and correct the shelves.")

WarehouseFilter = Annotated[str, typer.Option("--warehouse", help="Of one warehouse, e.g. WH-HZ.")]
app.command(epilog="Example: python starter.py stock receive PEN-FT-F 5 --receipt GR-2611-17")(
    stock_change.receive
)
app.command(
    # A negative number must not be taken for an option.
    context_settings={"ignore_unknown_options": True},
    epilog="Example: python starter.py stock adjust PEN-FT-F -2 --reference COUNT-17",
)(stock_change.adjust)


@app.command("list", epilog="Example: python starter.py stock list --low")
def list_stock(
    *,
    warehouse: WarehouseFilter = "",
    low: Annotated[
        bool, typer.Option("--low", help="Only what is at its reorder point, or waited for.")
    ] = False,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show what every warehouse has of every SKU.

    available: free to sell · reserved: held for orders that are not paid yet · total: both ·
    reorder at: the supplier is asked at this level · coming: asked of the supplier · wanted: what
    waiting orders missed, in all warehouses together.
    """
    where = Whereabouts(data_dir, database=database)
    found = ask_books(where, lambda session: shelves.levels(session, warehouse=warehouse))
    found = [level for level in found if not low or stock_view.needs_goods(level)]
    if as_json:
        output.print_json(found)
    elif found:
        output.console.print(stock_view.levels(found))
    else:
        output.say("Nothing is low." if low else "There is no such shelf.")


@app.command(epilog="Example: python starter.py stock show PEN-FT-F")
def show(
    sku: Sku,
    *,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show all about one SKU: its levels, who waits for it, the supplier, the last movements."""
    where = Whereabouts(data_dir, database=database)
    article = find_article(where, sku)

    async def read(session: AsyncSession) -> dict[str, list[Row]]:
        return {
            "levels": await shelves.levels(session, sku=article.sku),
            "waiting": await shelves.waiting(session, article.sku),
            "supplies": await shelves.supplies(session, article.sku),
            "movements": await shelves.movements(session, sku=article.sku, limit=10),
        }

    found = ask_books(where, read)
    if as_json:
        output.print_json({"sku": article.sku, "productId": article.product_id, **found})
        return
    output.say(f"{article.sku} · {article.name_en} · product {article.product_id}", "bold")
    output.console.print(stock_view.levels(found["levels"]))
    parts = (
        (found["waiting"], stock_view.waiting, "No order waits for it."),
        (found["supplies"], stock_view.supplies, "The supplier was never asked for it."),
        (found["movements"], stock_view.movements, "It has never moved."),
    )
    for rows, table, nothing in parts:
        output.console.print()
        output.console.print(table(rows) if rows else Text(nothing, style="dim"))


@app.command(epilog="Example: python starter.py stock movements --sku PEN-FT-F --days 7")
def movements(
    *,
    sku: Annotated[str, typer.Option(help="Of one SKU (or product id).")] = "",
    warehouse: WarehouseFilter = "",
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="Of one order: its id or its number (ORD...).")
    ] = "",
    reason: Annotated[
        MovementReason | None, typer.Option(help="For one reason.", show_default=False)
    ] = None,
    days: Annotated[float, typer.Option(min=0, help="Of the last so many days; 0: all.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show the ledger, the newest movement first: every change, its reason and its order."""
    where = Whereabouts(data_dir, database=database)
    article_sku = find_article(where, sku).sku if sku else ""
    order_id = find_order_id(where, order) if order else ""
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    found = ask_books(
        where,
        lambda session: shelves.movements(
            session,
            sku=article_sku,
            warehouse=warehouse,
            order_id=order_id,
            reason=reason or "",
            since=since,
            limit=limit,
        ),
    )
    if as_json:
        output.print_json(found)
    elif found:
        output.console.print(stock_view.movements(found))
        if len(found) == limit:
            output.say(f"(the newest {limit}; --limit shows more)", "dim")
    else:
        output.say("There is no such movement.")
