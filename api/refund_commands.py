"""Giving money back: an amount, what certain lines cost, or all that is left; and trying again."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from api import views
from api.answers import RefundBegun, answer
from api.auth import Caller, authorize
from api.bodies import OptionalJsonBody
from api.command_body import REASON_LIMIT, REFUSALS, CommandBody, takes
from api.keys import IdempotencyKey, new_id
from api.orders import OrderId
from api.overview import Brief, find_refund, find_skus
from api.problems import refusal
from api.refund_items import read_items
from api.refunding import begin_refund
from api.resources import Uses
from api.updates import find_order
from domain.ids import REFUND, derived_id
from domain.money import Money
from workflows.messages import RefundAccepted, RefundOrder

router = APIRouter(tags=["orders"], dependencies=[Depends(authorize)])

_ID = re.compile(REFUND + "[0-9A-HJKMNP-TV-Z]{26}")


@router.post(
    "/orders/{orderId}/refunds",
    status_code=202,
    summary="Give money back",
    response_model=RefundBegun,
    responses=REFUSALS,
    openapi_extra=takes(
        {"amount": "12.00", "reason": "one cup was broken"},
        lines={"items": [{"lineNo": 1, "quantity": 2}], "reason": "two cups were broken"},
        whole={"reason": "the customer is not happy with it"},
    ),
)
async def refund_order(
    uses: Uses, caller: Caller, order_id: OrderId, key: IdempotencyKey, body: OptionalJsonBody
) -> Response:
    """Refund a part of what was paid: an `amount`, or what the units in `items` cost.

    Without either, all that is left goes back. The amount is a decimal string in the order's
    currency. An item names its line by `lineNo` or by `sku`; each unit has its share of shipping,
    tax and discount, so that refunds of all units add up to exactly what was paid. Units that are
    sent again, or exchanged, are not refunded as well: 409. With an `Idempotency-Key`, a repeated
    request makes one refund.
    """
    request = CommandBody(body)
    order = await find_order(uses, order_id)
    amount = _amount(request, order)
    lines = await _lines(uses, request, order_id)
    reason = request.fields.text("reason", REASON_LIMIT)
    request.refuse_if_wrong()
    wanted = RefundOrder(
        refund_id=new_id(REFUND, key, caller, order_id),
        order_id=order_id,
        amount=amount,
        lines=lines,
        reason=reason,
    )
    accepted = await begin_refund(uses, wanted)
    if accepted.lines != lines or (amount is not None and accepted.amount != amount):
        raise refusal(
            409,
            "idempotency_key_reused",
            f"this key belongs to another refund, of {accepted.amount}: send a new key",
            "Idempotency-Key",
        )
    return answer(_begun(accepted), 202)


@router.post(
    "/orders/{orderId}/refunds/{refundId}/retry",
    status_code=202,
    summary="Make a failed refund anew",
    response_model=RefundBegun,
    responses=REFUSALS,
)
async def retry_refund(
    uses: Uses,
    order_id: OrderId,
    refund_id: Annotated[str, Path(alias="refundId", description="A refund that has failed.")],
) -> Response:
    """The same money for the same lines, as a new refund of the same payment.

    A refund is made anew once, however often this is asked; if that one fails as well, retry it.
    """
    await find_order(uses, order_id)
    async with uses.reading() as session:
        failed = (
            await find_refund(session, order_id, refund_id) if _ID.fullmatch(refund_id) else None
        )
    if failed is None:
        raise refusal(404, "refund_not_found", "the order has no such refund", "refundId")
    again = RefundOrder(
        refund_id=derived_id(REFUND, refund_id, "retry"),
        order_id=order_id,
        retry_of=refund_id,
        reason=failed.reason,
    )
    return answer(_begun(await begin_refund(uses, again)), 202)


def _begun(accepted: RefundAccepted) -> RefundBegun:
    return RefundBegun(
        refund_id=accepted.refund_id,
        amount=views.decimal(accepted.amount),
        currency=accepted.amount.currency,
    )


def _amount(request: CommandBody, order: Brief) -> Money | None:
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


async def _lines(uses: Uses, request: CommandBody, order_id: str) -> dict[int, int]:
    fields = request.fields
    if fields.get("items") is None:
        return {}
    if fields.get("amount") is not None:
        fields.note("amount_or_items", "items", "send an amount or items, not both")
    async with uses.reading() as session:
        skus = await find_skus(session, order_id)
    return read_items(fields, skus)
