"""The stock of one moment, shared out among orders that ask for it one after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from domain.allocation import Allocation, allocate
from domain.inventory import Shortage, StockLevel, StockNeed, find_shortages
from domain.nearness import nearest_first
from domain.order import Value
from domain.precedence import Claim, joined, left_for, without


class Share(Value):
    """What an order gets, all that it needs; or what is missing, and then it gets nothing."""

    lines: tuple[Allocation, ...] = ()
    shortages: tuple[Shortage, ...] = ()


class Sharing:
    """Remembers what those before have taken, and who has joined or left the queue for goods."""

    def __init__(
        self,
        levels: Iterable[StockLevel],
        provinces: Mapping[str, str],
        claims: Iterable[Claim] = (),
    ) -> None:
        """Begin with `levels`, the warehouses' `provinces`, and the `claims` of who waits."""
        self._available: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for level in levels:
            self._available[level.sku][level.warehouse_id] = level.available
        self._provinces = provinces
        self._claims = tuple(claims)
        self._preferences: dict[str, list[str]] = {}

    def by_precedence(self, order_ids: Iterable[str]) -> list[str]:
        """Those who wait already, the first of them first; then the others as they come."""
        ranks: dict[str, int] = {}
        for claim in self._claims:
            ranks[claim.order_id] = min(claim.rank, ranks.get(claim.order_id, claim.rank))
        return sorted(order_ids, key=lambda order_id: (order_id not in ranks, ranks.get(order_id)))

    def serve(self, order_id: str, needs: Sequence[StockNeed], province: str) -> Share:
        """Give the order all that it needs, or put it into the queue for what is missing."""
        preference = self._preference(province)
        left = self._left_for(order_id, needs, preference)
        lines = allocate(needs, left, preference)
        if lines is None:
            shortages = find_shortages(needs, left, preference)
            self._claims = joined(order_id, needs, shortages, self._claims)
            return Share(shortages=shortages)
        self._claims = without(order_id, self._claims)
        for line in lines:
            self._available[line.sku][line.warehouse_id] -= line.quantity
        return Share(lines=lines)

    def _left_for(
        self, order_id: str, needs: Sequence[StockNeed], preference: Sequence[str]
    ) -> Sequence[StockLevel]:
        skus = {need.sku for need in needs}
        levels = [
            StockLevel(warehouse_id=warehouse_id, sku=sku, available=available)
            for sku in sorted(skus)
            for warehouse_id, available in self._available[sku].items()
        ]
        claims = [claim for claim in self._claims if claim.sku in skus]
        return left_for(order_id, levels, claims, preference) if claims else levels

    def _preference(self, province: str) -> list[str]:
        if province not in self._preferences:
            self._preferences[province] = nearest_first(province, self._provinces)
        return self._preferences[province]
