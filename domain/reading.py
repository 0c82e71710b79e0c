"""Reading typed values out of untrusted JSON: nothing here raises, every misfit is noted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic.alias_generators import to_snake

from domain.order import Problem

MAX_AMOUNT = Decimal(10) ** 10

_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
# Zero-width joiners belong to emoji and to several scripts; other format characters only deceive.
_JOINERS = "\u200c\u200d"


def printable(text: str, *, multiline: bool = False) -> str:
    """`text` without NUL, control characters, bidi overrides and lone surrogates, trimmed.

    Line breaks and tabs become spaces, or stay when `multiline`.
    """
    if not text.isprintable():
        text = "".join(_kept(character, multiline=multiline) for character in text)
    return text.strip()


def _kept(character: str, *, multiline: bool) -> str:
    if character in "\n\t" and multiline:
        return character
    if character.isspace():
        return " "
    if unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in _JOINERS:
        return ""
    return character


def as_is(text: str) -> str:
    """`text` unchanged."""
    return text


@dataclass(frozen=True)
class Fields:
    """One JSON object of a request: its values by camelCase or snake_case name, camelCase first.

    `problems` is shared by all objects of the request; paths in it are camelCase. An object that
    was not one is `ghost`: its fields are empty and it has no further problems.
    """

    values: Mapping[object, object]
    path: str
    problems: list[Problem]
    ghost: bool = False

    def get(self, name: str) -> object:
        """The raw value of the camelCase `name`; None when it is missing."""
        return self.values[name] if name in self.values else self.values.get(to_snake(name))

    def at(self, name: str) -> str:
        """The path of `name` in the request."""
        return f"{self.path}.{name}" if self.path else name

    def note(self, code: str, name: str, message: str) -> None:
        """Note a problem of the field `name`."""
        if not self.ghost:
            self.problems.append(Problem(code=code, field=self.at(name), message=message))

    def child(self, name: str) -> Fields:
        """The object at `name`; a missing one is an object without fields."""
        raw = self.get(name)
        if self.ghost:
            return Fields({}, self.at(name), self.problems, ghost=True)
        return as_fields({} if raw is None else raw, self.at(name), self.problems)

    def text(
        self,
        name: str,
        limit: int,
        shape: Callable[[str], str] = as_is,
        *,
        required: bool = False,
        multiline: bool = False,
    ) -> str:
        """The printable text at `name`, brought into `shape`; empty when it cannot be used."""
        raw = self.get(name)
        if raw is not None and not isinstance(raw, str):
            self.note("invalid_type", name, "send a string")
            return ""
        # Far too long is refused unread: cleaning megabytes would be a gift to an attacker.
        fits = raw is None or len(raw) <= 4 * limit + 100
        cleaned = shape(printable(raw, multiline=multiline)) if raw and fits else ""
        if not fits or len(cleaned) > limit:
            self.note("too_long", name, f"send at most {limit} characters")
            return ""
        if required and not cleaned:
            self.note("required", name, "this field is required")
        return cleaned

    def flag(self, name: str) -> bool:
        """The optional yes or no at `name`; no when it cannot be used."""
        raw = self.get(name)
        if raw is not None and not isinstance(raw, bool):
            self.note("invalid_type", name, "send true or false")
            return False
        return bool(raw)

    def integer(self, name: str, low: int, high: int) -> int:
        """The required whole number at `name`, `low` to `high`; 0 when it cannot be used."""
        raw = self.get(name)
        if raw is None or raw == "":
            self.note("required", name, f"send a whole number from {low} to {high}")
            return 0
        number = _whole(raw)
        if number is None:
            self.note("not_an_integer", name, f"send a whole number from {low} to {high}")
        elif not low <= number <= high:
            self.note("out_of_range", name, f"send a whole number from {low} to {high}")
        else:
            return number
        return 0

    def amount(self, name: str) -> Decimal | None:
        """The optional amount of money at `name`, in major units; None when it cannot be used."""
        raw = self.get(name)
        if raw is None or raw == "":
            return None
        amount = _decimal(raw)
        if amount is None:
            self.note("not_an_amount", name, 'send an amount as a decimal string, e.g. "19.90"')
        elif not 0 <= amount <= MAX_AMOUNT:
            self.note("out_of_range", name, f"send an amount from 0 to {MAX_AMOUNT}")
        else:
            return amount
        return None


def as_fields(raw: object, path: str, problems: list[Problem]) -> Fields:
    """`raw` as an object; notes `not_an_object` when it is something else."""
    if isinstance(raw, dict):
        return Fields(raw, path, problems)
    problems.append(Problem(code="not_an_object", field=path, message="send a JSON object"))
    return Fields({}, path, problems, ghost=True)


def _whole(raw: object) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and len(raw) < 100 and _INTEGER.fullmatch(raw.strip()):
        return int(raw)
    return None


def _decimal(raw: object) -> Decimal | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        # Out of range either way; a huge int must not be spelled out.
        return Decimal(raw) if abs(raw) <= MAX_AMOUNT else Decimal(raw > 0) * 2 * MAX_AMOUNT - 1
    if isinstance(raw, float | Decimal):
        exact = Decimal(str(raw))
        return exact if exact.is_finite() else None
    if isinstance(raw, str) and len(raw) < 100 and _AMOUNT.fullmatch(raw.strip()):
        return Decimal(raw.strip())
    return None
