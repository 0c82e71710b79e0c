"""How many of an SKU to ask the supplier for, from what there is, is claimed, and is on its way."""

from __future__ import annotations

from collections.abc import Iterable

from domain.inventory import MOST_RECEIVED
from domain.order import Value


class RestockPlace(Value):
    """One SKU in one warehouse: what a `RestockWorkflow` looks after."""

    warehouse_id: str
    sku: str


class StockPosition(Value):
    """Where one SKU stands in one warehouse.

    `claimed` is all that orders need which wait for goods there, `on_order` what the supplier was
    asked for and has not brought yet. A `reorder_point` of zero means: only for orders.
    """

    warehouse_id: str
    sku: str
    available: int
    on_order: int
    claimed: int
    reorder_point: int

    @property
    def net(self) -> int:
        """What will be free once all has come that is on its way, and all have got theirs."""
        return self.available + self.on_order - self.claimed


def quantity_to_ask(warehouse_id: str, positions: Iterable[StockPosition]) -> int:
    """How many `warehouse_id` must ask for now; `positions` are those of all warehouses.

    Waiting orders are served from anywhere, so what they miss is missing everywhere together. At
    the reorder point a warehouse asks for as many as bring it to twice that point.
    """
    everywhere = tuple(positions)
    here = next((each for each in everywhere if each.warehouse_id == warehouse_id), None)
    if here is None:
        return 0
    missing = max(0, -sum(each.net for each in everywhere))
    wanted = max(0, min(missing, here.claimed - here.on_order))
    if here.reorder_point > 0 and here.net <= here.reorder_point:
        wanted = max(wanted, 2 * here.reorder_point - here.net)
    return min(wanted, MOST_RECEIVED)
