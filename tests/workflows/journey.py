"""Words for telling an order's story: what goes wrong outside, and how the order must end."""

from __future__ import annotations

import hashlib
from collections import Counter
from email import message_from_bytes, policy
from typing import Any
from uuid import uuid4

import httpx
from temporalio.client import WorkflowExecutionStatus

from domain.ids import ORDER, derived_id
from tests.house import House, Json, order_for
from tests.serving import eventually_async

PRICE = 10_000


def new_order(house: House) -> tuple[str, str]:
    """An idempotency key, and the id of the order that will be placed with it."""
    key = uuid4().hex
    caller = hashlib.sha256(house.api_key.encode()).hexdigest()
    return key, derived_id(ORDER, caller, key)


async def place(house: House, key: str, product: str, quantity: int = 1) -> Json:
    """Place an order whose id is known beforehand."""
    answer = await house.call(
        "POST", "/orders", json=order_for(product, quantity), headers={"Idempotency-Key": key}
    )
    assert answer.status_code in {201, 202}, answer.text
    placed: Json = answer.json()
    return placed


async def mishap(
    house: House,
    party: str,
    operation: str,
    behavior: str,
    *,
    times: int = 1,
    seconds: float = 0,
    count: int = 1,
    **match: str,
) -> None:
    """Order a misfortune at a party outside; `match` names the order or payment it befalls."""
    await house.simulate(
        "scenario",
        json={
            "party": party,
            "operation": operation,
            "behavior": behavior,
            "times": times,
            "seconds": seconds,
            "count": count,
            "match": match,
        },
    )


async def journal(house: House, order_id: str, operation: str, kind: str = "request") -> list[Json]:
    """What the outside noted about an order, oldest first."""
    answer = await house.http.get(
        f"{house.simulator}/_sim/journal", params={"order_id": order_id, "limit": 1000}
    )
    entries: list[Json] = answer.json()["entries"]
    return [e for e in entries if e["operation"] == operation and e["kind"] == kind]


async def pay_and_reach_the_warehouse(house: House, placed: Json) -> None:
    """Pay, and wait until the warehouse has the picking list."""
    await house.pay(placed["payment"]["paymentId"])
    await house.until(placed["orderId"], status="processing")
    await house.until_waiting_for(placed["orderId"], "the warehouse")


async def ship(house: House, product: str, quantity: int = 1) -> tuple[str, str]:
    """A new order that is on its way, its carrier already polled; its id and tracking number."""
    placed = await house.place(product, quantity)
    order_id = str(placed["orderId"])
    await house.pay(placed["payment"]["paymentId"])
    number = await house.ship(order_id)
    await house.until(order_id, status="shipped")
    await until_registered(house, order_id)
    return order_id, number


async def until_registered(house: House, order_id: str) -> None:
    """Wait until the tracking provider knows the parcel: from now on it calls back."""

    async def look() -> bool:
        return bool(await journal(house, order_id, "register"))

    await eventually_async(look)


async def cancel(house: House, order_id: str, reason: str = "changed my mind") -> httpx.Response:
    return await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": reason})


def kinds(order: Json) -> list[str]:
    """What happened to the order, as words; not what its customer was told of that."""
    return [
        entry["kind"] for entry in order["timeline"] if not entry["kind"].startswith("customer_")
    ]


async def until_replaced(house: House, order_id: str) -> Json:
    """Wait until another order sends its goods once more, or could not; that order."""
    found: list[str] = []

    async def look() -> bool:
        rows = await house.rows("SELECT id FROM orders WHERE replacement_of = :id", id=order_id)
        found[:] = [row.id for row in rows]
        return bool(found)

    await eventually_async(look)
    return await house.order(found[0])


async def mails(house: House, order_id: str) -> Counter[str]:
    """How many mails of each kind really arrived."""
    rows = await house.rows(
        "SELECT kind, message_id FROM notifications"
        " WHERE order_id = :id AND channel = 'email' AND state = 'sent'",
        id=order_id,
    )
    arrived: Counter[str] = Counter()
    for row in rows:
        for envelope in house.mailbox.envelopes:
            content = envelope.content
            if isinstance(content, bytes) and row.message_id.encode() in content:
                arrived[row.kind] += 1
    return arrived


async def until_mailed(house: House, order_id: str, kind: str) -> None:
    """Wait until the customer has been told."""

    async def look() -> bool:
        return bool((await mails(house, order_id))[kind])

    await eventually_async(look)


async def last_mail(house: House, order_id: str, kind: str) -> str:
    """The text of the last mail of a kind that arrived."""
    rows = await house.rows(
        "SELECT message_id FROM notifications WHERE order_id = :id AND channel = 'email'"
        " AND kind = :kind AND state = 'sent' ORDER BY sent_at DESC LIMIT 1",
        id=order_id,
        kind=kind,
    )
    (row,) = rows
    for envelope in house.mailbox.envelopes:
        content = envelope.content
        if isinstance(content, bytes) and row.message_id.encode() in content:
            body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
            assert body is not None
            return str(body.get_content())
    raise AssertionError("no such mail")


async def movements(house: House, order_id: str) -> Counter[str]:
    """How often the order's stock moved, by reason."""
    rows = await house.rows(
        "SELECT reason FROM stock_movements WHERE order_id = :id"
        " OR reference IN (SELECT id FROM holds WHERE order_id = :id)",
        id=order_id,
    )
    return Counter(row.reason for row in rows)


async def until_ended(house: House, order_id: str) -> WorkflowExecutionStatus:
    """Wait until the order's workflow is over; how it ended."""
    ended: list[WorkflowExecutionStatus] = []

    async def look() -> bool:
        status = (await house.handle(order_id).describe()).status
        if status is not None and status is not WorkflowExecutionStatus.RUNNING:
            ended.append(status)
        return bool(ended)

    await eventually_async(look)
    return ended[-1]


async def assert_end(
    house: House,
    order_id: str,
    product: str,
    *,
    status: str,
    payment_status: str,
    stock: tuple[int, int, int],
    captured: int,
    refunded: int,
) -> Json:
    """The order as API, stock, provider and audit agree on it; the API's view."""
    order = await house.until(order_id, status=status, paymentStatus=payment_status)
    if status in {"cancelled", "completed"}:
        await until_ended(house, order_id)
        order = await house.order(order_id)
    assert await house.stock(product) == stock
    payments = await house.at_provider(order_id)
    held = (sum(p["captured"] for p in payments), sum(p["refunded"] for p in payments))
    assert held == (captured, refunded)
    assert order["kept"] == f"{(captured - refunded) / 100:.2f}"
    if status == "cancelled":
        assert not [p for p in payments if payable(p)], "a cancelled order could still be paid"
    twice = {kind: count for kind, count in (await mails(house, order_id)).items() if count > 1}
    repeatable = {"delivery_update", "payment_failed", "order_refunded"}
    assert not twice.keys() - repeatable
    await house.assert_laws_hold()
    return order


def payable(payment: Json) -> bool:
    """Whether the customer alone could still pay, though we tried to prevent it.

    At PayPal the capture would be ours, and at Alipay there is nothing to close before a scan.
    """
    closes_by_itself = payment["gateway"] == "paypal" or payment["status"] == "TRADE_NOT_EXIST"
    return bool(payment["open"]) and not closes_by_itself


def refunds(payments: list[Json]) -> list[Any]:
    """All refunds that the provider made."""
    return [refund for payment in payments for refund in payment["refunds"]]
