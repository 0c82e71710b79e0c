"""Which units of an order a refund is asked for: lines by number or by SKU."""

from __future__ import annotations

from collections.abc import Mapping

from domain.cleaning import MAX_LINES, MAX_QUANTITY
from domain.reading import Fields, as_fields

# An order's lines of one SKU are merged.
_MOST = MAX_LINES * MAX_QUANTITY


def read_items(fields: Fields, skus: Mapping[int, str]) -> dict[int, int]:
    """The units by line number at `items`, noting all that is wrong; empty if there are none.

    `skus` are the order's, by line number.
    """
    raw = fields.get("items")
    if raw is None:
        return {}
    if not isinstance(raw, list) or not raw:
        fields.note("not_a_list", "items", "send a list of lines, at least one")
        return {}
    if len(raw) > MAX_LINES:
        fields.note("too_many", "items", f"send at most {MAX_LINES} lines")
    units: dict[int, int] = {}
    for index, part in enumerate(raw[:MAX_LINES]):
        item = as_fields(part, f"items[{index}]", fields.problems)
        line_no = _line_no(item, skus)
        quantity = item.integer("quantity", 1, _MOST)
        if line_no in units:
            item.note("line_repeated", _named_by(item), f"line {line_no} is listed twice")
        elif line_no:
            units[line_no] = quantity
    return units


def _line_no(item: Fields, skus: Mapping[int, str]) -> int:
    """The line that is meant; 0 if there is none."""
    sku = item.text("sku", 64)
    if item.get("lineNo") is None:
        return _line_of(item, sku, skus)
    line_no = item.integer("lineNo", 1, MAX_LINES)
    if line_no and line_no not in skus:
        item.note("unknown_line", "lineNo", f"the order has no line {line_no}")
    elif line_no and sku and skus[line_no] != sku:
        item.note("sku_mismatch", "sku", f"line {line_no} has the SKU {skus[line_no]}")
    else:
        return line_no
    return 0


def _line_of(item: Fields, sku: str, skus: Mapping[int, str]) -> int:
    """The line with this SKU, of which an order has one at most; 0 if there is none."""
    for line_no, known in skus.items():
        if known == sku:
            return line_no
    if sku:
        item.note("unknown_line", "sku", f"the order has no line of {sku}")
    elif not item.get("sku"):
        item.note("required", "lineNo", "send the line's lineNo, or its sku")
    return 0


def _named_by(item: Fields) -> str:
    return "sku" if item.get("lineNo") is None else "lineNo"
