"""Changes of a stock level that have a number of their own: a receipt, a count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import inventory, ledger
from domain.errors import PermanentError
from domain.inventory import MovementReason


@dataclass(frozen=True, slots=True)
class Booking:
    """So many units of one SKU come into one warehouse, or leave it if `quantity` is negative."""

    reference: str
    warehouse_id: str
    sku: str
    quantity: int
    at: datetime


class NoShelf(PermanentError):
    """The warehouse does not keep this SKU."""


class ReferenceTaken(PermanentError):
    """The same receipt or count was booked with another quantity."""


async def is_booked(session: AsyncSession, reason: MovementReason, booking: Booking) -> bool:
    """Whether it was booked before; the shelf is locked from now on.

    Raises:
        NoShelf: the warehouse does not keep this SKU.
        ReferenceTaken: it was booked with another quantity.
    """
    levels = await inventory.lock_stock(session, [booking.sku])
    if booking.warehouse_id not in {level.warehouse_id for level in levels}:
        raise NoShelf(f"{booking.warehouse_id} has no shelf for {booking.sku}")
    before = await ledger.moved_before(
        session, reason, booking.warehouse_id, booking.sku, booking.reference
    )
    if before not in {None, booking.quantity}:
        raise ReferenceTaken(
            f"{booking.reference} was {reason} with {before:+} × {booking.sku} in"
            f" {booking.warehouse_id} already, and says {booking.quantity:+} now"
        )
    return before is not None


async def book(session: AsyncSession, reason: MovementReason, booking: Booking) -> None:
    """Change the level and the ledger, once per reason and reference."""
    await ledger.move_stock(session, reason, [booking], booking.reference, booking.at)
