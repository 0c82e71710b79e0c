"""`stock`: what is on the shelves, and goods that arrive."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cli import output
from cli.books import ask_books
from cli.failure import REFUSED, CommandFailed
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.temporal_client import connect_temporal
from cli.whereabouts import Whereabouts
from domain.inventory import MOST_RECEIVED

if TYPE_CHECKING:
    from activities.inventory import ReceiveStock
    from workflows.stock_receipt import StockReceiptResult

app = typer.Typer(no_args_is_help=True, help="See and fill the shelves.")

_LEVELS = text(
    """
    SELECT warehouse_id, sku, name_zh, name_en, total, available, reserved, reorder_point, bin,
           (SELECT coalesce(sum(quantity), 0) FROM restock_requests
            WHERE restock_requests.sku = inventory.sku AND state = 'open') AS wanted
    FROM inventory JOIN products USING (sku) ORDER BY sku, warehouse_id
    """
)
_SHELF = text(
    """
    SELECT warehouse_id FROM inventory
    WHERE sku = :sku AND warehouse_id = coalesce(nullif(:warehouse, ''), warehouse_id)
    ORDER BY warehouse_id LIMIT 1
    """
)


@app.command("list", epilog="Example: python starter.py stock list --json")
def list_stock(
    *, database: Database = "", data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False
) -> None:
    """Show what every warehouse has of every SKU."""

    async def read(session: AsyncSession) -> list[dict[str, object]]:
        return [dict(row._mapping) for row in await session.execute(_LEVELS)]  # noqa: SLF001

    levels = ask_books(Whereabouts(data_dir, database=database), read)
    if as_json:
        output.print_json(levels)
        return
    columns = ("sku", "name_en", "warehouse_id", "bin", "available", "reserved", "total", "wanted")
    rows = [[level[column] for column in columns] for level in levels]
    output.console.print(
        output.table("Stock", columns, rows, right="available reserved total wanted")
    )


@app.command(epilog="Example: python starter.py stock receive PEN-FT-F 5 --warehouse WH-HZ")
def receive(
    sku: Annotated[str, typer.Argument(help="What arrived.")],
    quantity: Annotated[int, typer.Argument(min=1, max=MOST_RECEIVED, help="How many.")],
    *,
    warehouse: Annotated[
        str, typer.Option(help="Where; by default, the first warehouse with a place for it.")
    ] = "",
    receipt: Annotated[
        str, typer.Option(help="The delivery note: the same one is booked once.")
    ] = "",
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Book goods in and wake the orders that wait for them, first come first."""
    where = Whereabouts(data_dir, database=database)
    place = _shelf(where, sku, warehouse)
    number = receipt or uuid4().hex
    from activities.inventory import ReceiveStock

    command = ReceiveStock(
        receipt_id=number, warehouse_id=place, sku=sku, quantity=quantity, at=datetime.now(UTC)
    )
    where.environment()
    booked = asyncio.run(_receive(command))
    if as_json:
        output.print_json({"receiptId": number, "warehouseId": place, "woken": booked.woken})
        return
    output.say(f"{quantity} × {sku} booked into {place} (receipt {number})")
    output.say(f"woken: {', '.join(booked.woken)}" if booked.woken else "no order waits for it")


def _shelf(where: Whereabouts, sku: str, warehouse: str) -> str:
    place = {"sku": sku, "warehouse": warehouse}
    shelf = ask_books(where, lambda session: session.scalar(_SHELF, place))
    if shelf is None:
        whose = warehouse or "no warehouse"
        verb = "has no place" if warehouse else "has a place"
        raise CommandFailed(f"{whose} {verb} for {sku!r}: see `stock list`", code=REFUSED)
    return str(shelf)


async def _receive(command: ReceiveStock) -> StockReceiptResult:
    from temporalio.common import WorkflowIDReusePolicy
    from temporalio.exceptions import WorkflowAlreadyStartedError

    from workflows.policies import ORDERS_QUEUE
    from workflows.stock_receipt import StockReceiptWorkflow

    client = await connect_temporal()
    workflow_id = f"receipt-{command.receipt_id}"
    try:
        handle = await client.start_workflow(
            StockReceiptWorkflow.run,
            command,
            id=workflow_id,
            task_queue=ORDERS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"{command.quantity} of {command.sku} for {command.warehouse_id}",
        )
    except WorkflowAlreadyStartedError:
        handle = client.get_workflow_handle_for(StockReceiptWorkflow.run, workflow_id)
    return await handle.result()
