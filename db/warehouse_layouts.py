"""The warehouses' floors, from a file beside this one: they change with the building, not daily."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from domain.warehouse_layout import WarehouseLayout

LAYOUTS = Path(__file__).parent / "warehouse_layouts.json"


@cache
def warehouse_layouts(file: Path = LAYOUTS) -> Mapping[str, WarehouseLayout]:
    """The floors by their warehouses' ids; the file has them in meters.

    Raises:
        ValueError: a floor in the file does not hold together.
    """
    entries: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    layouts = [_layout(entry) for entry in entries]
    return {layout.warehouse_id: layout for layout in layouts}


def _layout(entry: Mapping[str, Any]) -> WarehouseLayout:
    return WarehouseLayout(
        warehouse_id=entry["warehouse_id"],
        aisles={number: _millimeters(place) for number, place in entry["aisles"].items()},
        racks={number: _millimeters(place) for number, place in entry["racks"].items()},
        cross_aisles=tuple(_millimeters(place) for place in entry["cross_aisles"]),
        depot_aisle=entry["depot_aisle"],
    )


def _millimeters(meters: float) -> int:
    return round(meters * 1000)
