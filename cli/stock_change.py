"""`stock receive` and `stock adjust`: goods that arrive, and corrections after a count."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from cli import output, stock_booking
from cli.failure import REFUSED, CommandFailed
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.stock_lookup import difference, find_article, find_shelf
from cli.whereabouts import Whereabouts
from domain.inventory import MOST_RECEIVED

Sku = Annotated[str, typer.Argument(metavar="SKU", help="An SKU, or the id of its product.")]
Shelf = Annotated[
    str,
    typer.Option(
        "--warehouse",
        help="Where; needed only if several warehouses keep the SKU and the first is not meant.",
        show_default=False,
    ),
]
_BY = typer.Argument(metavar="BY", help="How many more than the books say; or fewer: -3.")


def receive(
    sku: Sku,
    quantity: Annotated[int, typer.Argument(min=1, max=MOST_RECEIVED, help="How many.")],
    *,
    warehouse: Shelf = "",
    receipt: Annotated[
        str,
        typer.Option(
            help="The delivery note's number: the same note is booked once, so repeat it safely.",
            show_default=False,
        ),
    ] = "",
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Book goods in and wake the orders that wait for them, first come first served.

    What the supplier announces by itself is booked in without this command.
    """
    where = Whereabouts(data_dir, database=database)
    article = find_article(where, sku)
    place = find_shelf(where, article, warehouse)
    number = receipt or uuid4().hex
    from activities.inventory import ReceiveStock

    command = ReceiveStock(
        receipt_id=number,
        warehouse_id=place["warehouse_id"],
        sku=article.sku,
        quantity=quantity,
        at=datetime.now(UTC),
    )
    where.environment()
    booked = asyncio.run(stock_booking.receive(command))
    if as_json:
        output.print_json(
            {"receiptId": number, "warehouseId": command.warehouse_id, "woken": booked.woken}
        )
        return
    output.say(f"{quantity} × {article.sku} booked into {command.warehouse_id} (receipt {number})")
    _say_woken(booked.woken)
    if not receipt:
        output.say("To be able to repeat it safely, name the delivery note: --receipt", "dim")


def adjust(
    sku: Sku,
    by: Annotated[int | None, _BY] = None,
    *,
    counted: Annotated[
        int | None,
        typer.Option(
            "--counted",
            min=0,
            max=MOST_RECEIVED,
            help="Instead of BY: so many are there, those held for orders included.",
            show_default=False,
        ),
    ] = None,
    warehouse: Shelf = "",
    reference: Annotated[
        str,
        typer.Option(
            help="The number of the count or note: it is booked once, so repeat it safely.",
            show_default=False,
        ),
    ] = "",
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Correct a level after a count: what was found, broken or lost.

    What is reserved for orders cannot be taken away. More units wake the orders that wait.
    """
    if (by is None) == (counted is None):
        raise typer.BadParameter("give either BY, e.g. 3 or -2, or --counted N")
    where = Whereabouts(data_dir, database=database)
    article = find_article(where, sku)
    place = find_shelf(where, article, warehouse)
    number = reference or uuid4().hex
    from activities.inventory import AdjustStock, StockPromised

    change = by if by is not None else difference(where, place, counted or 0, number)
    command = AdjustStock(
        adjustment_id=number,
        warehouse_id=place["warehouse_id"],
        sku=article.sku,
        change=change,
        at=datetime.now(UTC),
    )
    where.environment()
    result = asyncio.run(stock_booking.adjust(command)).result
    if isinstance(result, StockPromised):
        raise CommandFailed(
            f"{command.warehouse_id} has {result.available + result.reserved} × {article.sku}, of"
            f" which {result.reserved} are reserved for orders: at most {result.available} can go,"
            f" not {-change}. Nothing was changed.",
            code=REFUSED,
        )
    if as_json:
        output.print_json(
            {
                "reference": number,
                "warehouseId": command.warehouse_id,
                "change": change,
                "woken": result.waiting_orders,
            }
        )
        return
    output.say(f"{article.sku} in {command.warehouse_id}: {change:+} (reference {number})")
    _say_woken(result.waiting_orders)


def _say_woken(woken: tuple[str, ...]) -> None:
    output.say(f"woken: {', '.join(woken)}" if woken else "no order waits for it")
