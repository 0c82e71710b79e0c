"""Returns: customers ask for them, operators decide, the warehouse tells what came."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from api.answers import answer
from api.auth import Caller, authorize
from api.bodies import OptionalJsonBody
from api.command_body import REASON_LIMIT, REFUSALS, CommandBody, takes
from api.keys import IdempotencyKey, new_id
from api.orders import OrderId
from api.overview import find_skus
from api.problems import refusal
from api.received_items import read_received
from api.resources import Resources, Uses
from api.return_request import read_request
from api.return_views import ReturnAnswer, ReturnsAnswer, return_answer
from api.returning import request_return, tell_after_sales
from api.updates import find_order
from db import after_sales
from domain.ids import RETURN
from domain.returns import ReturnCase, ReturnState
from workflows.after_sales_messages import ReturnArrived, ReturnDecision

router = APIRouter(tags=["returns"], dependencies=[Depends(authorize)])

_ID = re.compile(RETURN + "[0-9A-HJKMNP-TV-Z]{26}")
_MOST = 500

ReturnId = Annotated[str, Path(alias="returnId", description="A return's id (B...).")]


@router.post(
    "/orders/{orderId}/returns",
    status_code=202,
    summary="Ask to return goods",
    response_model=ReturnAnswer,
    responses=REFUSALS,
    openapi_extra=takes(
        {"items": [{"sku": "TEA-LJ-100", "quantity": 1}], "reason": "too bitter"},
        exchange={
            "kind": "exchange",
            "items": [{"lineNo": 1, "quantity": 1}],
            "reason": "arrived broken",
        },
    ),
)
async def ask_for_return(
    uses: Uses, caller: Caller, order_id: OrderId, key: IdempotencyKey, body: OptionalJsonBody
) -> Response:
    """Return units of a delivered order for a `refund` (the default) or an `exchange`.

    Small returns are approved at once; others wait for an operator. With an `Idempotency-Key`, a
    repeated request is one return. Customers may ask until the return window is over; with
    `requestedBy: operator` it is approved at once, and may be later.
    """
    request = CommandBody(body)
    await find_order(uses, order_id)
    async with uses.reading() as session:
        skus = await find_skus(session, order_id)
    message = read_request(request, skus, new_id(RETURN, key, caller, order_id))
    return answer(return_answer(await request_return(uses, order_id, message)), 202)


@router.get("/orders/{orderId}/returns", summary="An order's returns", response_model=ReturnsAnswer)
async def order_returns(uses: Uses, order_id: OrderId) -> Response:
    """All of them, first to last."""
    await find_order(uses, order_id)
    async with uses.reading() as session:
        cases = await after_sales.returns_of(session, order_id)
    return answer(ReturnsAnswer(returns=tuple(return_answer(case) for case in cases)))


@router.get("/returns", summary="Returns by state", response_model=ReturnsAnswer)
async def list_returns(
    uses: Uses,
    state: Annotated[list[ReturnState] | None, Query(description="Repeatable.")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> Response:
    """Newest first; without a state, those that have not ended."""
    states = state or [ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.RECEIVED]
    async with uses.reading() as session:
        cases = await after_sales.list_returns(session, states, limit)
    return answer(ReturnsAnswer(returns=tuple(return_answer(case) for case in cases)))


@router.get(
    "/returns/{returnId}", summary="One return", response_model=ReturnAnswer, responses=REFUSALS
)
async def show_return(uses: Uses, return_id: ReturnId) -> Response:
    """The return as it is now."""
    return answer(return_answer(await _find(uses, return_id)))


@router.post(
    "/returns/{returnId}/approve",
    status_code=202,
    summary="Approve a return",
    response_model=ReturnAnswer,
    responses=REFUSALS,
    openapi_extra=takes({"reason": "as agreed on the phone"}),
)
async def approve_return(uses: Uses, return_id: ReturnId, body: OptionalJsonBody) -> Response:
    """The customer is told to send the goods back."""
    return await _decide(uses, return_id, body, approve=True)


@router.post(
    "/returns/{returnId}/reject",
    status_code=202,
    summary="Reject a return",
    response_model=ReturnAnswer,
    responses=REFUSALS,
    openapi_extra=takes({"reason": "the seal was broken"}),
)
async def reject_return(uses: Uses, return_id: ReturnId, body: OptionalJsonBody) -> Response:
    """The customer is told why; also possible once it is approved, until it has arrived."""
    return await _decide(uses, return_id, body, approve=False)


@router.post(
    "/returns/{returnId}/received",
    status_code=202,
    summary="Returned goods have arrived",
    response_model=ReturnAnswer,
    responses=REFUSALS,
    openapi_extra=takes(
        {"items": [{"lineNo": 1, "resellable": 1, "damaged": 0}], "warehouseId": "WH-HZ"}
    ),
)
async def receive_return(uses: Uses, return_id: ReturnId, body: OptionalJsonBody) -> Response:
    """Book what came: `resellable` units are in stock again, `damaged` ones are written off.

    The money for what came goes back, or the same goods are sent again. What did not come stays
    the customer's. Without a `warehouseId`, it is the warehouse that had sent the goods.
    """
    request = CommandBody(body)
    case = await _find(uses, return_id)
    found = read_received(request.fields, {line.line_no: line.sku for line in case.lines})
    warehouse_id = request.fields.text("warehouseId", 64)
    request.refuse_if_wrong()
    message = ReturnArrived(return_id=return_id, lines=found, warehouse_id=warehouse_id)
    return answer(return_answer(await tell_after_sales(uses, case.order_id, message)), 202)


async def _decide(uses: Resources, return_id: str, body: object, *, approve: bool) -> Response:
    request = CommandBody(body)
    reason = request.fields.text("reason", REASON_LIMIT)
    request.refuse_if_wrong()
    case = await _find(uses, return_id)
    message = ReturnDecision(return_id=return_id, approve=approve, reason=reason)
    return answer(return_answer(await tell_after_sales(uses, case.order_id, message)), 202)


async def _find(uses: Resources, return_id: str) -> ReturnCase:
    case = None
    if _ID.fullmatch(return_id):
        async with uses.reading() as session:
            case = await after_sales.find_return(session, return_id)
    if case is None:
        raise refusal(404, "return_not_found", "there is no such return", "returnId")
    return case
