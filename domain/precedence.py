"""First come, first served: what is left for an order once those before it have had their share.

An order that waits for a SKU claims all that it needs of it, not only what was missing: else those
who come later could take the rest again and again, and a large order would wait for ever. Waiting
orders rank by when they began to wait, each with one rank for all its claims. So the first of them
waits for goods alone and never for another order: nobody waits in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from domain.inventory import Shortage, StockLevel, StockNeed
from domain.order import Value


class Claim(Value):
    """A waiting order has precedence for so many of one SKU; the lower `rank` came first."""

    order_id: str
    sku: str
    quantity: int
    rank: int


def left_for(
    order_id: str, levels: Sequence[StockLevel], claims: Iterable[Claim], preference: Sequence[str]
) -> tuple[StockLevel, ...]:
    """The levels without what orders before this one claim; all that wait are before a newcomer.

    Claimed units are taken off where this order would look last: who waits is served from anywhere.
    """
    claims = tuple(claims)
    own = _rank(order_id, claims)
    ahead: Counter[str] = Counter()
    for claim in claims:
        if claim.order_id != order_id and (own is None or claim.rank < own):
            ahead[claim.sku] += claim.quantity
    places = {warehouse_id: place for place, warehouse_id in enumerate(preference)}
    left = []
    for level in sorted(levels, key=lambda level: -places.get(level.warehouse_id, len(places))):
        taken = min(ahead[level.sku], level.available)
        ahead[level.sku] -= taken
        left.append(level.model_copy(update={"available": level.available - taken}))
    return tuple(sorted(left, key=lambda level: (level.sku, level.warehouse_id)))


def joined(
    order_id: str,
    needs: Sequence[StockNeed],
    shortages: Iterable[Shortage],
    claims: Iterable[Claim],
) -> tuple[Claim, ...]:
    """The claims once this order waits for what it is short of, behind all that wait already.

    An order that waits already keeps its rank and its claims, and claims what it is newly short of.
    """
    claims = tuple(claims)
    own = _rank(order_id, claims)
    rank = max((claim.rank for claim in claims), default=0) + 1 if own is None else own
    claimed = {claim.sku for claim in claims if claim.order_id == order_id}
    wanted: Counter[str] = Counter()
    for need in needs:
        wanted[need.sku] += need.quantity
    return claims + tuple(
        Claim(order_id=order_id, sku=sku, quantity=wanted[sku], rank=rank)
        for sku in sorted({short.sku for short in shortages} - claimed)
    )


def without(order_id: str, claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims once this order waits no longer."""
    return tuple(claim for claim in claims if claim.order_id != order_id)


def _rank(order_id: str, claims: Iterable[Claim]) -> int | None:
    return min((claim.rank for claim in claims if claim.order_id == order_id), default=None)
