"""The two fonts of every PDF: Noto Sans SC, regular with all its glyphs and bold for labels.

Both are embedded in the file, so a PDF shows Chinese wherever it is opened. License and origin are
in `fonts/`.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "NotoSansSC"
BOLD = "NotoSansSC-Bold"

_FOLDER = Path(__file__).resolve().parent.parent / "fonts"
_FILES = {REGULAR: "NotoSansSC-Regular-all.ttf", BOLD: "NotoSansSC-Bold-gb2312.ttf"}
_MISSING = "□"


@cache
def register_fonts() -> None:
    """Load the fonts, once for the process (about 60 ms), and make output reproducible.

    The same content gives the same bytes, so a repeated attempt sends the same file.
    """
    rl_config.invariant = 1
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(_FOLDER / file)))
    pdfmetrics.registerFontFamily(
        REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD
    )


def printable(text: str, font: str = REGULAR) -> str:
    """The text with what the font cannot show as `□`, and control characters left out."""
    register_fonts()
    return "".join(_shown(character, _glyphs(font)) for character in text)


def markup(text: str, font: str = REGULAR) -> str:
    """The text as a `Paragraph` takes it: printable, and never read as mark-up."""
    return escape(printable(text, font))


@cache
def _glyphs(font: str) -> frozenset[int]:
    loaded = pdfmetrics.getFont(font)
    assert isinstance(loaded, TTFont)
    return frozenset(loaded.face.charToGlyph)


def _shown(character: str, glyphs: frozenset[int]) -> str:
    if character in "\n\t":
        return " "
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return ""
    return character if ord(character) in glyphs else _MISSING
