"""How customers want to be reached: their devices, and what they chose."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from api.answers import answer
from api.auth import authorize
from api.problems import Problems, refusal
from api.resources import Uses
from db import devices, reachability
from db.reachability import Choice
from domain.ids import derived_id
from domain.notification import Channel, Device, DeviceKind
from domain.notification_rules import Purpose, may_be_silenced
from domain.order import Value
from gateways.messaging.web_push import may_be_called

router = APIRouter(
    prefix="/customers/{customerId}",
    tags=["customers"],
    dependencies=[Depends(authorize)],
    responses={422: {"model": Problems}, 503: {"model": Problems}},
)

CustomerId = Annotated[str, Path(alias="customerId", min_length=1, max_length=100)]


class DeviceBody(Value):
    """A device: FCM's registration token, or a browser's push subscription."""

    kind: DeviceKind
    target: Annotated[str, Field(min_length=10, max_length=2000)]
    p256dh: Annotated[str, Field(max_length=200)] = ""
    auth: Annotated[str, Field(max_length=100)] = ""


class DeviceAnswer(Value):
    """The device's id."""

    device_id: str


class ChoiceBody(Value):
    """A customer's choice for one purpose on one channel."""

    purpose: Purpose
    channel: Channel
    choice: Choice


class ChoicesAnswer(Value):
    """What a customer chose; what is not listed is wanted."""

    choices: tuple[ChoiceBody, ...]


@router.put("/devices", summary="Register a device for push messages", response_model=DeviceAnswer)
async def register(uses: Uses, customer_id: CustomerId, body: DeviceBody) -> Response:
    """Repeating is harmless; a device belongs to the customer who registered it last."""
    if body.kind is DeviceKind.WEB_PUSH:
        if not may_be_called(body.target, uses.push_hosts):
            raise refusal(422, "endpoint_unknown", "not a push service that we call", "target")
        if not (body.p256dh and body.auth):
            raise refusal(422, "required", "a subscription has the keys p256dh and auth", "p256dh")
    device = Device(
        id=derived_id("D", body.kind, body.target),
        kind=body.kind,
        target=body.target,
        p256dh=body.p256dh,
        auth=body.auth,
    )
    async with uses.writing() as session:
        device_id = await devices.register_device(session, customer_id, device, datetime.now(UTC))
    return answer(DeviceAnswer(device_id=device_id))


@router.delete("/devices/{deviceId}", status_code=204, summary="Forget a device")
async def forget(
    uses: Uses,
    customer_id: CustomerId,
    device_id: Annotated[str, Path(alias="deviceId", max_length=100)],
) -> Response:
    """No more push messages there; repeating is harmless."""
    async with uses.writing() as session:
        known = await devices.devices_of(session, customer_id)
        if any(device.id == device_id for device in known):
            await devices.forget_device(session, device_id)
    return Response(status_code=204)


@router.get("/preferences", summary="What a customer chose", response_model=ChoicesAnswer)
async def show(uses: Uses, customer_id: CustomerId) -> Response:
    """The choices that were made."""
    async with uses.reading() as session:
        made = await reachability.choices_of(session, customer_id)
    return answer(
        ChoicesAnswer(
            choices=tuple(
                ChoiceBody(purpose=purpose, channel=channel, choice=choice)
                for (purpose, channel), choice in sorted(made.items())
            )
        )
    )


@router.put("/preferences", status_code=204, summary="Choose what to hear of, and where")
async def choose(uses: Uses, customer_id: CustomerId, body: ChoiceBody) -> Response:
    """The last choice counts. The mail of what is essential cannot be switched off."""
    if body.choice is Choice.UNWANTED and not may_be_silenced(body.purpose, body.channel):
        raise refusal(422, "essential", "customers must hear of this by mail", "choice")
    async with uses.writing() as session:
        await reachability.choose(
            session, customer_id, body.purpose, body.channel, body.choice, datetime.now(UTC)
        )
    return Response(status_code=204)
