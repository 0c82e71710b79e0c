"""How an order looks at a terminal: its summary, and its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli import output, telling_view

# What the API answers, as it came.
Body = Mapping[str, Any]

EVENTS = {
    "order_placed": "placed",
    "out_of_stock": "out of stock: waits for goods",
    "stock_reserved": "stock held",
    "stock_reserved_again": "stock held again for late money",
    "payment_created": "payment asked for",
    "payment_refused": "payment refused by the provider",
    "payment_processing": "payment is being processed",
    "payment_paid": "paid",
    "payment_failed": "payment declined",
    "payment_closed": "payment closed",
    "order_confirmed": "confirmed, stock committed",
    "picking_accepted": "the warehouse picks",
    "picking_refused": "the warehouse refused",
    "picking_recalled": "picking recalled",
    "lines_missing": "the parcel lacks a part",
    "stock_written_off": "missing stock written off",
    "picking_recall_refused": "too late to recall",
    "parcel_shipped": "parcel shipped",
    "part_dropped": "goes on without a part",
    "shipping_news_unclear": "unclear news from a warehouse",
    "order_shipped": "shipped",
    "picking_late": "should have left by now",
    "parcel_given_up": "goes on without a parcel",
    "parcel_resent": "its goods are sent again",
    "parcel_made_good": "they arrived in another parcel",
    "task_opened": "an operator is asked",
    "task_done": "an operator has decided",
    "parcel_moved": "parcel moved",
    "order_delivered": "delivered",
    "order_completed": "completed",
    "hold_released": "stock released",
    "hold_expired": "hold expired, stock released",
    "stock_returned": "stock back on the shelf",
    "refund_requested": "refund asked for",
    "refund_pending": "refund under way",
    "refund_succeeded": "refunded",
    "refund_failed": "refund failed",
    "refund_manual": "refund waits for a person",
    "order_cancelled": "cancelled",
    "cancel_refused": "cancellation came too late",
    "return_requested": "cancelled on the way: becomes a return",
    "return_opened": "return asked for",
    "return_approved": "return approved",
    "return_rejected": "return rejected",
    "return_received": "returned goods received",
    "return_refunded": "return refunded",
    "return_exchanged": "return exchanged",
    "return_expired": "returned goods never came",
    "return_window_closed": "return window over",
    "replacement_placed": "replacement ordered",
    "exchange_failed": "replacement needs a person",
    "complaint_made": "complaint",
    "chargeback_opened": "chargeback opened",
    "chargeback_won": "chargeback won",
    "chargeback_lost": "chargeback lost, says the provider",
    "chargeback_over": "chargeback over, says the provider",
}

# What a payment was is only known when it is decided on, and who made a refund by who tells of it.
_PAID = {
    "surplus": "paid twice: it goes back",
    "late": "paid too late: it goes back",
    "returned": "paid, and given back already",
    "mismatch": "paid, but not what was asked",
}
_MADE_BY_PROVIDER = {
    "refund_pending": "refund under way at the provider",
    "refund_succeeded": "refunded at the provider",
}

_GOOD = {"payment_paid", "order_confirmed", "order_delivered", "order_completed"}
_BAD = {
    "out_of_stock",
    "payment_failed",
    "payment_refused",
    "picking_refused",
    "part_dropped",
    "parcel_given_up",
    "picking_late",
    "shipping_news_unclear",
    "hold_expired",
    "refund_failed",
    "order_cancelled",
}
_SHOWN = (
    "total",
    "amount",
    "reason",
    "gateway",
    "warehouseId",
    "carrier",
    "trackingNumber",
    "orderNumber",
    "due",
    "status",
    "location",
    "task",
    "decision",
    "by",
    "until",
)


def statuses(order: Body) -> Text:
    """The three statuses in one line, and whether there is a hurry."""
    express = order.get("serviceLevel") == "express"
    return Text.assemble(
        output.status(order["status"]),
        ("  payment ", "dim"),
        output.status(order["paymentStatus"]),
        ("  goods ", "dim"),
        output.status(order["shippingStatus"]),
        ("  express" if express else "", "bold magenta"),
    )


def lines(order: Body) -> Table:
    """The lines and what they come to."""
    table = output.table(
        "",
        ("", "SKU", "each", "total"),
        [
            (
                f"{item['quantity']} × {item['name']}",
                item["sku"],
                item["unitPrice"],
                item["totalPrice"],
            )
            for item in order["items"]
        ],
        right="each total",
    )
    pricing = order["pricing"]
    for name in ("shipping", "tax", "discount"):
        if float(pricing[name]):
            sign = "-" if name == "discount" else ""
            table.add_row("", "", Text(name, style="dim"), sign + pricing[name])
    total = f"{pricing['total']} {pricing['currency']}"
    table.add_row("", "", Text("total", style="bold"), Text(total, style="bold"))
    return table


def timeline(order: Body) -> Table:
    """What happened, when; each day has a line of its own."""
    gateways = {attempt["paymentId"]: attempt["gateway"] for attempt in order["payments"]}
    rows: list[tuple[Text, Text, Text]] = []
    today = ""
    for entry in order["timeline"]:
        day, _, time = output.moment(entry["at"]).partition(" ")
        if day != today:
            today = day
            rows.append((Text(day, style="dim"), Text(), Text()))
        rows.append((Text(f"  {time}"), *_row(entry, gateways)))
    return output.table("", ("UTC", "event", "detail"), rows)


def waiting(order: Body) -> Text:
    """What the order waits for, until when, and what happens then."""
    wait = order.get("waitingFor")
    if not wait:
        return Text("It waits for nothing.", style="dim")
    until = f", until {output.moment(wait['until'])} UTC" if wait.get("until") else ""
    then = f"; then: {wait['then']}" if wait.get("then") else ""
    return Text.assemble("Waits for ", (wait["what"], "bold"), f"{until}{then}.")


def payment(how: Body) -> Text:
    """How to pay."""
    action = how["action"]
    return Text.assemble(
        "Pay ",
        (output.money(how["amount"], how["currency"]), "bold"),
        f" through {how['gateway']} until {output.moment(how['expiresAt'])} UTC\n",
        (f"{action['type'].replace('_', ' ')}: ", "dim"),
        action["value"],
    )


def summary(order: Body, *parts: RenderableType) -> RenderableType:
    """The order's head, its lines, and whatever else there is to say."""
    return output.panel(
        order["orderNumber"], statuses(order), Text(""), lines(order), *_spaced(parts)
    )


