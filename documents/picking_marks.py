"""What is drawn on a picking list: its code, boxes to tick, and the meters that the route saves."""

from __future__ import annotations

from typing import Literal

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing, Group, Rect, String
from reportlab.lib.colors import Color
from reportlab.lib.units import mm

from documents.fonts import BOLD, REGULAR
from documents.pages import ACCENT, INK, QUIET, RULE, WASH
from domain.fulfillment import PickingRoute

_BAR = 4 * mm
_Anchor = Literal["start", "end"]


def code(content: str, side: float) -> Drawing:
    """A QR code of `content`, `side` points wide."""
    widget = QrCodeWidget(content, barLevel="M", barBorder=0)
    left, bottom, right, top = widget.getBounds()
    drawing = Drawing(side, side)
    drawing.add(Group(widget, transform=(side / (right - left), 0, 0, side / (top - bottom), 0, 0)))
    return drawing


def tick_box() -> Drawing:
    """An empty box for a pencil."""
    drawing = Drawing(4.5 * mm, 4.5 * mm)
    drawing.add(_box(4.2 * mm, 4.2 * mm, fill=None, edge=INK))
    return drawing


def saving_bar(route: PickingRoute, width: float) -> Drawing:
    """The route's length as a part of the S-shape's; what is left over is saved."""
    drawing = Drawing(width, 15 * mm)
    share = route.distance_m / route.baseline_distance_m if route.baseline_distance_m else 1.0
    walked = width * share
    bar = Group(
        _box(width, _BAR, fill=WASH, edge=RULE),
        _box(walked, _BAR, fill=ACCENT, edge=None),
        transform=(1, 0, 0, 1, 0, 5 * mm),
    )
    drawing.add(bar)
    saved = f"省 Saves {route.saved_m:.1f} m ({1 - share:.0%})"
    labels: tuple[tuple[float, float, str, _Anchor, str, Color], ...] = (
        (0.0, 11 * mm, f"路线 Route {route.distance_m:.1f} m", "start", REGULAR, INK),
        (width, 11 * mm, saved, "end", BOLD, ACCENT),
        (0.0, 1 * mm, _how(route), "start", REGULAR, QUIET),
        (width, 1 * mm, f"S 形 S-shape {route.baseline_distance_m:.1f} m", "end", REGULAR, QUIET),
    )
    for x, y, text, anchor, font, color in labels:
        size = 9 if y > _BAR else 7.5
        drawing.add(
            String(x, y, text, fontName=font, fontSize=size, fillColor=color, textAnchor=anchor)
        )
    return drawing


def _box(width: float, height: float, *, fill: Color | None, edge: Color | None) -> Rect:
    box = Rect(0, 0, width, height)
    box.fillColor, box.strokeColor, box.strokeWidth = fill, edge, 0.7
    return box


def _how(route: PickingRoute) -> str:
    ways = {
        "ratliff_rosenthal": "最短路线 Shortest possible round",
        "exact": "先重后轻的最短路线 Shortest round with heavy goods first",
        "two_opt": "近似最短路线 Round improved by 2-opt",
        "bin_order": "按货位顺序 In the order of the bins",
    }
    cost = route.heavy_first_costs_m
    return ways[route.algorithm] + (f"  ·  先重后轻 Heavy first +{cost:.1f} m" if cost else "")
