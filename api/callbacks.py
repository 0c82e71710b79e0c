"""Callbacks from outside: verified on the raw bytes, stored, delivered, acknowledged.

Nothing is acknowledged before it is stored. Whether the order's workflow can be reached at once
does not matter to the sender: what is stored and not confirmed is delivered again by a sweep.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NoReturn

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from activities.inbox import PAYMENT_PREFIX, SUPPLIER, TRACKING_PREFIX, WAREHOUSE
from activities.tracking import report_unknown
from api.answers import CallbackTaken, CallbackUnclear, answer
from api.bodies import BodyTooLarge
from api.inbox import Message, take_in
from api.overview import find_open_lists
from api.problems import Problems, Refusal, refusal, unavailable
from api.resources import Resources, Uses
from domain.fulfillment import ShippingNews
from gateways.errors import GatewayAuthError, InvalidCallback, OutcomeUnknown, RateLimited
from gateways.signatures import SIGNATURE_HEADER
from gateways.supplier import parse_supply_callback
from gateways.warehouse import parse_shipping_callback

log = logging.getLogger("orderflow.api")

router = APIRouter(prefix="/callbacks", tags=["callbacks"])

# Why nothing can be said of a callback now: whoever knows its sender does not answer us.
_NOT_VERIFIABLE = (OutcomeUnknown, RateLimited, GatewayAuthError, ConnectionError)

# What is kept of a request's head: enough to check it again, and nothing that opens a door.
_KEPT = ("content-type", "user-agent", "stripe-signature", SIGNATURE_HEADER.lower())
_KEPT_FAMILIES = ("paypal-", "wechatpay-", "aftership-")

_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problems, "description": "This sender is not configured."},
    413: {"model": Problems},
    503: {
        "model": Problems,
        "description": "It could not be verified or stored at the moment: deliver it again.",
    },
}
_SIGNED = {
    "parameters": [
        {
            "name": SIGNATURE_HEADER,
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": 't=<unix>,v1=<hex HMAC-SHA256 of "{t}.{raw body}">',
        }
    ]
}


async def _raw(uses: Uses, request: Request) -> bytes:
    """The body as it came, at most 256 KiB."""
    try:
        return await request.body()
    except BodyTooLarge:
        uses.metrics.callbacks_rejected.labels(_family(request), "too_large").inc()
        raise


RawBody = Annotated[bytes, Depends(_raw)]


@router.post("/payments/{gateway}", summary="From a payment provider", responses=_REFUSED)
async def payment_callback(uses: Uses, gateway: str, request: Request, body: RawBody) -> Response:
    """A payment provider's webhook; it makes us ask the provider, and is never believed."""
    adapter = next((found for name, found in uses.payments.items() if name == gateway), None)
    if adapter is None:
        _not_configured(uses, "payments")
    source = PAYMENT_PREFIX + adapter.name
    try:
        event = await adapter.parse_callback(request.headers, body, datetime.now(UTC))
    except InvalidCallback:
        uses.metrics.callbacks_rejected.labels(source, "invalid").inc()
        return _response(adapter.acknowledge(accepted=False))
    except _NOT_VERIFIABLE as error:
        raise _unverified(uses, source, error) from error
    message = Message(
        source=source,
        event_id=event.dedupe_key,
        kind=event.kind,
        subject=event.payment_id or event.provider_ref,
        content={
            "topic": event.topic,
            "payment_id": event.payment_id,
            "provider_ref": event.provider_ref,
            "capture_ref": event.capture_ref,
            "refund_ref": event.refund_ref,
            **({"dispute": event.dispute} if event.dispute else {}),
        },
        body=body,
        headers=_kept(request),
    )
    await take_in(uses, message)
    return _response(adapter.acknowledge(accepted=True))


@router.post(
    "/shipping",
    summary="From the warehouse",
    response_model=CallbackTaken | CallbackUnclear,
    responses={**_REFUSED, 401: {"model": Problems, "description": "The signature is not valid."}},
    openapi_extra=_SIGNED,
)
async def shipping_callback(uses: Uses, request: Request, body: RawBody) -> Response:
    """A warehouse shipped an order, or refuses to: `{eventId, orderId, event, ...}`.

    Of an order that several warehouses pick, `pickingListId` (or `warehouseId`) tells which part.
    Without it, while several are open, the news is kept for people, and `problem` says so.
    """
    if not uses.shipping_secret:
        _not_configured(uses, WAREHOUSE)
    now = datetime.now(UTC)
    try:
        news = parse_shipping_callback(request.headers, body, uses.shipping_secret, now)
    except InvalidCallback as error:
        uses.metrics.callbacks_rejected.labels(WAREHOUSE, "invalid").inc()
        raise refusal(401, "callback_invalid", str(error)) from error
    message = Message(
        source=WAREHOUSE,
        event_id=news.event_id,
        kind=news.event,
        subject=news.order_id,
        content=news.model_dump(mode="json"),
        body=body,
        headers=_kept(request),
    )
    new = await take_in(uses, message)
    return _taken(new=new, problem=await _ambiguity(uses, news))


