"""`returns`: what customers send back, and what operators and the warehouse say to it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

import typer
from rich.console import Group
from rich.text import Text

from cli import output
from cli.books import find_order_id
from cli.failure import CommandFailed
from cli.http import Body, api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, Database, DataDir, OrderRef
from cli.whereabouts import Whereabouts

app = typer.Typer(
    no_args_is_help=True,
    help="What comes back: ask for it, decide on it, receive it.",
    epilog="Example: python starter.py returns received B... --resellable TEA-LJ-100=1",
)

ReturnRef = Annotated[str, typer.Argument(metavar="RETURN", help="A return's id (B...).")]
Why = Annotated[str, typer.Option(help="Why; the customer reads it.")]
Units = Annotated[
    list[str] | None, typer.Option(metavar="SKU=QTY", help="Units of one SKU; repeatable.")
]


@app.command("list", epilog="Example: python starter.py returns list --state requested")
def list_returns(
    *,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only these; by default, those that have not ended. Repeatable."),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show returns, newest first."""
    query = "&".join(f"state={quote(one, safe='')}" for one in state or ())
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        found: list[Body] = shop.get(f"/returns?{query}" if query else "/returns")["returns"]
    if as_json:
        output.print_json(found)
    elif not found:
        output.say("no returns")
    else:
        output.console.print(_table(found))


@app.command(epilog="Example: python starter.py returns show B...")
def show(
    return_id: ReturnRef,
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show one return: what comes back, why, and how far it is."""
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        _print(shop.get(_path(return_id)), as_json=as_json)


@app.command(epilog="Example: python starter.py returns request ORD2611210000001 --item TEA=1")
def request(
    order: OrderRef,
    *,
    item: Units = None,
    exchange: Annotated[
        bool, typer.Option("--exchange", help="The same goods again, instead of the money.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why the customer sends it back.")] = "",
    for_customer: Annotated[
        bool, typer.Option("--as-customer", help="By the customer's rules, not an operator's.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Ask for a return; an operator's is approved at once, and may be late."""
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, database=database)
    body: dict[str, Any] = {
        "kind": "exchange" if exchange else "refund",
        "items": [_item(text, "quantity") for text in item or ()],
        "reason": reason,
        "requestedBy": "customer" if for_customer else "operator",
    }
    with api(where) as shop:
        path = f"/orders/{find_order_id(where, order)}/returns"
        _print(shop.post(path, body, key=str(uuid4())), as_json=as_json)


@app.command(epilog="Example: python starter.py returns approve B...")
def approve(
    return_id: ReturnRef,
    *,
    reason: Why = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Let the customer send the goods back."""
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        _print(shop.post(f"{_path(return_id)}/approve", {"reason": reason}), as_json=as_json)


@app.command(epilog='Example: python starter.py returns reject B... --reason "the seal is broken"')
def reject(
    return_id: ReturnRef,
    *,
    reason: Why = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Do not take the goods back; the customer is told why."""
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        _print(shop.post(f"{_path(return_id)}/reject", {"reason": reason}), as_json=as_json)


@app.command(epilog="Example: python starter.py returns received B... --damaged TEA-LJ-100=1")
def received(
    return_id: ReturnRef,
    *,
    resellable: Units = None,
    damaged: Units = None,
    warehouse: Annotated[
        str, typer.Option(help="Where; by default, in the one that had sent the goods.")
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Book what came: what can be sold goes on its shelf, the rest is written off."""
    items: dict[str, dict[str, str]] = {}
    for name, texts in (("resellable", resellable), ("damaged", damaged)):
        for text in texts or ():
            one = _item(text, name)
            items[one["sku"]] = {**items.get(one["sku"], {}), **one}
    body = {"items": list(items.values()), "warehouseId": warehouse}
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        _print(shop.post(f"{_path(return_id)}/received", body), as_json=as_json)


def _path(return_id: str) -> str:
    return f"/returns/{quote(return_id.strip(), safe='')}"


def _item(text: str, count: str) -> dict[str, str]:
    """`SKU=QTY` as the API takes it; whether they are right is for the API to say."""
    sku, equals, quantity = text.rpartition("=")
    if not (sku and equals and quantity):
        raise CommandFailed(f"write SKU=QTY, e.g. TEA-100=2, not {text!r}")
    return {"sku": sku, count: quantity}


def _print(case: Body, *, as_json: bool) -> None:
    if as_json:
        output.print_json(case)
        return
    lines = output.table(
        "",
        ("line", "SKU", "qty", "resellable", "damaged"),
        [
            (line["lineNo"], line["sku"], line["quantity"], line["resellable"], line["damaged"])
            for line in case["items"]
        ],
        right="qty resellable damaged",
    )
    facts = [
        f"order {case['orderId']}",
        f"asked for by the {case['requestedBy']}: {case['reason'] or 'no reason given'}",
        f"decided by {case['decidedBy']} {case['decision']}".rstrip() if case["decidedBy"] else "",
        f"expected by {output.moment(case['expectedBy'])} UTC" if case["expectedBy"] else "",
        f"replaced by order {case['replacementOrderId']}" if case["replacementOrderId"] else "",
    ]
    told = [Text(fact) for fact in facts if fact]
    head = Text.assemble(output.status(case["state"]), f"  {case['kind']}")
    output.console.print(output.panel(case["returnId"], Group(head, *told, Text(""), lines)))


def _table(found: list[Body]) -> object:
    return output.table(
        "",
        ("return", "state", "for", "what", "asked for", "reason"),
        [
            (
                case["returnId"],
                output.status(case["state"]),
                case["kind"],
                ", ".join(f"{line['quantity']} × {line['sku']}" for line in case["items"]),
                output.moment(case["requestedAt"]),
                case["reason"],
            )
            for case in found
        ],
        # An id that is broken in two cannot be copied.
        whole="return",
    )
