"""`addresses`: which ones a provider refused, and making one good again."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import address_view, output
from cli.failure import REFUSED, CommandFailed
from cli.http import api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, DataDir
from cli.whereabouts import Whereabouts

app = typer.Typer(
    no_args_is_help=True,
    help="Mail and phone addresses that a provider refused: look, and lift it.",
)

Address = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS",
        help="An e-mail address, or a phone number that begins with + and the country's code.",
    ),
]


@app.command(
    epilog="Example: python starter.py addresses show li.wei@example.com\n\n"
    'Example: python starter.py addresses show "+86 138 0013 8000" --json'
)
def show(
    address: Address,
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show whether messages go to an address, and if not, who refused it and since when."""
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        found = shop.post("/addresses/state", _named(address))
    if as_json:
        output.print_json(found)
    else:
        output.console.print(address_view.known(found))


@app.command(
    epilog="Example: python starter.py addresses lift li.wei@example.com\n\n"
    "Example: python starter.py addresses lift +8613800138000 --customer-asked"
)
def lift(
    address: Address,
    *,
    customer_asked: Annotated[
        bool,
        typer.Option(
            "--customer-asked",
            help="Its reader wants messages again; needed if they had unsubscribed (STOP).",
        ),
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Let messages go to an address again; repeating it is harmless.

    What was not sent meanwhile is not made up for, and promotions that were ended stay ended.
    """
    body = {**_named(address), "customerAsked": customer_asked}
    with api(Whereabouts(data_dir, api=api_url, api_key=api_key)) as shop:
        answer = shop.ask("POST", "/addresses/lift", body=body)
        if any(problem["code"] == "unsubscribed" for problem in answer.problems):
            raise CommandFailed(
                "its reader wanted no more messages (STOP). Lift it only when they ask to hear from"
                " us again, with --customer-asked.",
                code=REFUSED,
            )
        lifted = shop.expect(answer)
    if as_json:
        output.print_json(lifted)
    else:
        output.console.print(address_view.lifted(lifted))


def _named(address: str) -> dict[str, str]:
    """An address as the API takes it; whether it is one is for the API to say."""
    return {"channel": "email" if "@" in address else "sms", "address": address}
