"""A warehouse's floor: parallel aisles, the cross-aisles that join them, and where each bin is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from pydantic import model_validator

from domain.order import Value

# Zone, aisle, rack and level: `A-07-03-2`. The zone is for people, and a level costs no steps.
_BIN = re.compile(r"[^-]+-(?P<aisle>[^-]+)-(?P<rack>[^-]+)-(?P<level>[^-]+)")


class Spot(NamedTuple):
    """A place to stop at: an aisle, counted from the left, and millimeters from the front."""

    aisle: int
    y: int


class WarehouseLayout(Value):
    """The floor of one warehouse, in millimeters.

    `aisles` holds how far right each aisle is, and `racks` how far from the front each rack of
    every aisle, by their numbers in the bins' codes. `cross_aisles` are the ways across, from the
    front (0) to the back. The depot is at the front of `depot_aisle`. Both sides of an aisle are
    within reach.
    """

    warehouse_id: str
    aisles: Mapping[str, int]
    racks: Mapping[str, int]
    cross_aisles: tuple[int, ...]
    depot_aisle: str

    @model_validator(mode="after")
    def _holds_together(self) -> WarehouseLayout:
        ways = self.cross_aisles
        if len(ways) < 2 or ways[0] != 0 or list(ways) != sorted(set(ways)):
            raise ValueError("cross-aisles run from 0 at the front to the back, each once")
        if self.depot_aisle not in self.aisles:
            raise ValueError("the depot is at the front of one of the aisles")
        if len(set(self.aisles.values())) != len(self.aisles):
            raise ValueError("no two aisles are in the same place")
        if not all(0 <= y <= ways[-1] for y in self.racks.values()):
            raise ValueError("racks are between the front and the back")
        return self

    @property
    def single_block(self) -> bool:
        """Whether there is no way across but at the front and at the back."""
        return len(self.cross_aisles) == 2

    @property
    def depth(self) -> int:
        """From the front to the back, in millimeters."""
        return self.cross_aisles[-1]

    @cached_property
    def aisle_places(self) -> tuple[int, ...]:
        """How far right each aisle is, from left to right; `Spot.aisle` counts these."""
        return tuple(sorted(self.aisles.values()))

    @cached_property
    def depot(self) -> Spot:
        """Where a picker's round begins and ends."""
        return Spot(self.aisle_places.index(self.aisles[self.depot_aisle]), 0)

    def spot(self, bin_code: str) -> Spot | None:
        """Where a bin is; nothing for one that is not on this floor."""
        match = _BIN.fullmatch(bin_code.strip())
        if match is None:
            return None
        x, y = self.aisles.get(match["aisle"]), self.racks.get(match["rack"])
        if x is None or y is None:
            return None
        return Spot(self.aisle_places.index(x), y)

    def steps(self, here: Spot, there: Spot) -> int:
        """The shortest way between two spots, in millimeters."""
        if here.aisle == there.aisle:
            return abs(here.y - there.y)
        across = abs(self.aisle_places[here.aisle] - self.aisle_places[there.aisle])
        return across + min(abs(here.y - way) + abs(there.y - way) for way in self.cross_aisles)