@router.post(
    "/supply",
    summary="From the supplier",
    response_model=CallbackTaken,
    responses={**_REFUSED, 401: {"model": Problems, "description": "The signature is not valid."}},
    openapi_extra=_SIGNED,
)
async def supply_callback(uses: Uses, request: Request, body: RawBody) -> Response:
    """Goods have arrived, or will not: `{eventId, supplyId, event, deliveryId, quantity, ...}`."""
    if not uses.supply_secret:
        _not_configured(uses, SUPPLIER)
    now = datetime.now(UTC)
    try:
        news = parse_supply_callback(request.headers, body, uses.supply_secret, now)
    except InvalidCallback as error:
        uses.metrics.callbacks_rejected.labels(SUPPLIER, "invalid").inc()
        raise refusal(401, "callback_invalid", str(error)) from error
    message = Message(
        source=SUPPLIER,
        event_id=news.event_id,
        kind=news.event,
        subject=news.supply_id,
        content=news.model_dump(mode="json"),
        body=body,
        headers=_kept(request),
    )
    return _taken(new=await take_in(uses, message))


@router.post(
    "/tracking/{provider}",
    summary="From a carrier or tracking aggregator",
    response_model=CallbackTaken,
    responses={**_REFUSED, 400: {"model": Problems, "description": "The signature is not valid."}},
)
async def tracking_callback(uses: Uses, provider: str, request: Request, body: RawBody) -> Response:
    """News of a parcel; answers as the provider expects."""
    adapter = uses.tracking.get(provider)
    if adapter is None:
        _not_configured(uses, "tracking")
    source = TRACKING_PREFIX + adapter.name
    try:
        news = adapter.parse_callback(request.headers, body, datetime.now(UTC))
    except InvalidCallback as error:
        uses.metrics.callbacks_rejected.labels(source, "invalid").inc()
        raise refusal(400, "callback_invalid", str(error)) from error
    report_unknown(news.snapshot)
    message = Message(
        source=source,
        event_id=news.dedupe_key,
        kind=news.snapshot.status,
        subject=news.snapshot.tracking_number,
        content=news.snapshot.model_dump(mode="json"),
        body=body,
        headers=_kept(request),
    )
    new = await take_in(uses, message)
    wanted = adapter.acknowledge()
    return _taken(new=new) if wanted is None else JSONResponse(wanted)


def _not_configured(uses: Resources, source: str) -> NoReturn:
    uses.metrics.callbacks_rejected.labels(source, "not_configured").inc()
    raise refusal(404, "callbacks_off", "callbacks of this sender are not configured here")


def _unverified(uses: Resources, source: str, error: Exception) -> Refusal:
    """It may be genuine: what is needed to tell could not be had, so the sender must try again."""
    uses.metrics.callbacks_rejected.labels(source, "unverified").inc()
    log.warning("callback_not_verified", extra={"source": source, "cause": type(error).__name__})
    return unavailable("the callback cannot be verified at the moment; deliver it again")


def _kept(request: Request) -> dict[str, str]:
    """The headers that help to understand a callback later, by their names in small letters."""
    return {
        name: request.headers[name]
        for name in request.headers
        if name in _KEPT or name.startswith(_KEPT_FAMILIES)
    }


def _family(request: Request) -> str:
    """Who may have sent it, from a path that nobody has checked yet."""
    family = request.url.path.split("/")[2]
    return {"shipping": WAREHOUSE, "supply": SUPPLIER}.get(family, family)


def _response(acknowledgement: tuple[int, str, bytes]) -> Response:
    status, media_type, body = acknowledgement
    return Response(body, status, media_type=media_type)


async def _ambiguity(uses: Resources, news: ShippingNews) -> str:
    """Why it cannot be told which of the order's picking lists this is about, if it cannot."""
    named = news.picking_list_id or news.warehouse_id
    # A NUL cannot be asked for, and belongs to no order of ours.
    if named or "\x00" in news.order_id + news.tracking_number:
        return ""
    async with uses.reading() as session:
        lists = await find_open_lists(session, news.order_id, news.tracking_number)
    if len(lists) < 2:
        return ""
    return f"several picking lists are open: name one in pickingListId ({', '.join(lists)})"


def _taken(*, new: bool, problem: str = "") -> Response:
    status: Literal["stored", "duplicate"] = "stored" if new else "duplicate"
    return answer(
        CallbackUnclear(status=status, problem=problem) if problem else CallbackTaken(status=status)
    )
