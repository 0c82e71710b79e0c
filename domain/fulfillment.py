"""Picking lists for the warehouse, and what the warehouse says back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from domain.order import Address, Value


class PickingLine(Value):
    """What to take from which bin; weight in grams, sides in millimetres."""

    sku: str
    product_id: str
    name: str
    quantity: int
    bin: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    fragile: bool


class PickingList(Value):
    """The warehouse's work order for one order. `picking_list_id` is its idempotency key."""

    picking_list_id: str
    order_id: str
    order_number: str
    warehouse_id: str
    priority: Literal["normal", "high"]
    lines: tuple[PickingLine, ...]
    recipient: str
    phone: str
    address: Address
    special_instructions: str = ""
    created_at: datetime


class PickingAccepted(Value):
    """The warehouse will pick it."""

    outcome: Literal["accepted"] = "accepted"
    estimated_ship_at: datetime | None = None


class PickingRefused(Value):
    """The warehouse will not pick it, and says why."""

    outcome: Literal["refused"] = "refused"
    code: str
    message: str


PickingOutcome = Annotated[PickingAccepted | PickingRefused, Field(discriminator="outcome")]


class PickingCancelled(Value):
    """Nothing will be picked: all is back in its place, or the list never arrived."""

    outcome: Literal["cancelled"] = "cancelled"


class PickingTooLate(Value):
    """The parcel has left the warehouse; `code` is the warehouse's own."""

    outcome: Literal["too_late"] = "too_late"
    code: str
    message: str = ""


CancelOutcome = Annotated[PickingCancelled | PickingTooLate, Field(discriminator="outcome")]


class ShippingNews(Value):
    """A verified message from the warehouse. `event_id` is the warehouse's own."""

    event_id: str
    order_id: str
    event: Literal["shipped", "refused"]
    tracking_number: str = ""
    carrier: str = ""
    shipped_at: datetime | None = None
    estimated_delivery: datetime | None = None
    reason: str = ""
