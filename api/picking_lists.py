"""`GET /orders/{orderId}/picking-lists`: what warehouses were asked to pick, as JSON and as PDF."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from api.answers import answer
from api.auth import authorize
from api.orders import OrderId
from api.problems import Problems, Refusal, refusal
from api.resources import Resources, Uses
from api.updates import find_order
from db.fulfillment import OPEN_LISTS, PickingListRow, PickingState, find_picking_lists
from documents.picking_list import render_picking_list
from domain.fulfillment import PickingList
from domain.order import Value
from domain.picking_priority import is_late

router = APIRouter(tags=["picking lists"], dependencies=[Depends(authorize)])


class PickingListAnswer(PickingList):
    """A list as it was sent to the warehouse, and what became of it.

    `state` is intended (no answer is known yet), accepted, refused, cancelled or shipped; `reason`
    says why it was refused. A list that should have left by now, by our promise or by the
    warehouse's own estimate, is `late`.
    """

    state: PickingState
    reason: str = ""
    estimated_ship_at: datetime | None = None
    late: bool = False


class PickingListsAnswer(Value):
    """The order's lists, one for each warehouse that picks a part of it."""

    picking_lists: tuple[PickingListAnswer, ...]


ListId = Annotated[
    str, Path(alias="pickingListId", description="A `pickingListId` of the order's lists.")
]


@router.get(
    "/orders/{orderId}/picking-lists",
    summary="The order's picking lists",
    response_model=PickingListsAnswer,
    responses={404: {"model": Problems}},
)
async def show_picking_lists(uses: Uses, order_id: OrderId) -> Response:
    """What each warehouse was sent, in the order of picking, with the meters that saves.

    Empty until the order is paid: only then is a list written.
    """
    await find_order(uses, order_id)
    lists = tuple(_shown(row) for row in await _rows(uses, order_id))
    return answer(PickingListsAnswer(picking_lists=lists))


# Before the next one, whose path it fits as well.
@router.get(
    "/orders/{orderId}/picking-lists/{pickingListId}.pdf",
    summary="A picking list to print",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}}, "description": "A4."},
        404: {"model": Problems},
    },
)
async def print_picking_list(uses: Uses, order_id: OrderId, list_id: ListId) -> Response:
    """Boxes to tick, the route, and the list's id as a QR code; no customer's address."""
    row = await _find(uses, order_id, list_id)
    pdf = await asyncio.to_thread(render_picking_list, PickingList.model_validate(row.document))
    headers = {"Content-Disposition": f'inline; filename="picking-list-{row.id}.pdf"'}
    return Response(pdf, headers=headers, media_type="application/pdf")


@router.get(
    "/orders/{orderId}/picking-lists/{pickingListId}",
    summary="A picking list",
    response_model=PickingListAnswer,
    responses={404: {"model": Problems}},
)
async def show_picking_list(uses: Uses, order_id: OrderId, list_id: ListId) -> Response:
    """One of the order's lists."""
    return answer(_shown(await _find(uses, order_id, list_id)))


async def _rows(uses: Resources, order_id: str) -> list[PickingListRow]:
    async with uses.reading() as session:
        return await find_picking_lists(session, order_id)


async def _find(uses: Resources, order_id: str, list_id: str) -> PickingListRow:
    for row in await _rows(uses, order_id):
        if row.id == list_id:
            return row
    raise _unknown_list()


def _unknown_list() -> Refusal:
    message = "the order has no such picking list"
    return refusal(404, "picking_list_not_found", message, "pickingListId")


def _shown(row: PickingListRow) -> PickingListAnswer:
    shown = PickingListAnswer.model_validate(
        {
            **row.document,
            "state": row.state,
            "reason": row.reason,
            "estimated_ship_at": row.estimated_ship_at,
        }
    )
    late = row.state in OPEN_LISTS and is_late(
        shown.promised_at, shown.estimated_ship_at, now=datetime.now(UTC)
    )
    return shown.model_copy(update={"late": late})
