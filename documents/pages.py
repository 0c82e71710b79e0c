"""What our printed pages have in common: paper, colors, type, and a foot that counts the pages."""

from __future__ import annotations

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from documents.fonts import BOLD, REGULAR, printable

INK = HexColor("#1d2a28")
QUIET = HexColor("#6b7280")
RULE = HexColor("#d9e0de")
WASH = HexColor("#f3f5f4")
ACCENT = HexColor("#0f766e")

MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN

_FOOT_SIZE = 7.5


def style(
    size: float, *, bold: bool = False, quiet: bool = False, right: bool = False
) -> ParagraphStyle:
    """How a paragraph looks; Chinese and long words both break at the column's edge."""
    return ParagraphStyle(
        f"{size}{bold}{quiet}{right}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=round(size * 1.45, 1),
        textColor=QUIET if quiet else INK,
        alignment=TA_RIGHT if right else TA_LEFT,
        wordWrap="CJK",
    )


def pages_with_foot(
    foot: str, *, page: str = "{page} / {pages}", margin: float = MARGIN
) -> type[Canvas]:
    """A canvas that writes `foot` at the left of each page's foot, and its number at the right."""

    class Counted(Canvas):
        """Keeps each page back until the last one is there: only then is their number known."""

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]  # reportlab's own, passed on
            self._kept: list[dict[str, object]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab calls it by this name
            self._kept.append(dict(self.__dict__))
            self._startPage()  # type: ignore[attr-defined]  # no other way to hold a page back

        def save(self) -> None:
            pages = len(self._kept)
            for number, state in enumerate(self._kept, start=1):
                self.__dict__.update(state)
                self._write_foot(page.format(page=number, pages=pages))
                super().showPage()
            super().save()

        def _write_foot(self, right: str) -> None:
            self.saveState()
            self.setStrokeColor(RULE)
            self.setLineWidth(0.4)
            self.line(margin, 14 * mm, A4[0] - margin, 14 * mm)
            self.setFont(REGULAR, _FOOT_SIZE)
            self.setFillColor(QUIET)
            self.drawString(margin, 9.5 * mm, printable(foot))
            self.drawRightString(A4[0] - margin, 9.5 * mm, right)
            self.restoreState()

    return Counted
