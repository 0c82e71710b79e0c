"""`cancel`: ask the shop to undo an order."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import output
from cli.books import find_order_id
from cli.http import api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, Database, DataDir, OrderRef
from cli.whereabouts import Whereabouts


def cancel(
    order: OrderRef,
    *,
    reason: Annotated[str, typer.Option(help="Why; the customer reads it.")] = "",
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
