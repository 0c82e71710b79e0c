"""`pay`, `ship` and `deliver`: play the customer, the warehouse and the carrier."""

from __future__ import annotations

from typing import Annotated, Any

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
    data_dir: DataDir = DEFAULT_DATA_DIR,
    simulator_url: Simulator = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Have the simulated warehouse hand an order's parcel to the carrier."""
    where = Whereabouts(data_dir, simulator=simulator_url, database=database)
    with simulator(where) as world:
        done = world.post(f"/_sim/shipments/{find_order_id(where, order)}/ship")
    _say(done, f"The warehouse has shipped {order}: {done['trackingNumber']}", as_json=as_json)


def deliver(
    order: OrderRef,
    *,
    status: Annotated[
        TrackingStatus, typer.Option(help="Where the parcel is now.")
    ] = TrackingStatus.DELIVERED,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    simulator_url: Simulator = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Have the simulated carrier deliver an order's parcel, or scan it on its way."""
    where = Whereabouts(data_dir, simulator=simulator_url, database=database)
    order_id = find_order_id(where, order)
    with simulator(where) as world:
        parcels = world.get("/_sim/state", order_id=order_id)["parcels"]
        if not parcels:
            raise CommandFailed(
                f"{order} has no parcel yet: `python starter.py ship {order}` first", code=REFUSED
            )
        number = parcels[0]["trackingNumber"]
        done = world.post(f"/_sim/parcels/{number}/{status.value}")
    _say(done, f"The carrier says: parcel {number} of {order} is {done['status']}", as_json=as_json)


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
