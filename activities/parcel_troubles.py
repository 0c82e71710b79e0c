"""What goes wrong with parcels becomes tasks for people, and is forgotten when it is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import orders
from db.fulfillment import Shipment
from db.operator_tasks import close_tasks, open_task
from domain.parcel_exceptions import RESPONSES, ParcelTrouble, solved_by, trouble_of
from domain.tracking import TrackingSnapshot, TrackingStatus


async def look_after(
    session: AsyncSession, shipment: Shipment, snapshot: TrackingSnapshot, at: datetime
) -> ParcelTrouble | None:
    """Open and close the tasks that a carrier's view calls for; what is wrong by now.

    A view that did not move the parcel (its end was reached before) calls for nothing.
    """
    status = TrackingStatus(shipment.status)
    if shipment.given_up_at is not None or snapshot.status not in {status, TrackingStatus.UNKNOWN}:
        return None
    trouble = trouble_of(status, silent=snapshot.silent)
    await close_tasks(session, shipment.id, at, solved_by(status, silent=snapshot.silent))
    if trouble is not None:
        occasion = snapshot.events[-1].occurred_at.isoformat() if snapshot.events else ""
        await open_parcel_task(session, shipment, trouble, occasion, at)
    return trouble


async def open_parcel_task(
    session: AsyncSession, shipment: Shipment, trouble: ParcelTrouble, occasion: str, at: datetime
) -> None:
    """Give an operator what a trouble calls for, once for each `occasion`."""
    response = RESPONSES[trouble]
    key = f"{trouble}:{shipment.tracking_number}:{occasion}"
    await open_task(
        session,
        kind=trouble,
        order_id=shipment.order_id,
        task=response.task,
        dedupe_key=key,
        at=at,
        shipment_id=shipment.id,
        tracking_number=shipment.tracking_number,
        urgent=response.urgent,
    )
    await orders.add_event(
        session,
        shipment.order_id,
        "task_opened",
        at,
        dedupe_key=f"task_opened:{key}",
        task=trouble,
        tracking_number=shipment.tracking_number,
    )
