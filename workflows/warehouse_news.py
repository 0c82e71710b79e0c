"""What warehouses tell of one order: each message once, and only what is clear is acted upon."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from temporalio import workflow

from workflows.messages import ShipmentNews

with workflow.unsafe.imports_passed_through():
    from domain.fulfillment import ShippingNews


class Clarity(Enum):
    """What a message says about an order's picking lists, as they are now."""

    CLEAR = auto()
    # It could be about any of several lists; once one alone waits, it is about that one.
    AMBIGUOUS = auto()
    # It is about a list that does not wait for news, or that the order does not have.
    NOT_OPEN = auto()


class WarehouseNews:
    """The messages that wait; `judge` says what one of them means at the moment."""

    def __init__(self, judge: Callable[[ShippingNews], Clarity]) -> None:
        self._judge = judge
        self._fresh: list[ShipmentNews] = []
        # Ambiguous, and people know of it.
        self._unclear: list[ShipmentNews] = []
        self._heard: set[int] = set()

    def hear(self, message: ShipmentNews) -> None:
        """Keep a message; the inbox delivers one again as long as nothing has come of it."""
        if message.callback_id not in self._heard:
            self._fresh.append(message)
        if message.callback_id:
            self._heard.add(message.callback_id)

    @property
    def ready(self) -> bool:
        """Whether there is anything to act upon, or to tell people."""
        return bool(self._fresh or self._clear_by_now)

    def take(self) -> ShipmentNews:
        """The oldest message that something can be done about; only if one is `ready`."""
        if self._fresh:
            return self._fresh.pop(0)
        message = self._clear_by_now[0]
        self._unclear.remove(message)
        return message

    def keep(self, message: ShipmentNews) -> None:
        """Put back an ambiguous message that people have been told of, until it is clear."""
        self._unclear.append(message)

    @property
    def _clear_by_now(self) -> list[ShipmentNews]:
        return [
            message
            for message in self._unclear
            if self._judge(message.news) is not Clarity.AMBIGUOUS
        ]
