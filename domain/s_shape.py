"""The round that pickers walk without a plan, and that a plan is measured against."""

from __future__ import annotations

from collections.abc import Collection

from domain.warehouse_layout import Spot, WarehouseLayout


def s_shape(layout: WarehouseLayout, spots: Collection[Spot], start: Spot) -> list[Spot]:
    """From `start`, at the front, through every aisle with a pick, up one and down the next.

    It begins with the outermost such aisle that is nearer. Of the last aisle, if entered from the
    front, only as much is walked as needs be. The walk ends at the front, `start` again if there
    is nothing to pick.
    """
    aisles = sorted({spot.aisle for spot in spots})
    places = layout.aisle_places
    here = places[start.aisle]
    if aisles and abs(places[aisles[-1]] - here) < abs(places[aisles[0]] - here):
        aisles.reverse()
    walk = [start]
    for number, aisle in enumerate(aisles):
        upward = number % 2 == 0
        within = sorted({spot for spot in spots if spot.aisle == aisle}, reverse=not upward)
        front, back = Spot(aisle, 0), Spot(aisle, layout.depth)
        if not upward:
            walk += [back, *within, front]
        elif number + 1 < len(aisles):
            walk += [front, *within, back]
        else:
            walk += [front, *within, *reversed(within), front]
    return walk
