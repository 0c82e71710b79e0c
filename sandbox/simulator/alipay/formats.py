"""How Alipay writes money (yuan, two decimals), time (Beijing, no offset) and its numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from secrets import choice
from string import digits

_BEIJING = timezone(timedelta(hours=8))
_CLOCK = "%Y-%m-%d %H:%M:%S"
_YUAN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)


def yuan(fen: int) -> str:
    """Write 1234 as "12.34"."""
    return f"{fen // 100}.{fen % 100:02d}"


def fen(text: str) -> int | None:
    """Read "12.34" as 1234; nothing if it is not an amount with at most two decimals."""
    if not _YUAN.fullmatch(text):
        return None
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def clock(moment: float) -> str:
    """Unix seconds as the clock on a wall in Beijing."""
    return _beijing(moment).strftime(_CLOCK)


def clock_with_milliseconds(moment: float) -> str:
    """The same with milliseconds; only `gmt_refund` is written so."""
    return f"{clock(moment)}.{int(moment * 1000) % 1000:03d}"


def moment_of(text: str) -> float | None:
    """Unix seconds of a time written as Alipay wants it, nothing if it is written otherwise."""
    try:
        return datetime.strptime(text, _CLOCK).replace(tzinfo=_BEIJING).timestamp()
    except ValueError:
        return None


def number(now: float, kind: str, length: int) -> str:
    """A number as Alipay makes them: the day, a fixed part, and digits up to `length`."""
    start = _beijing(now).strftime("%Y%m%d") + kind
    return start + "".join(choice(digits) for _ in range(length - len(start)))


def _beijing(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(_BEIJING)
