"""The form with which a customer asks for a return, as a browser sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl
from uuid import uuid4

from domain.cleaning import MAX_LINES
from domain.reading import printable
from domain.return_causes import ReturnCause, reason_of

NOTE_LIMIT = 400

_LINE = "line-"
_LINES = re.compile(_LINE + "([1-9][0-9]{0,2})")
_ONCE = re.compile("[0-9a-f]{32}")
_OTHER_FIELDS = 10
_CAUSES = {cause.value: cause for cause in ReturnCause}


@dataclass(frozen=True)
class ReturnForm:
    """What somebody filled in, right or wrong; `units` are by line number, as they were typed.

    `once` was drawn when the form was shown: what is sent twice with it is one return.
    """

    once: str = ""
    units: Mapping[int, str] = field(default_factory=dict)
    kind: str = ""
    cause: ReturnCause | None = None
    note: str = ""

    @property
    def chosen(self) -> dict[int, str]:
        """The lines of which anything is to be returned."""
        return {number: typed for number, typed in self.units.items() if typed.strip("0 ")}

    @property
    def remark(self) -> str:
        """What was written, on one line: a browser counts its line breaks in another way."""
        return " ".join(printable(self.note).split())

    def body(self) -> dict[str, object]:
        """The same as the shop's backend would send it."""
        items = [{"lineNo": number, "quantity": typed} for number, typed in self.chosen.items()]
        return {
            "items": items or None,
            "kind": self.kind,
            "reason": reason_of(self.cause, self.remark),
        }

    def fields(self) -> dict[str, str]:
        """The form's fields, to be sent once more."""
        return {
            "once": self.once,
            **{f"{_LINE}{number}": typed for number, typed in self.units.items()},
            "kind": self.kind,
            "cause": self.cause or "",
            "note": self.note,
        }

    def drawn(self) -> ReturnForm:
        """The same under a new name: sending it is another return."""
        return replace(self, once=uuid4().hex)


def read_form(body: bytes) -> ReturnForm:
    """What a browser sent; empty where it makes no sense."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=MAX_LINES + _OTHER_FIELDS,
        )
    except ValueError:
        return ReturnForm()
    sent = dict(reversed(pairs))
    once = sent.get("once", "")
    return ReturnForm(
        once=once if _ONCE.fullmatch(once) else "",
        units={
            int(named[1]): typed.strip()[:20]
            for name, typed in pairs
            if (named := _LINES.fullmatch(name))
        },
        kind=sent.get("kind", "")[:20],
        cause=_CAUSES.get(sent.get("cause", "")),
        note=printable(sent.get("note", ""), multiline=True),
    )
