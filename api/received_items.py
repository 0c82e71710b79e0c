"""What a warehouse found in a return, by line or SKU."""

from __future__ import annotations

from collections.abc import Mapping

from domain.cleaning import MAX_LINES, MAX_QUANTITY
from domain.reading import Fields, as_fields
from domain.returns import ReceivedUnits

_MOST = MAX_LINES * MAX_QUANTITY


def read_received(fields: Fields, skus: Mapping[int, str]) -> dict[int, ReceivedUnits]:
    """The units at `items` by line number, noting all that is wrong; `skus` are the return's."""
    raw = fields.get("items")
    if not isinstance(raw, list) or not raw:
        fields.note("not_a_list", "items", "send a list of lines, at least one")
        return {}
    found: dict[int, ReceivedUnits] = {}
    for index, part in enumerate(raw[:MAX_LINES]):
        item = as_fields(part, f"items[{index}]", fields.problems)
        line_no = _line_no(item, skus)
        units = ReceivedUnits(
            resellable=_count(item, "resellable"), damaged=_count(item, "damaged")
        )
        if line_no in found:
            item.note("line_repeated", "lineNo", f"line {line_no} is listed twice")
        elif line_no:
            found[line_no] = units
    return found


def _count(item: Fields, name: str) -> int:
    return 0 if item.get(name) is None else item.integer(name, 0, _MOST)


def _line_no(item: Fields, skus: Mapping[int, str]) -> int:
    """The line that is meant; 0 if there is none."""
    sku = item.text("sku", 64)
    if item.get("lineNo") is None:
        line_no = next((number for number, known in skus.items() if known == sku), 0)
        if not line_no:
            item.note("unknown_line", "sku", f"the return has no line of {sku or 'no SKU'}")
        return line_no
    line_no = item.integer("lineNo", 1, MAX_LINES)
    if line_no and line_no not in skus:
        item.note("unknown_line", "lineNo", f"the return has no line {line_no}")
        return 0
    return line_no
