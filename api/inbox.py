"""A verified callback's way into the inbox, and from there to its order's workflow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.exceptions import TemporalError

from activities.inbox import PAYMENT_PREFIX, SUPPLIER, WAREHOUSE, find_callback_payment
from api import outages
from api.overview import find_brief
from api.problems import Refusal
from api.resources import Resources
from db.callbacks import Callback, store_callback
from db.fulfillment import find_shipment_by_number

log = logging.getLogger("orderflow.api")

# Providers wait about five seconds for their acknowledgement.
_DELIVERY_PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True)
class Message:
    """One verified callback; `subject` is what it is about, `content` what we read in it."""

    source: str
    event_id: str
    kind: str
    subject: str
    content: Mapping[str, Any]
    body: bytes
    headers: Mapping[str, str]


async def take_in(uses: Resources, message: Message) -> bool:
    """Store a callback and wake its order; true if it had not come before.

    Raises:
        Refusal: it could not be stored.
    """
    callback = await _store(uses, message)
    new = callback.deliveries == 1
    outcome = "stored" if new else "duplicate"
    uses.metrics.callbacks_received.labels(message.source, outcome).inc()
    if callback.applied_at is None:
        await deliver(uses, callback)
    return new


async def _store(uses: Resources, message: Message) -> Callback:
    async with uses.writing() as session:
        content = _storable(dict(message.content))
        subject = _storable(message.subject)
        return await store_callback(
            session,
            source=message.source,
            event_id=_storable(message.event_id),
            kind=_storable(message.kind),
            subject=subject,
            order_id=await _find_order(session, message.source, subject, content),
            headers=dict(message.headers),
            content=content,
            body=message.body,
            at=datetime.now(UTC),
        )


async def _find_order(
    session: AsyncSession, source: str, subject: str, content: dict[str, Any]
) -> str:
    """The order that it is about; empty when we know none (yet)."""
    if source.startswith(PAYMENT_PREFIX):
        payment = await find_callback_payment(session, source, content)
        return payment.order_id if payment else ""
    if source == SUPPLIER:
        return ""
    if source == WAREHOUSE:
        return subject if await find_brief(session, subject) else ""
    shipment = await find_shipment_by_number(session, subject)
    return shipment.order_id if shipment else ""


async def deliver(uses: Resources, callback: Callback) -> None:
    """Try once, briefly; the sweep goes on trying."""
    cause: str
    try:
        async with (
            asyncio.timeout(_DELIVERY_PATIENCE.total_seconds()),
            outages.temporal(_DELIVERY_PATIENCE),
            outages.database(),
        ):
            if (await uses.courier.deliver(callback)).arrived:
                return
            cause = "nobody waits for it yet"
    except (Refusal, TemporalError, SQLAlchemyError, TimeoutError) as error:
        cause = type(error).__name__
    uses.metrics.callbacks_undelivered.labels(callback.source).inc()
    log.warning(
        "callback_not_delivered",
        extra={"callback_id": callback.id, "source": callback.source, "cause": cause},
    )


def _storable(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """The same without NUL characters, which PostgreSQL cannot store in text or JSON."""
    match value:
        case str():
            return value.replace("\x00", "")
        case dict():
            return {_storable(key): _storable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_storable(inner) for inner in value]
        case _:
            return value
