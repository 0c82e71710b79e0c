"""Delivery reports: verified on the raw bytes, kept once, written to their message."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.callbacks import RawBody
from api.problems import Problems, refusal
from api.resources import Uses
from db import orders, reachability
from db.reachability import AddressState
from db.receipts import apply_receipt, keep_receipt
from domain.notification import Channel, Receipt
from domain.unsubscribing import address_key
from gateways.errors import InvalidCallback

log = logging.getLogger("orderflow.api")

router = APIRouter(prefix="/callbacks/messages", tags=["callbacks"])

_SOURCE = "messages"


@router.post(
    "/{provider}",
    summary="From a provider of text messages",
    responses={
        401: {"model": Problems, "description": "It does not prove where it comes from."},
        404: {"model": Problems, "description": "This sender is not configured."},
        413: {"model": Problems},
        503: {"model": Problems, "description": "It could not be stored: deliver it again."},
    },
)
async def message_callback(uses: Uses, provider: str, request: Request, body: RawBody) -> Response:
    """What became of messages that the provider had accepted; repeating it is harmless."""
    reader = uses.receipts.get(provider)
    if reader is None:
        uses.metrics.callbacks_rejected.labels(_SOURCE, "not_configured").inc()
        raise refusal(404, "callbacks_off", "callbacks of this sender are not configured here")
    now = datetime.now(UTC)
    # Senders sign the address that they were given, whatever a proxy made of it.
    url = f"{uses.public_url}{request.url.path}?{request.url.query}".removesuffix("?")
    try:
        receipts = reader.read(url, request.headers, body, now)
    except InvalidCallback as error:
        uses.metrics.callbacks_rejected.labels(_SOURCE, "invalid").inc()
        raise refusal(401, "callback_invalid", str(error)) from error
    async with uses.writing() as session:
        kept = [await _take(session, receipt, now) for receipt in receipts]
    for new in kept:
        outcome = "stored" if new else "duplicate"
        uses.metrics.callbacks_received.labels(f"{_SOURCE}:{provider}", outcome).inc()
    media_type, answer = reader.acknowledgement()
    return Response(answer, media_type=media_type)


async def _take(session: AsyncSession, receipt: Receipt, now: datetime) -> bool:
    receipt = receipt.model_copy(
        update={
            "message_id": receipt.message_id.replace("\x00", "")[:200],
            "notification_id": receipt.notification_id.replace("\x00", "")[:200],
            "code": receipt.code.replace("\x00", "")[:100],
        }
    )
    if not await keep_receipt(session, receipt, now):
        return False
    message = await apply_receipt(session, receipt, now)
    if message is None:
        log.warning("receipt_of_unknown_message", extra={"provider": receipt.provider})
    elif receipt.bad_address:
        row = await session.get_one(orders.OrderRow, message.order_id)
        key = address_key(Channel.SMS, str(row.customer.get("phone", "")))
        await reachability.refuse_address(
            session,
            Channel.SMS,
            key,
            AddressState.REFUSED,
            provider=receipt.provider,
            code=receipt.code,
            at=now,
        )
    return True
