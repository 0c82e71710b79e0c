"""What a warehouse could not send after all, and what becomes of it.

The customer's side is one rule: what is not in the parcel is not paid for, its money goes back,
and the rest is sent. The stock's side depends on the warehouse's code:

| code | the units | because |
| --- | --- | --- |
| `not_found` | are written off | they are not where the books have them |
| `damaged` | are written off | nobody can be sold them |
| any other, or none | are back on their shelf | the warehouse did not send them, but has them |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from pydantic import Field

from domain.order import Value


class Fate(StrEnum):
    """What becomes of units that were to be sent."""

    WRITTEN_OFF = "written_off"
    RESTOCKED = "restocked"


class MissingLine(Value):
    """Units of one SKU that a warehouse does not send; `code` is its word for why."""

    sku: str
    quantity: int = Field(gt=0)
    code: str = ""
    message: str = ""


class MissingGoods(MissingLine):
    """The same, and in which warehouse."""

    warehouse_id: str


_FATES = {"not_found": Fate.WRITTEN_OFF, "damaged": Fate.WRITTEN_OFF}


def fate_of(code: str) -> Fate:
    """What becomes of units that are missing for this reason."""
    return _FATES.get(code.strip().lower(), Fate.RESTOCKED)


def missing_units(
    missing: Iterable[MissingLine], listed: Mapping[str, int]
) -> dict[Fate, dict[str, int]]:
    """Units by fate and SKU, at most as many as were `listed` of each; others are not ours."""
    left = Counter(listed)
    found: dict[Fate, dict[str, int]] = {fate: {} for fate in Fate}
    for line in missing:
        units = min(line.quantity, left[line.sku])
        if units > 0:
            left[line.sku] -= units
            fate = found[fate_of(line.code)]
            fate[line.sku] = fate.get(line.sku, 0) + units
    return found


def worded(missing: Iterable[MissingLine]) -> str:
    """What is missing and why, for the timeline and for the customer."""
    return "; ".join(
        f"{line.quantity} × {line.sku}: {line.message or line.code or 'not sent'}"
        for line in missing
    )
