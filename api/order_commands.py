"""What can be asked of an order that exists: pay again, cancel."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

from fastapi import APIRouter, Depends, Response

from api import views
from api.answers import CancelAnswer, PaymentAnswer, answer
from api.auth import authorize
from api.bodies import OptionalJsonBody
from api.command_body import REASON_LIMIT, REFUSALS, CommandBody, takes
from api.keys import IdempotencyKey
from api.orders import OrderId
from api.resources import Resources, Uses
from api.updates import CANCEL, START_PAYMENT, find_order, updating
from domain.ids import order_workflow_id
from domain.order import GatewayName
from workflows.messages import CancelAccepted, CancelOrder, PaymentInstruction, StartPayment

router = APIRouter(tags=["orders"], dependencies=[Depends(authorize)])

_GATEWAYS: dict[str, GatewayName] = {name: name for name in get_args(GatewayName)}
_REQUESTERS: dict[str, Literal["customer", "operator"]] = {
    "": "customer",
    "customer": "customer",
    "operator": "operator",
}


@router.post(
    "/orders/{orderId}/payments",
    status_code=201,
    summary="Try to pay again",
    response_model=PaymentAnswer,
    responses=REFUSALS,
    openapi_extra=takes({"gateway": "stripe"}),
)
async def start_payment(
    uses: Uses, order_id: OrderId, key: IdempotencyKey, body: OptionalJsonBody
) -> Response:
    """Another attempt, perhaps at another gateway, while the order's stock is held.

    An earlier attempt is closed first, so that the customer cannot pay twice.
    """
    request = CommandBody(body)
    gateway = _gateway(uses, request)
    request.refuse_if_wrong()
    await find_order(uses, order_id)
    handle = uses.client.get_workflow_handle(order_workflow_id(order_id))
    async with updating(uses, order_id):
        instruction: PaymentInstruction = await handle.execute_update(
            START_PAYMENT,
            StartPayment(gateway=gateway),
            id=_update_id(key),
            result_type=PaymentInstruction,
        )
    return answer(views.payment(instruction), 201)


@router.post(
    "/orders/{orderId}/cancel",
    status_code=202,
    summary="Cancel the order",
    response_model=CancelAnswer,
    responses=REFUSALS,
    openapi_extra=takes({"reason": "changed my mind", "requestedBy": "customer"}),
)
async def cancel_order(uses: Uses, order_id: OrderId, body: OptionalJsonBody) -> Response:
    """Stop the order; its payment is closed or given back, and its stock released.

    With the parcel on the way the cancellation becomes a return; once it has arrived, ask for one.
    """
    request = CommandBody(body)
    reason = request.fields.text("reason", REASON_LIMIT)
    requester = request.fields.text("requestedBy", 20, str.lower)
    if requester not in _REQUESTERS:
        request.fields.note("unknown_requester", "requestedBy", "send customer or operator")
    request.refuse_if_wrong()
    await find_order(uses, order_id)
    command = CancelOrder(reason=reason, requested_by=_REQUESTERS[requester])
    handle = uses.client.get_workflow_handle(order_workflow_id(order_id))
    async with updating(uses, order_id):
        accepted: CancelAccepted = await handle.execute_update(
            CANCEL, command, result_type=CancelAccepted
        )
    return answer(
        CancelAnswer(order_id=accepted.order_id, refund=accepted.refund, becomes=accepted.becomes),
        202,
    )


def _gateway(uses: Resources, request: CommandBody) -> GatewayName | None:
    name = request.fields.text("gateway", 40, str.lower)
    available = ", ".join(sorted(uses.payments)) or "none at the moment"
    if name and name not in _GATEWAYS:
        request.fields.note("gateway_unknown", "gateway", f"choose one of: {available}")
    elif name and name not in uses.payments:
        request.fields.note(
            "gateway_unavailable",
            "gateway",
            f"{name} is not available in this shop: choose one of: {available}",
        )
    return _GATEWAYS.get(name)


def _update_id(key: str | None) -> str | None:
    # Hashed, because whatever a caller puts into a key must not become readable in Temporal.
    return None if key is None else hashlib.sha256(key.encode()).hexdigest()
