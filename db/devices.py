"""Where customers get push messages, and which message reached which device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from db import base
from domain.notification import Device, DeviceKind

# A customer has a few devices; more is somebody playing with the registration.
MOST_DEVICES = 10


class DeviceState(StrEnum):
    """Whether a device can still be reached."""

    ACTIVE = "active"
    GONE = "gone"


class PushDevice(SQLModel, table=True):
    """One app installation or browser; `target` is unique, whoever signed in last has it."""

    __tablename__ = "push_devices"
    __table_args__ = (base.one_of("kind", DeviceKind), base.one_of("state", DeviceState))

    id: str = Field(sa_column=base.text(primary_key=True))
    customer_id: str = Field(sa_column=base.text(index=True))
    kind: str = Field(sa_column=base.text())
    target: str = Field(sa_column=base.text(unique=True))
    p256dh: str = Field(sa_column=base.text(""))
    auth: str = Field(sa_column=base.text(""))
    state: str = Field(sa_column=base.text(DeviceState.ACTIVE))
    registered_at: datetime = Field(sa_column=base.instant(nullable=False))


class PushDelivery(SQLModel, table=True):
    """A message that a device's provider accepted; it is not sent to this device again."""

    __tablename__ = "push_deliveries"

    notification_id: str = Field(sa_column=base.reference("notifications.id", primary_key=True))
    device_id: str = Field(sa_column=base.reference("push_devices.id", primary_key=True))
    provider: str = Field(sa_column=base.text())
    message_id: str = Field(sa_column=base.text())
    at: datetime = Field(sa_column=base.instant(nullable=False))


async def register_device(
    session: AsyncSession, customer_id: str, device: Device, at: datetime
) -> str:
    """Keep a device, or move it to the customer who uses it now; its id."""
    values = {
        "customer_id": customer_id,
        "p256dh": device.p256dh,
        "auth": device.auth,
        "state": DeviceState.ACTIVE,
        "registered_at": at,
    }
    device_id = await session.scalar(
        insert(PushDevice)
        .values(id=device.id, kind=device.kind, target=device.target, **values)
        .on_conflict_do_update(index_elements=["target"], set_=values)
        .returning(col(PushDevice.id))
    )
    assert device_id is not None
    return str(device_id)


async def forget_device(session: AsyncSession, device_id: str) -> None:
    """Never send to a device again, until it registers anew."""
    await session.execute(
        update(PushDevice)
        .where(col(PushDevice.id) == device_id)
        .values(state=DeviceState.GONE)
        .execution_options(synchronize_session=False)
    )


async def devices_of(session: AsyncSession, customer_id: str) -> Sequence[Device]:
    """The devices on which a customer can be reached, the newest first."""
    if not customer_id:
        return ()
    rows = await session.scalars(
        select(PushDevice)
        .where(
            col(PushDevice.customer_id) == customer_id,
            col(PushDevice.state) == DeviceState.ACTIVE,
        )
        .order_by(col(PushDevice.registered_at).desc(), col(PushDevice.id))
        .limit(MOST_DEVICES)
    )
    return tuple(
        Device(
            id=row.id,
            kind=DeviceKind(row.kind),
            target=row.target,
            p256dh=row.p256dh,
            auth=row.auth,
        )
        for row in rows
    )


async def reached(session: AsyncSession, notification_id: str) -> Sequence[PushDelivery]:
    """The devices that a message got to, oldest first."""
    rows = await session.scalars(
        select(PushDelivery)
        .where(col(PushDelivery.notification_id) == notification_id)
        .order_by(col(PushDelivery.at), col(PushDelivery.device_id))
    )
    return list(rows)


async def note_delivery(
    session: AsyncSession, notification_id: str, device_id: str, provider: str, message_id: str
) -> None:
    """A device's provider accepted a message."""
    await session.execute(
        insert(PushDelivery)
        .values(
            notification_id=notification_id,
            device_id=device_id,
            provider=provider,
            message_id=message_id,
            at=func.now(),
        )
        .on_conflict_do_nothing(index_elements=["notification_id", "device_id"])
    )