def _spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    return [Group(Text(""), part) for part in parts]


def _row(entry: Body, gateways: Mapping[str, str]) -> tuple[Text, Text]:
    """The event and its detail."""
    if telling_view.is_telling(entry):
        return telling_view.event(entry), telling_view.detail(entry)
    return _event(entry), Text(_detail(entry, gateways))


def _event(entry: Body) -> Text:
    kind = entry["kind"]
    text = EVENTS.get(kind, kind.replace("_", " "))
    if kind == "payment_paid" and entry.get("settlement") in _PAID:
        return Text(_PAID[entry["settlement"]], style="yellow")
    if entry.get("madeBy") == "provider":
        text = _MADE_BY_PROVIDER.get(kind, text)
    if entry.get("madeBy") == "bank":
        text = "taken by the customer's bank"
    return Text(text, style="green" if kind in _GOOD else "red" if kind in _BAD else "")


def _detail(entry: Body, gateways: Mapping[str, str]) -> str:
    shortages = [
        f"{short['name']}: {short['available']} of {short['requested']}"
        for short in entry.get("shortages") or ()
    ]
    # What was captured of a payment that was declined is nothing, which the event says already.
    skipped = {"amount"} if entry["kind"] in {*_BAD, "payment_closed"} else set()
    if entry["kind"] == "order_delivered":
        skipped.add("status")
    if entry.get("madeBy") == "provider":
        skipped.add("reason")
    known = {"gateway": gateways.get(entry.get("paymentId", "")), **entry}
    shown = [
        _shown(name, known[name]) for name in _SHOWN if known.get(name) and name not in skipped
    ]
    return ", ".join([*shown, *shortages])


def _shown(name: str, value: object) -> str:
    if name == "until":
        return f"until {output.moment(value)}"
    return str(value).replace("_", " ") if name == "status" else str(value)
