"""One call of PayPal's API, and what an operation does with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sandbox.simulator.paypal.errors import Shape
from sandbox.simulator.paypal.params import Body


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated, parsed request. `reference` is the id in its path.

    `full`: it prefers the whole representation. With a `slow_bank` a refund stays pending.
    """

    operation: str
    reference: str
    body: Body
    raw: bytes
    request_id: str
    debug_id: str
    full: bool
    slow_bank: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One operation: `do` gives the id of what it made or found, `show` shows that as it is now."""

    method: Literal["GET", "POST"]
    path: str
    do: Callable[[Call], str]
    show: Callable[[str, Call], Shape]
    creates: bool = False
