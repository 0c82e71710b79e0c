"""Compares what providers hold with our books, to the unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Row

from bench.chaos.ground import Ground, Json
from db.audit import CHECKS, AuditReport, audit
from db.laws.check import SETTLING

T = TypeVar("T")
Booked = Row[Any]

_OVER = frozenset({"cancelled", "refunded"})
# Subtracted from now: orders' clocks may be ahead of ours.
_IN_A_YEAR = "interval '-1 year'"
_ARRIVED = frozenset({"succeeded", "success", "completed", "refund_success"})


@dataclass(frozen=True)
class Books:
    """Our books and the providers', by order."""

    orders: Mapping[str, Booked]
    payments: Mapping[str, Sequence[Booked]]
    refunds: Mapping[str, Sequence[Booked]]
    at_providers: Mapping[str, Sequence[Json]]

    def end_of(self, order_id: str) -> str:
        """The order's status and its money's."""
        order = self.orders.get(order_id)
        return f"{order.status}/{order.payment_status}" if order else "unknown"


async def open_books(ground: Ground, order_ids: Iterable[str]) -> Books:
    """Read both sides; everything must be at rest."""
    ids = list(order_ids)
    orders = await ground.rows(
        "SELECT id, status, payment_status, kept_minor FROM orders WHERE id = ANY(:ids)", ids=ids
    )
    payments = await ground.rows(
        "SELECT id, order_id, gateway, state, captured_minor, refunded_minor, claimed_minor"
        " FROM payments WHERE order_id = ANY(:ids)",
        ids=ids,
    )
    refunds = await ground.rows(
        "SELECT id, order_id, payment_id, state, amount_minor, made_by"
        " FROM refunds WHERE order_id = ANY(:ids)",
        ids=ids,
    )
    held = await ground.see("state", limit=100_000)
    return Books(
        orders={order.id: order for order in orders},
        payments=_grouped(payments, lambda row: row.order_id),
        refunds=_grouped(refunds, lambda row: row.payment_id),
        at_providers=_grouped(held["payments"], lambda payment: payment["orderId"]),
    )


async def strict_audit(ground: Ground) -> AuditReport:
    """Whether the laws hold; at rest nothing is excused for being about to happen."""
    checks = [
        replace(check, violations=check.violations.replace(SETTLING, _IN_A_YEAR))
        for check in CHECKS
    ]
    async with ground.sessions() as session:
        return await audit(session, checks)


async def timeline(ground: Ground, order_id: str) -> str:
    """What has happened to an order, in seconds of its own clock."""
    events = await ground.rows(
        "SELECT e.kind, extract(epoch FROM e.at - o.created_at)::int AS after"
        " FROM order_events e JOIN orders o ON o.id = e.order_id"
        " WHERE o.id = :id ORDER BY e.at, e.id",
        id=order_id,
    )
    return ", ".join(f"{event.kind} +{event.after}" for event in events)


def differences(books: Books, order_id: str, ends: Collection[str]) -> list[str]:
    """Where the two sides part, and where an order has ended as it must not."""
    order = books.orders.get(order_id)
    if order is None:
        return ["our books do not know the order"]
    booked = {payment.id: payment for payment in books.payments.get(order_id, ())}
    held = _grouped(books.at_providers.get(order_id, ()), lambda payment: payment["paymentId"])
    found = [
        difference
        for payment_id in {**booked, **held}
        for difference in _payment_differences(
            payment_id,
            booked.get(payment_id),
            held.get(payment_id, ()),
            books.refunds.get(payment_id, ()),
        )
    ]
    kept = sum(p["captured"] - p["refunded"] for each in held.values() for p in each)
    if order.kept_minor != kept:
        found.append(f"the order keeps {order.kept_minor}, providers hold {kept} for it")
    if order.status in _OVER and order.kept_minor and order.payment_status != "review":
        found.append(f"the order is {order.status} and keeps {order.kept_minor}")
    end = books.end_of(order_id)
    if end not in ends:
        found.append(f"it ended as {end}, not as {' or '.join(sorted(ends))}")
    return found


def _payment_differences(
    payment_id: str, booked: Booked | None, held: Sequence[Json], refunds: Sequence[Booked]
) -> list[str]:
    if booked is None:
        return [f"{payment_id} is at the provider, not in our books"]
    found = []
    if len(held) > 1:
        found.append(f"{payment_id} was created {len(held)} times at {booked.gateway}")
    for what, ours in (("captured", booked.captured_minor), ("refunded", booked.refunded_minor)):
        theirs = sum(payment[what] for payment in held)
        if ours != theirs:
            found.append(f"{payment_id}: {ours} {what} in our books, {theirs} at {booked.gateway}")
    if booked.claimed_minor != booked.refunded_minor:
        found.append(
            f"{payment_id}: {booked.claimed_minor} claimed, {booked.refunded_minor} refunded"
        )
    there = [refund for payment in held for refund in payment["refunds"]]
    return found + _refund_differences(refunds, there)


def _refund_differences(booked: Sequence[Booked], held: Sequence[Json]) -> list[str]:
    """Refunds of ours have the same number on both sides; of others' only the sum is the same."""
    ours = {row.id: row.amount_minor for row in booked if _counts(row) and row.made_by == "shop"}
    theirs = [
        (refund["refundId"], refund["amount"])
        for refund in held
        if refund["status"].lower() in _ARRIVED
    ]
    numbered = sorted(pair for pair in theirs if pair[0] in {row.id for row in booked})
    found = []
    if sorted(ours.items()) != numbered:
        found.append(f"our refunds are {sorted(ours.items())}, at the provider {numbered}")
    elsewhere = sum(row.amount_minor for row in booked if _counts(row) and row.made_by != "shop")
    there = sum(amount for _, amount in theirs) - sum(amount for _, amount in numbered)
    if elsewhere != there:
        found.append(f"{elsewhere} refunded elsewhere in our books, {there} at the provider")
    return found


def _counts(refund: Booked) -> bool:
    return bool(refund.state == "succeeded")


def _grouped(rows: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    groups: defaultdict[str, list[T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)
