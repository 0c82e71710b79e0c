"""Picking lists for the warehouse, and what the warehouse says back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from domain.missing_goods import MissingLine
from domain.order import Address, ServiceLevel, Value

RouteAlgorithm = Literal["ratliff_rosenthal", "exact", "two_opt", "bin_order"]


class PickingLine(Value):
    """What to take from which bin; weight in grams, sides in millimetres, of one piece.

    `step` counts the lines from 1 in the order of their picking. `batch` is what lies in the
    bin, as the maker numbers it; empty if it is not known.
    """

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
    batch: str = ""
    step: int = 0


class PickingRoute(Value):
    """The round that a list's lines are in the order of; in meters, from the depot and back.

    `baseline_distance_m` is the S-shape's, through every aisle with a pick, and `saved_m` the
    difference. `heavy_first_costs_m` is how much shorter a round could be that puts heavy goods
    on top of fragile ones. `exact` is the shortest round under that rule, `bin_order` no round.
    """

    algorithm: RouteAlgorithm = "bin_order"
    distance_m: float = 0
    baseline: Literal["s_shape"] = "s_shape"
    baseline_distance_m: float = 0
    saved_m: float = 0
    heavy_first_costs_m: float = 0
    warnings: tuple[str, ...] = ()


class PickingList(Value):
    """The warehouse's work order for one order. `picking_list_id` is its idempotency key.

    Of two lists, the one with the higher `priority_score` (0 to 100) is picked first; `promised_at`
    is when it has to leave. Lists from before these were known lack them, and a route.
    """

    picking_list_id: str
    order_id: str
    order_number: str
    warehouse_id: str
    priority: Literal["normal", "high"]
    priority_score: int = 0
    service_level: ServiceLevel = "standard"
    promised_at: datetime | None = None
    route: PickingRoute | None = None
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
    """The warehouse will not pick it, and says why; `missing` lines are not there or unfit."""

    outcome: Literal["refused"] = "refused"
    code: str
    message: str
    missing: tuple[MissingLine, ...] = ()


class LateList(Value):
    """An accepted list that was due (UTC) and has not left; `new` if no operator knows of it."""

    picking_list_id: str
    order_id: str
    warehouse_id: str
    due: datetime
    new: bool


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
    """A verified message from a warehouse. `event_id` is the warehouse's own.

    Of an order that several warehouses pick, `picking_list_id` or `warehouse_id` names the part.
    `missing` is what a shipped parcel lacks of its list, or why one was refused.
    """

    event_id: str
    order_id: str
    picking_list_id: str = ""
    warehouse_id: str = ""
    event: Literal["shipped", "refused"]
    tracking_number: str = ""
    carrier: str = ""
    shipped_at: datetime | None = None
    estimated_delivery: datetime | None = None
    reason: str = ""
    missing: tuple[MissingLine, ...] = ()
