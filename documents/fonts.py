"""The two fonts of every PDF: Noto Sans SC, regular with all its glyphs and bold for labels.

Both are embedded in the file, so a PDF shows Chinese wherever it is opened. License and origin are
in `fonts/`.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
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

# A box would be taken for a broken font, and on a picking list for one to tick.
_MISSING = "[?]"
_GAP = "\ufffd"
_GAPS = re.compile(f"{_GAP}+")

# Control and format characters, and what no standard knows.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Emoji, their skin tones and the marks that belong to them: a sentence says the same without.
_ORNAMENTS = frozenset({"So", "Sk", "Mn", "Mc", "Me"})


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
    """The text as the font can show it, with nothing in it that looks broken.

    Emoji and control characters that it lacks are left out, a letter that it lacks becomes the
    nearest one that it has (ř an r), and each run of others `[?]`: something is missing there.
    """
    register_fonts()
    composed = unicodedata.normalize("NFC", text)
    shown = "".join(_shown(character, _glyphs(font)) for character in composed)
    return _GAPS.sub(_MISSING, shown)


def markup(text: str, font: str = REGULAR) -> str:
    """The text as a `Paragraph` takes it: printable, and never read as mark-up."""
    return escape(printable(text, font))


@cache
def _glyphs(font: str) -> frozenset[int]:
    loaded = pdfmetrics.getFont(font)
    assert isinstance(loaded, TTFont)
    return frozenset(loaded.face.charToGlyph)


def _shown(character: str, glyphs: frozenset[int]) -> str:
    category = unicodedata.category(character)
    if ord(character) in glyphs and category not in _INVISIBLE:
        return character
    if character.isspace():
        return " "
    if category in _INVISIBLE:
        return ""
    # U+FFFD is a symbol to Unicode, and stands for text that somebody lost.
    lost = _GAP if category not in _ORNAMENTS or character == _GAP else ""
    return _nearest(character, glyphs) or lost


def _nearest(character: str, glyphs: frozenset[int]) -> str:
    """The same in characters that the font has: 𝐀 as A, ł as l; empty if there is no such thing."""
    plain = unicodedata.normalize("NFKC", character)
    if all(ord(part) in glyphs for part in plain):
        return plain
    # LATIN SMALL LETTER L WITH STROKE
    letter, _, accent = unicodedata.name(character, "").partition(" WITH ")
    if accent:
        with suppress(KeyError):
            bare = unicodedata.lookup(letter)
            return bare if ord(bare) in glyphs else ""
    return ""
