"""`POST /orders` and `GET /orders/{orderId}`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, assert_never

from fastapi import APIRouter, Depends, Path, Response

from api import views
from api.answers import OrderAnswer, PlacedAnswer, answer
from api.auth import Caller, authorize
from api.bodies import JsonBody
from api.examples import ORDER, PLACED, REFUSED
from api.keys import IdempotencyKey, new_id
from api.overview import find_overview
from api.placing import Placing, place
from api.problems import Problems, Refusal
from api.resources import Resources, Uses
from api.updates import unknown_order
from api.waiting import waiting_for
from domain.cleaning import clean_order, fingerprint, worded_like
from domain.ids import ORDER as ORDER_PREFIX
from domain.order import Problem
from domain.page_links import page_path
from domain.statuses import OrderStatus
from workflows.messages import (
    Placement,
    PlacementAwaitsPayment,
    PlacementRejected,
    PlacementWaitsForStock,
)

router = APIRouter(tags=["orders"], dependencies=[Depends(authorize)])

_ID = re.compile(ORDER_PREFIX + "[0-9A-HJKMNP-TV-Z]{26}")


def known_form(
    order_id: Annotated[str, Path(alias="orderId", description="The `orderId` of the answer.")],
) -> str:
    """An order's id in the form that ours have; asking the database about another is useless.

    Raises:
        Refusal: there can be no such order.
    """
    if not _ID.fullmatch(order_id):
        raise unknown_order()
    return order_id


OrderId = Annotated[str, Depends(known_form)]


_body: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": ORDER}},
    }
}


@router.post(
    "/orders",
    status_code=201,
    summary="Place an order",
    responses={
        201: {"model": PlacedAnswer, "content": {"application/json": {"example": PLACED}}},
        202: {"model": PlacedAnswer, "description": "Accepted; it waits for goods (`shortages`)."},
        409: {"model": Problems, "description": "The key was used with another body."},
        422: {
            "model": Problems,
            "description": "Not valid; every error at once.",
            "content": {"application/json": {"example": REFUSED}},
        },
        503: {"model": Problems, "description": "Repeat it with the same `Idempotency-Key`."},
    },
    openapi_extra=_body,
)
async def place_order(uses: Uses, caller: Caller, key: IdempotencyKey, body: JsonBody) -> Response:
    """Check the order, hold its stock and prepare its payment.

    Field names may be camelCase or snake_case. `payment.action` says how the customer pays: a
    Stripe client secret, a URL to open or the text of a QR code. `payment` is null, with a warning,
    while the payment provider does not answer; `POST /orders/{orderId}/payments` tries again.
    """
    cleaned = clean_order(body)
    if not isinstance(body, dict):
        raise Refusal(422, *cleaned.problems)
    order_id = new_id(ORDER_PREFIX, key, caller)
    placing = Placing(order_id, cleaned, fingerprint=fingerprint(body), repeatable=key is not None)
    placement = await place(uses, placing)
    if placement is None:
        return await _placed_before(uses, order_id)
    return _placed(body, placement, cleaned.problems)


@router.get(
    "/orders/{orderId}",
    summary="Look at an order",
    response_model=OrderAnswer,
    responses={404: {"model": Problems}},
)
async def show_order(uses: Uses, order_id: OrderId) -> Response:
    """The order, its payments, parcel and messages, its `timeline`, and what it waits for."""
    async with uses.reading() as session:
        known = await find_overview(session, order_id)
    if known is None:
        raise unknown_order()
    shown = views.order(known, await waiting_for(uses, known), datetime.now(UTC))
    return answer(shown.model_copy(update={"page_url": _page_url(uses, shown.order_number)}))


def _page_url(uses: Resources, order_number: str) -> str:
    token = uses.page_keys.sign(order_number)
    return f"{uses.public_url}{page_path(order_number, token)}" if token else ""


def _placed(
    body: dict[object, object], placement: Placement, respelled: tuple[Problem, ...]
) -> Response:
    warnings = worded_like(body, placement.warnings)
    match placement:
        case PlacementRejected():
            # What cleaning found is spelled as in the request already.
            errors = [
                error if error in respelled else worded_like(body, [error])[0]
                for error in placement.errors
            ]
            raise Refusal(422, *errors, warnings=warnings)
        case PlacementWaitsForStock():
            return answer(views.placed(placement, warnings), 202)
        case PlacementAwaitsPayment():
            return answer(views.placed(placement, warnings), 201)
        case _:
            assert_never(placement)


async def _placed_before(uses: Resources, order_id: str) -> Response:
    async with uses.reading() as session:
        known = await find_overview(session, order_id)
    if known is None:
        raise unknown_order()
    status = 202 if known.order.status is OrderStatus.PENDING_RESTOCK else 201
    return answer(views.placed_before(known, datetime.now(UTC)), status)
