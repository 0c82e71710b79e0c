"""Heavy goods go into the cart before fragile ones, or they would lie on top of them.

The rule: no heavy pick after a fragile one. Fragile is what the catalog calls so, whatever it
weighs; heavy is any other piece from `HEAVY_G` on; the rest may be picked at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from domain.warehouse_layout import Spot

# Grams. A kettle is heavy, a keyboard is not.
HEAVY_G = 1_000


class Weight(IntEnum):
    """What a piece does to what lies under it, in the order that suits a cart."""

    HEAVY = 0
    LIGHT = 1
    FRAGILE = 2


class Visit(NamedTuple):
    """One stop for goods of one kind."""

    spot: Spot
    weight: Weight


def weight_of(weight_g: int, *, fragile: bool) -> Weight:
    """Which kind a piece of so many grams is."""
    if fragile:
        return Weight.FRAGILE
    return Weight.HEAVY if weight_g >= HEAVY_G else Weight.LIGHT


def keeps(visits: Sequence[Visit]) -> bool:
    """Whether no heavy pick comes after a fragile one."""
    heavy = [at for at, visit in enumerate(visits) if visit.weight is Weight.HEAVY]
    fragile = [at for at, visit in enumerate(visits) if visit.weight is Weight.FRAGILE]
    return not heavy or not fragile or heavy[-1] < fragile[0]


def along(walk: Sequence[Spot], visits: Sequence[Visit]) -> list[Visit]:
    """The visits as a walk comes past them: fragile ones the last time it does, others the first.

    A walk that goes into an aisle and out again so takes the heavy goods on its way in.
    """
    first: dict[Spot, int] = {}
    last: dict[Spot, int] = {}
    for at, spot in enumerate(walk):
        first.setdefault(spot, at)
        last[spot] = at

    def moment(visit: Visit) -> tuple[int, Weight]:
        passings = last if visit.weight is Weight.FRAGILE else first
        return passings[visit.spot], visit.weight

    return sorted(visits, key=moment)
