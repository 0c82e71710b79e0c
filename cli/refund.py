"""`refund`: give a customer's money back, or try again to."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

import typer

from cli import output
from cli.books import find_order_id
from cli.failure import CommandFailed
from cli.http import api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, Database, DataDir, OrderRef
from cli.whereabouts import Whereabouts


def refund(
    order: OrderRef,
    *,
    amount: Annotated[
        str, typer.Option(help="How much, e.g. 12.50; by default, all that is left.")
    ] = "",
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SKU=QTY",
            help="What these units cost with shipping, tax and discount; repeatable.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; the customer reads it.")] = "",
    retry: Annotated[
        str, typer.Option(metavar="REFUND_ID", help="Make this failed refund anew.")
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Give a customer's money back: all of it, an amount, or what some of the goods cost."""
    if retry and (amount or item or reason):
        raise CommandFailed("--retry repeats a refund as it was: leave the other options out")
    wanted: dict[str, Any] = {"reason": reason}
    if amount:
        wanted["amount"] = amount
    if item:
        wanted["items"] = [_item(text) for text in item]
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, database=database)
    path = f"/orders/{find_order_id(where, order)}/refunds"
    with api(where) as shop:
        if retry:
            done = shop.post(f"{path}/{quote(retry, safe='')}/retry")
        else:
            done = shop.post(path, wanted, key=str(uuid4()))
    if as_json:
        output.print_json(done)
    else:
        output.say(
            f"{output.money(done['amount'], done['currency'])} of {order} goes back"
            f" (refund {done['refundId']}). See: python starter.py status {order}"
        )


def _item(text: str) -> dict[str, str]:
    """`SKU=QTY` as the API takes it; whether they are right is for the API to say."""
    sku, equals, quantity = text.rpartition("=")
    if not (sku and equals and quantity):
        raise CommandFailed(f"--item takes SKU=QTY, e.g. TEA-100=2, not {text!r}")
    return {"sku": sku, "quantity": quantity}
