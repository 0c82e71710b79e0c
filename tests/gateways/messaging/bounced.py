"""Delivery reports as mail systems write them, about one mail of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NOTIFICATION = "N5TVX6Z0QJ8H4M2K1C9W7B3E0R"
MESSAGE_ID = f"<{NOTIFICATION}@shop.example.com>"

_REPORTS = Path(__file__).parent / "reports"


def report(name: str, changes: Mapping[str, str] | None = None) -> bytes:
    """A recorded mail with lines as on the wire; every text in `changes` must be there."""
    text = (_REPORTS / f"{name}.eml").read_text()
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text.replace("\n", "\r\n").encode()
