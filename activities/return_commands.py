"""What the steps of after-sales are told, and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from domain.money import Money
from domain.order import Value
from domain.returns import ReceivedUnits, Refusal, Requester, ReturnCase, ReturnKind, ReturnState


class OpenAfterSales(Value):
    """Look at what was delivered, and at what is being returned already.

    `wanted_back` is why the customer cancelled the order when it was on its way.
    """

    order_id: str
    wanted_back: str = ""
    at: datetime


class AfterSalesOpened(Value):
    """Until when the customer may ask for returns (UTC; never if nothing was delivered)."""

    order_number: str
    window_ends: datetime | None = None
    cases: tuple[ReturnCase, ...] = ()


class RequestReturn(Value):
    """Somebody wants to send units back, by line number; the same id asks once."""

    return_id: str
    order_id: str
    kind: ReturnKind
    lines: dict[int, int]
    reason: str = ""
    requested_by: Requester = "customer"
    at: datetime


class DecideReturn(Value):
    """An operator approves a return, or rejects it."""

    return_id: str
    approve: bool
    reason: str = ""
    at: datetime


class ReceiveReturn(Value):
    """The goods have come back; without a warehouse, to the one that sent them."""

    return_id: str
    lines: dict[int, ReceivedUnits]
    warehouse_id: str = ""
    at: datetime


class SettleReturn(Value):
    """The return has come to its end."""

    return_id: str
    state: ReturnState
    amount: Money | None = None
    at: datetime


class PlaceReplacement(Value):
    """Make an order of what a return's goods are exchanged for."""

    order_id: str
    return_id: str
    at: datetime


class ConfirmReplacement(Value):
    """Its stock is held, and nothing is to be paid: it goes to the warehouse."""

    order_id: str
    at: datetime


class ReturnTaken(Value):
    """The return as it is in the books now; `waiting_orders` can have what has come back.

    `lacking` are units, by line number, that were exchanged and have not come.
    """

    outcome: Literal["taken"] = "taken"
    case: ReturnCase
    lacking: dict[int, int] = Field(default_factory=dict)
    waiting_orders: tuple[str, ...] = ()


class ReturnRefused(Value):
    """Nothing was changed, and why."""

    outcome: Literal["refused"] = "refused"
    code: Refusal
    reason: str


class ReturnResult(Value):
    """What came of a step."""

    result: Annotated[ReturnTaken | ReturnRefused, Field(discriminator="outcome")]
