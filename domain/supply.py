"""Supply orders for the supplier, and what the supplier says back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from domain.inventory import MOST_RECEIVED
from domain.order import Value


class SupplyOrder(Value):
    """So many of one SKU for one warehouse. `supply_id` is its idempotency key."""

    supply_id: str
    warehouse_id: str
    sku: str
    quantity: int = Field(gt=0, le=MOST_RECEIVED)


class SupplyAccepted(Value):
    """The supplier will deliver, as far as it knows at `expected_at`."""

    outcome: Literal["accepted"] = "accepted"
    supplier_ref: str = ""
    expected_at: datetime | None = None


class SupplyRefused(Value):
    """The supplier will not deliver, and says why; `code` is the supplier's own."""

    outcome: Literal["refused"] = "refused"
    code: str
    message: str = ""


SupplyOutcome = Annotated[SupplyAccepted | SupplyRefused, Field(discriminator="outcome")]


class SupplyNews(Value):
    """A verified message from the supplier, or what it answered when it was asked.

    `delivery_id` is its delivery note: the same note is booked once, however often it is told.
    After a delivery that is not `complete`, more of the same supply order will come.
    """

    event_id: str = ""
    supply_id: str
    event: Literal["arrived", "refused"]
    delivery_id: str = ""
    quantity: int = Field(default=0, ge=0, le=MOST_RECEIVED)
    complete: bool = True
    arrived_at: datetime | None = None
    reason: str = ""


class SupplyMessage(Value):
    """The `supply_news` signal of a `RestockWorkflow`; no callback if we asked for the news."""

    news: SupplyNews
    callback_id: int = 0


def receipt_of(news: SupplyNews) -> str:
    """The receipt under which a delivery is booked in."""
    return f"{news.supply_id}/{news.delivery_id}"


def supply_of_receipt(receipt_id: str) -> str:
    """The supply order that a receipt names, if it is a delivery's."""
    supply_id, separator, _ = receipt_id.partition("/")
    return supply_id if separator else ""
