"""What can be asked of an order that exists: pay again, cancel, give money back, return."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, get_args

from fastapi import APIRouter, Depends, Response

from api import views
from api.answers import CancelAnswer, PaymentAnswer, RefundBegun, answer
from api.auth import Caller, authorize
from api.bodies import OptionalJsonBody
from api.keys import IdempotencyKey, new_id
from api.orders import OrderId
from api.overview import Brief
from api.problems import Problems, Refusal, refusal
from api.refunding import begin_refund
from api.resources import Resources, Uses
from api.updates import CANCEL, START_PAYMENT, find_order, updating
from domain.cleaning import worded_like
from domain.ids import REFUND, order_workflow_id
from domain.money import Money
from domain.order import GatewayName, Problem
from domain.reading import Fields, as_fields
from workflows.messages import (
    CancelAccepted,
    CancelOrder,
    PaymentInstruction,
    RefundOrder,
    StartPayment,
)

router = APIRouter(tags=["orders"], dependencies=[Depends(authorize)])

_GATEWAYS: dict[str, GatewayName] = {name: name for name in get_args(GatewayName)}
_REQUESTERS: dict[str, Literal["customer", "operator"]] = {
    "": "customer",
    "customer": "customer",
    "operator": "operator",
}
_REASON_LIMIT = 500
_COMMON: dict[int | str, dict[str, Any]] = {
    404: {"model": Problems},
    409: {"model": Problems, "description": "The order's stage forbids it; the message says why."},
    422: {"model": Problems},
    503: {"model": Problems},
}


def _takes(example: dict[str, str]) -> dict[str, Any]:
    media = {"schema": {"type": "object"}, "example": example}
    return {"requestBody": {"required": False, "content": {"application/json": media}}}


@router.post(
    "/orders/{orderId}/payments",
    status_code=201,
    summary="Try to pay again",
    response_model=PaymentAnswer,
    responses=_COMMON,
    openapi_extra=_takes({"gateway": "stripe"}),
)
async def start_payment(
    uses: Uses, order_id: OrderId, key: IdempotencyKey, body: OptionalJsonBody
) -> Response:
    """Another attempt, perhaps at another gateway, while the order's stock is held.

    An earlier attempt is closed first, so that the customer cannot pay twice.
    """
    request = _Request(body)
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
    responses=_COMMON,
    openapi_extra=_takes({"reason": "changed my mind", "requestedBy": "customer"}),
)
async def cancel_order(uses: Uses, order_id: OrderId, body: OptionalJsonBody) -> Response:
    """Stop the order; its payment is closed or given back, and its stock released.

    With the parcel on the way the cancellation becomes a return; once it has arrived, ask for one.
    """
    request = _Request(body)
    reason = request.fields.text("reason", _REASON_LIMIT)
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


@router.post(
    "/orders/{orderId}/refunds",
    status_code=202,
    summary="Give money back",
    response_model=RefundBegun,
    responses=_COMMON,
    openapi_extra=_takes({"amount": "12.00", "reason": "one cup was broken"}),
)
async def refund_order(
    uses: Uses, caller: Caller, order_id: OrderId, key: IdempotencyKey, body: OptionalJsonBody
) -> Response:
    """Refund a part of what was paid, or all that is left if no `amount` is given.

    The amount is a decimal string in the order's currency. With an `Idempotency-Key`, a repeated
    request makes one refund.
    """
    request = _Request(body)
    order = await find_order(uses, order_id)
    amount = _amount(request, order)
    reason = request.fields.text("reason", _REASON_LIMIT)
    request.refuse_if_wrong()
    refund_id = new_id(REFUND, key, caller, order_id)
    accepted = await begin_refund(
        uses, RefundOrder(refund_id=refund_id, order_id=order_id, amount=amount, reason=reason)
    )
    if amount is not None and accepted.amount != amount:
        raise refusal(
            409,
            "idempotency_key_reused",
            f"this key belongs to a refund of {accepted.amount}: send a new key",
            "Idempotency-Key",
        )
    begun = RefundBegun(
        refund_id=accepted.refund_id,
        amount=views.decimal(accepted.amount),
        currency=accepted.amount.currency,
    )
    return answer(begun, 202)


@router.post(
    "/orders/{orderId}/returns",
    status_code=202,
    summary="Ask to return the goods",
    responses={404: {"model": Problems}, 409: {"model": Problems}},
)
async def return_order(uses: Uses, order_id: OrderId) -> Response:
    """Not open yet: refund the order when the goods are back."""
    await find_order(uses, order_id)
    raise refusal(
        409,
        "returns_not_open",
        "this version takes no returns: agree on one with the customer, then refund the order",
    )


class _Request:
    """A small JSON object, and everything that is wrong with it."""

    def __init__(self, body: object) -> None:
        self._body = body
        self._problems: list[Problem] = []
        self.fields: Fields = as_fields(body, "", self._problems)

    def refuse_if_wrong(self) -> None:
        """Answer 422 with all problems, if there are any."""
        if self._problems:
            raise Refusal(422, *worded_like(self._body, self._problems))


def _gateway(uses: Resources, request: _Request) -> GatewayName | None:
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


def _amount(request: _Request, order: Brief) -> Money | None:
    amount = request.fields.amount("amount")
    if amount is None:
        return None
    try:
        money = Money.of(amount, order.total.currency)
    except ValueError as error:
        request.fields.note("not_an_amount", "amount", str(error))
        return None
    if not Money.zero(money.currency) < money or order.total < money:
        request.fields.note(
            "out_of_range", "amount", f"send more than 0 and at most the order's {order.total}"
        )
    return money


def _update_id(key: str | None) -> str | None:
    # Hashed, because whatever a caller puts into a key must not become readable in Temporal.
    return None if key is None else hashlib.sha256(key.encode()).hexdigest()
