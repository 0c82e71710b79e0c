"""A customer is not happy: noted on the order, so that nobody asks for a review."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Response

from activities.reviewing import COMPLAINT
from api.answers import answer
from api.auth import Caller, authorize
from api.bodies import OptionalJsonBody
from api.command_body import REASON_LIMIT, REFUSALS, CommandBody, takes
from api.keys import IdempotencyKey, new_id
from api.orders import OrderId
from api.resources import Uses
from api.updates import find_order
from db import orders
from domain.order import Value

router = APIRouter(tags=["returns"], dependencies=[Depends(authorize)])


class ComplaintNoted(Value):
    """The complaint is on the order's timeline."""

    order_id: str


@router.post(
    "/orders/{orderId}/complaints",
    status_code=202,
    summary="Note a complaint",
    response_model=ComplaintNoted,
    responses=REFUSALS,
    openapi_extra=takes({"reason": "the courier was rude"}),
)
async def complain(
    uses: Uses, caller: Caller, order_id: OrderId, key: IdempotencyKey, body: OptionalJsonBody
) -> Response:
    """It stands on the timeline, and the customer is not invited to write a review.

    With an `Idempotency-Key`, a repeated request is noted once.
    """
    request = CommandBody(body)
    reason = request.fields.text("reason", REASON_LIMIT)
    request.refuse_if_wrong()
    await find_order(uses, order_id)
    name = new_id(COMPLAINT, key, caller, order_id)
    async with uses.writing() as session:
        await orders.add_event(
            session, order_id, COMPLAINT, datetime.now(UTC), dedupe_key=name, reason=reason
        )
    return answer(ComplaintNoted(order_id=order_id), 202)
