"""Which warehouses serve an order: one if one can, else as few as can, nearest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from domain.inventory import StockLevel, StockNeed
from domain.order import Value

# What one warehouse has, by SKU.
Shelves = Mapping[str, int]


class Allocation(Value):
    """So many of one SKU are taken from one warehouse."""

    warehouse_id: str
    sku: str
    quantity: int


def allocate(
    needs: Sequence[StockNeed], levels: Sequence[StockLevel], preference: Sequence[str]
) -> tuple[Allocation, ...] | None:
    """Serve all needs from as few warehouses as possible; none if all together cannot.

    Each warehouse means a parcel. Of equally few, the earlier ones of `preference` are taken;
    warehouses that are not in it serve nothing. Lines are in (SKU, warehouse) order.
    """
    wanted: Counter[str] = Counter()
    for need in needs:
        wanted[need.sku] += need.quantity
    shelves: dict[str, dict[str, int]] = {warehouse_id: {} for warehouse_id in preference}
    for level in levels:
        if level.available > 0 and level.sku in wanted and level.warehouse_id in shelves:
            shelves[level.warehouse_id][level.sku] = level.available
    candidates = {warehouse_id: shelf for warehouse_id, shelf in shelves.items() if shelf}
    for size in range(1, len(candidates) + 1):
        chosen = _first_that_serve(wanted, list(candidates.items()), size)
        if chosen is not None:
            return _share_out(
                wanted, {warehouse_id: candidates[warehouse_id] for warehouse_id in chosen}
            )
    return None


def _first_that_serve(
    wanted: Mapping[str, int], candidates: Sequence[tuple[str, Shelves]], size: int
) -> list[str] | None:
    """The first `size` candidates, in their order, that serve all that is wanted together."""
    missing = {sku: quantity for sku, quantity in wanted.items() if quantity > 0}
    if not missing:
        return []
    # Without this look ahead, many warehouses that together have too little would take for ever.
    if any(
        sum(sorted((shelf.get(sku, 0) for _, shelf in candidates), reverse=True)[:size]) < quantity
        for sku, quantity in missing.items()
    ):
        return None
    for position, (warehouse_id, shelf) in enumerate(candidates):
        left = {sku: quantity - shelf.get(sku, 0) for sku, quantity in missing.items()}
        others = _first_that_serve(left, candidates[position + 1 :], size - 1)
        if others is not None:
            return [warehouse_id, *others]
    return None


def _share_out(wanted: Mapping[str, int], chosen: Mapping[str, Shelves]) -> tuple[Allocation, ...]:
    """Take each SKU from one of the chosen warehouses if one has enough, else from several."""
    lines = []
    for sku, quantity in sorted(wanted.items()):
        enough = [where for where, shelf in chosen.items() if shelf.get(sku, 0) >= quantity]
        left = quantity
        for where in enough[:1] or chosen:
            taken = min(left, chosen[where].get(sku, 0))
            if taken:
                lines.append(Allocation(warehouse_id=where, sku=sku, quantity=taken))
            left -= taken
    return tuple(sorted(lines, key=lambda line: (line.sku, line.warehouse_id)))
