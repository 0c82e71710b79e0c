"""`cancel` and `refund`: ask the shop to undo an order, or to give money back."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from cli import output
from cli.books import find_order_id
from cli.http import api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, Database, DataDir, OrderRef
from cli.whereabouts import Whereabouts

Reason = Annotated[str, typer.Option(help="Why; the customer reads it.")]


def cancel(
    order: OrderRef,
    *,
    reason: Reason = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Cancel an order that has not left the house; what was paid goes back by itself."""
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, database=database)
    order_id = find_order_id(where, order)
    with api(where) as shop:
        done = shop.post(
            f"/orders/{order_id}/cancel", {"reason": reason, "requestedBy": "operator"}
        )
    if as_json:
        output.print_json(done)
        return
    money = "; the money goes back" if done.get("refund") else ""
    output.say(f"{order} is being cancelled{money}. See: python starter.py status {order}")


def refund(
    order: OrderRef,
    *,
    amount: Annotated[
        str, typer.Option(help="How much, e.g. 12.50; by default, all that is left.")
    ] = "",
    reason: Reason = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Give a customer's money back, all of it or a part."""
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, database=database)
    order_id = find_order_id(where, order)
    wanted = {"reason": reason, **({"amount": amount} if amount else {})}
    with api(where) as shop:
        done = shop.post(f"/orders/{order_id}/refunds", wanted, key=str(uuid4()))
    if as_json:
        output.print_json(done)
    else:
        output.say(
            f"{output.money(done['amount'], done['currency'])} of {order} goes back"
            f" (refund {done['refundId']})"
        )
