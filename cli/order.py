"""`order`: place an order, and say what to do next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from cli import order_view, output
from cli.failure import CANNOT_RUN, REFUSED, CommandFailed
from cli.http import Answer, Body, Remote, api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, DataDir
from cli.whereabouts import Whereabouts
from domain.order import GatewayName

EXAMPLE = Path(__file__).parent.parent / "examples" / "order-cn.json"


def order(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="[FILE]",
            help="The order as JSON; - reads it from stdin.",
            show_default="examples/order-cn.json",
        ),
    ] = EXAMPLE,
    *,
    gateway: Annotated[
        GatewayName | None,
        typer.Option(help="Pay through this provider, whatever the file says."),
    ] = None,
    idempotency_key: Annotated[
        str,
        typer.Option(help="The same key and order give the same order; by default, a new key."),
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Place an order and show how it is to be paid.

    Everything that is wrong with it is said at once; the exit code is 1 then.
    """
    content = _paid_through(gateway, _read(file))
    where = Whereabouts(data_dir, api=api_url, api_key=api_key)
    with api(where) as shop:
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        answer = shop.ask("POST", "/orders", body=content, headers=headers)
        if as_json:
            output.print_json(answer.body)
        elif answer.ok:
            _show(shop, answer.body)
        else:
            _explain(answer)
    if not answer.ok:
        raise typer.Exit(REFUSED if answer.status < 500 else CANNOT_RUN)


def _read(file: Path) -> Any:  # noqa: ANN401 - whatever the file holds is for the API to judge
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
        return json.loads(text)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise CommandFailed(f"{file} is not JSON: {error}") from error


def _paid_through(gateway: GatewayName | None, content: Any) -> Any:  # noqa: ANN401 - see _read
    if gateway is None or not isinstance(content, dict):
        return content
    others = {name: value for name, value in content.items() if name != "payment_method"}
    return {**others, "paymentMethod": gateway}


def _explain(answer: Answer) -> None:
    output.say(f"The order was not accepted (HTTP status {answer.status}).", "bold red")
    output.console.print(output.problems(answer.problems))
    _warn(answer.body)


def _show(shop: Remote, placed: Body) -> None:
    full = shop.get(f"/orders/{placed['orderId']}")
    number = placed["orderNumber"]
    parts = [order_view.payment(placed["payment"])] if placed.get("payment") else []
    parts += [
        Text(
            f"{short['name']}: {short['shortfall']} missing"
            f" ({short['available']} of {short['requested']} there)",
            style="yellow",
        )
        for short in placed.get("shortages") or ()
    ]
    output.console.print(order_view.summary(full, *parts))
    _warn(placed)
    output.say("")
    for line in _next(placed, number):
        output.say(line)


def _next(placed: Body, number: str) -> list[str]:
    look = f"  python starter.py status {number} --watch    see what happens"
    if placed.get("payment"):
        return ["Next:", f"  python starter.py pay {number}    as the customer would", look]
    short = placed.get("shortages") or ()
    if short:
        receipts = [
            f"  python starter.py stock receive {line['sku']} {line['requested']}" for line in short
        ]
        return ["Next: the order waits for goods. When they arrive:", *receipts, look]
    return ["Next: the provider does not answer yet; the order tries again by itself.", look]


def _warn(body: Body) -> None:
    for warning in body.get("warnings") or ():
        field = f"{warning['field']}: " if warning.get("field") else ""
        output.say(f"Note: {field}{warning['message']}", "yellow")
