"""How an order's refunds look at a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from cli import output
from cli.order_view import Body


def refunds(order: Body) -> RenderableType | None:
    """Its refunds, first to last, and how to go on with those that failed; nothing without any."""
    if not order["refunds"]:
        return None
    table = output.table(
        "",
        ("refund", "state", "amount", "for"),
        [
            (
                refund["refundId"],
                output.status(refund["state"]),
                output.money(refund["amount"], refund["currency"]),
                _purpose(refund),
            )
            for refund in order["refunds"]
        ],
        right="amount",
    )
    return Group(table, *(_advice(order, refund_id) for refund_id in _left_over(order)))


def _purpose(refund: Body) -> Text:
    goods = ", ".join(f"{line['quantity']} × {line['sku']}" for line in refund["lines"])
    retry = f"instead of {refund['retryOf']}" if refund["retryOf"] else ""
    parts = [Text(part) for part in (goods, refund["reason"], retry) if part]
    if refund["failureCode"]:
        parts.append(Text(refund["failureCode"], style="red"))
    return Text("; ").join(parts)


def _left_over(order: Body) -> list[str]:
    """The refunds that failed and were not made again."""
    again = {refund["retryOf"] for refund in order["refunds"]}
    return [
        refund["refundId"]
        for refund in order["refunds"]
        if refund["state"] == "failed" and refund["refundId"] not in again
    ]


def _advice(order: Body, refund_id: str) -> Text:
    command = f"python starter.py refund {order['orderNumber']} --retry {refund_id}"
    return Text.assemble(("Failed. Try again: ", "red"), command)
