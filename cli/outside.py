"""`pay`, `ship` and `deliver`: play the customer, the warehouse and the carrier."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from cli import output
from cli.books import find_order_id
from cli.failure import REFUSED, CommandFailed
from cli.http import Remote, simulator
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir, OrderRef, Simulator
from cli.whereabouts import Whereabouts
from domain.tracking import TrackingStatus


def pay(
    order: OrderRef,
    *,
    decline: Annotated[
        bool,
        typer.Option(
            "--decline",
            help="The customer is declined instead; at Alipay and WeChat Pay only she sees that.",
        ),
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    simulator_url: Simulator = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Pay an order's newest open payment at its simulated provider, as its customer would.

    At PayPal that means to approve it: Orderflow then captures the money.
    """
    where = Whereabouts(data_dir, simulator=simulator_url, database=database)
    order_id = find_order_id(where, order)
    with simulator(where) as world:
        payment = _open_payment(world, order_id, order)
        action = "decline" if decline else "pay"
        done = world.post(f"/_sim/{payment['gateway']}/{payment['paymentId']}/{action}")
    _say(
        done,
        f"{payment['gateway']}: payment {payment['paymentId']} of {order} is {done['status']}",
        as_json=as_json,
    )


def ship(
    order: OrderRef,
    *,
    which: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="WAREHOUSE",
            help="Only this warehouse's parcel, if there are several.",
        ),
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    simulator_url: Simulator = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Have the simulated warehouse hand an order's parcel, or parcels, to the carrier."""
    where = Whereabouts(data_dir, simulator=simulator_url, database=database)
    with simulator(where) as world:
        query = f"?{urlencode({'which': which})}" if which else ""
        done = world.post(f"/_sim/shipments/{find_order_id(where, order)}/ship{query}")
    numbers = ", ".join(parcel["trackingNumber"] for parcel in done["pickingLists"])
    _say(done, f"The warehouse has shipped {order}: {numbers}", as_json=as_json)


def deliver(
    order: OrderRef,
    *,
    status: Annotated[
        TrackingStatus, typer.Option(help="Where the parcel is now.")
    ] = TrackingStatus.DELIVERED,
    parcel: Annotated[
        str, typer.Option(metavar="NUMBER", help="Only this one, if there are several.")
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    simulator_url: Simulator = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Have the simulated carrier deliver an order's parcels, or scan them on their way."""
    where = Whereabouts(data_dir, simulator=simulator_url, database=database)
    order_id = find_order_id(where, order)
    with simulator(where) as world:
        for number in _numbers(world, order_id, order, parcel):
            done = world.post(f"/_sim/parcels/{number}/{status.value}")
            sentence = f"The carrier says: parcel {number} of {order} is {done['status']}"
            _say(done, sentence, as_json=as_json)


def _numbers(world: Remote, order_id: str, order: str, parcel: str) -> list[str]:
    """The parcels that are meant: the one that is named, else those that are on their way."""
    if parcel:
        return [parcel]
    parcels = world.get("/_sim/state", order_id=order_id)["parcels"]
    if not parcels:
        raise CommandFailed(
            f"{order} has no parcel yet: `python starter.py ship {order}` first", code=REFUSED
        )
    moving = [one["trackingNumber"] for one in parcels if one["open"]]
    return moving or [parcels[0]["trackingNumber"]]


def _open_payment(world: Remote, order_id: str, order: str) -> dict[str, Any]:
    payments: list[dict[str, Any]] = world.get("/_sim/state", order_id=order_id)["payments"]
    for payment in payments:
        if payment["open"]:
            return payment
    what = f"its payment is {payments[0]['status']}" if payments else "it has no payment"
    raise CommandFailed(f"{order} cannot be paid: {what}", code=REFUSED)


def _say(done: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        output.print_json(done)
    else:
        output.say(sentence)
