"""The parts of an order: what each warehouse picks and ships of it, and what that makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from domain.order import Value
from domain.statuses import OrderStatus, ShippingStatus


class PartState(StrEnum):
    """How far a part has come; a `dropped` one was refused, called off, or lost on its way."""

    OFFERED = "offered"
    PICKING = "picking"
    SHIPPED = "shipped"
    DROPPED = "dropped"


class Part(Value):
    """What one warehouse has of an order; `parcel` says where it is once it has left."""

    warehouse_id: str
    picking_list_id: str = ""
    state: PartState
    parcel: ShippingStatus | None = None


class Standing(Value):
    """Where an order and its goods stand, as far as its parts tell."""

    status: OrderStatus
    shipping: ShippingStatus


_S = ShippingStatus

# What an order with several parcels shows: trouble first, then the parcel that is farthest behind.
_SLOWEST_FIRST = (_S.EXCEPTION, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELIVERED, _S.RETURNED)


def standing_of(parts: Sequence[Part]) -> Standing | None:
    """What an order's parts make of it; nothing until every warehouse has answered.

    The order is processing while anything is still picked, shipped when all has left, and
    delivered when every parcel is at its end and one of them at the door.
    """
    kept = [part for part in parts if part.state is not PartState.DROPPED]
    states = {part.state for part in kept}
    if not kept or PartState.OFFERED in states:
        return None
    if PartState.PICKING in states:
        return Standing(status=OrderStatus.PROCESSING, shipping=_S.PICKING)
    parcels = {part.parcel for part in kept}
    shipping = next(status for status in _SLOWEST_FIRST if status in parcels)
    arrived = shipping is _S.DELIVERED
    return Standing(
        status=OrderStatus.DELIVERED if arrived else OrderStatus.SHIPPED, shipping=shipping
    )
