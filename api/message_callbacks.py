"""Delivery reports: verified on the raw bytes, kept once, written to their message."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.notifications import TellInstead
from api import outages
from api.answers import CallbackIgnored, answer
from api.callbacks import RawBody
from api.problems import Problems, refusal
from api.resources import Resources, Uses
from db import orders, reachability
from db.notifications import Notification
from db.reachability import AddressState
from db.receipts import apply_receipt, keep_receipt
from domain.ids import stand_in_workflow_id
from domain.notification import Channel, NotificationKind, Receipt, ReceiptStatus
from domain.notification_rules import steps_in
from domain.unsubscribing import address_key
from gateways.errors import InvalidCallback
from gateways.messaging.delivery_status import NoReport
from workflows.policies import ORDERS_QUEUE
from workflows.stand_in import StandInWorkflow

log = logging.getLogger("orderflow.api")

router = APIRouter(prefix="/callbacks/messages", tags=["callbacks"])

_SOURCE = "messages"

# Those who report wait about five seconds for their acknowledgement.
_PATIENCE = timedelta(seconds=3)

# Where an order has the address that a channel uses.
_ADDRESS_FIELDS = {Channel.EMAIL: "email", Channel.SMS: "phone"}


class _Taken(NamedTuple):
    """A stored receipt: whether it is new, and the message that needs a stand-in, if one does."""

    new: bool
    lost: str = ""


@router.post(
    "/{provider}",
    summary="From a provider of messages",
    responses={
        401: {"model": Problems, "description": "It does not prove where it comes from."},
        404: {"model": Problems, "description": "This sender is not configured."},
        413: {"model": Problems},
        503: {
            "model": Problems,
            "description": "It could not be stored or acted upon: deliver it again.",
        },
    },
)
async def message_callback(uses: Uses, provider: str, request: Request, body: RawBody) -> Response:
    """What became of messages that the provider had accepted; repeating it is harmless.

    `email` takes delivery reports (RFC 3464) as they came, signed with `X-Orderflow-Signature`. A
    mail that is none is answered with `{"status": "ignored", "reason"}`.
    """
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
    except NoReport as error:
        uses.metrics.callbacks_received.labels(f"{_SOURCE}:{provider}", "ignored").inc()
        log.info("receipt_ignored", extra={"provider": provider, "cause": str(error)})
        return answer(CallbackIgnored(reason=str(error)))
    async with uses.writing() as session:
        taken = [await _take(session, receipt, now) for receipt in receipts]
    for one in taken:
        outcome = "stored" if one.new else "duplicate"
        uses.metrics.callbacks_received.labels(f"{_SOURCE}:{provider}", outcome).inc()
    # Before the acknowledgement: who hears of a failure delivers again, and it is made up for.
    for one in taken:
        if one.lost:
            await _have_told_instead(uses, one.lost)
    media_type, content = reader.acknowledgement()
    return Response(content, media_type=media_type)


async def _take(session: AsyncSession, receipt: Receipt, now: datetime) -> _Taken:
    """Store a receipt and write it to its message, also if it had come before."""
    receipt = receipt.model_copy(
        update={
            "message_id": receipt.message_id.replace("\x00", "")[:200],
            "notification_id": receipt.notification_id.replace("\x00", "")[:200],
            "code": receipt.code.replace("\x00", "")[:100],
        }
    )
    new = await keep_receipt(session, receipt, now)
    message = await apply_receipt(session, receipt, now)
    if message is None:
        log.warning("receipt_of_unknown_message", extra={"provider": receipt.provider})
        return _Taken(new)
    if new and receipt.bad_address:
        await _refuse_address(session, message, receipt, now)
    return _Taken(new, message.id if _needs_stand_in(message) else "")


async def _refuse_address(
    session: AsyncSession, message: Notification, receipt: Receipt, now: datetime
) -> None:
    channel = Channel(message.channel)
    row = await session.get_one(orders.OrderRow, message.order_id)
    address = str(row.customer.get(_ADDRESS_FIELDS[channel], ""))
    await reachability.refuse_address(
        session,
        channel,
        address_key(channel, address),
        AddressState.REFUSED,
        provider=receipt.provider,
        code=receipt.code,
        at=now,
    )


def _needs_stand_in(message: Notification) -> bool:
    """Whether a message got lost for which another channel steps in."""
    lost = message.receipt == ReceiptStatus.UNDELIVERED and bool(message.event)
    kind, channel = NotificationKind(message.kind), Channel(message.channel)
    return lost and steps_in(kind, channel, None) is not None


async def _have_told_instead(uses: Resources, notification_id: str) -> None:
    """Start what tells the customer on another channel, unless that was done.

    Raises:
        Refusal: Temporal does not answer, and the report must be delivered again.
    """
    async with outages.temporal(_PATIENCE, "deliver it again"):
        with suppress(WorkflowAlreadyStartedError):
            await uses.client.start_workflow(
                StandInWorkflow.run,
                TellInstead(notification_id=notification_id),
                id=stand_in_workflow_id(notification_id),
                task_queue=ORDERS_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                static_summary="A message got lost",
            )
