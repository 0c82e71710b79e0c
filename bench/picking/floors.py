"""Random floors and lists to route on them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from domain.fulfillment import PickingLine
from domain.heavy_first import HEAVY_G
from domain.warehouse_layout import WarehouseLayout

# Millimeters.
_AISLE_WIDTH, _RACK_WIDTH = 3_000, 2_700
_RACKS = 12


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of floor and of list; `delicate` is the share of fragile goods, and of heavy ones."""

    aisles: int
    blocks: int
    picks: int
    delicate: float


def floor(case: Case) -> WarehouseLayout:
    """Aisles of twelve racks; several blocks have ways across at equal distances."""
    depth = (_RACKS + case.blocks) * _RACK_WIDTH
    ways = [depth * number // case.blocks for number in range(case.blocks + 1)]
    return WarehouseLayout(
        warehouse_id="bench",
        aisles={f"{number}": number * _AISLE_WIDTH for number in range(case.aisles)},
        racks={f"{number}": (number + 1) * _RACK_WIDTH for number in range(_RACKS)},
        cross_aisles=tuple(ways),
        depot_aisle="0",
    )


def lines(case: Case, rng: Random) -> list[PickingLine]:
    """One list, its goods anywhere, in no order."""
    return [_line(case, number, rng) for number in range(case.picks)]


def _line(case: Case, number: int, rng: Random) -> PickingLine:
    kind = rng.random()
    return PickingLine(
        sku=f"S{number}",
        product_id=f"P{number}",
        name="",
        quantity=1,
        bin=f"A-{rng.randrange(case.aisles)}-{rng.randrange(_RACKS)}-1",
        weight_g=HEAVY_G if kind > 1 - case.delicate else 100,
        length_mm=1,
        width_mm=1,
        height_mm=1,
        fragile=kind < case.delicate,
    )
