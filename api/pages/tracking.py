"""`GET /t/{orderNumber}?k=…`: a customer's page about one order, for whoever holds its link.

It runs no script, loads nothing, and names nobody. A wrong token, an order that we do not know and
one that ended long ago get the same answer.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.pages.apologies import PageRoute, notice
from api.pages.opening import Asked, Token, open_page
from api.pages.showing import show
from api.resources import Uses

router = APIRouter(tags=["customers"], route_class=PageRoute)

_PAGE: dict[str, Any] = {"content": {"text/html": {}}}
NO_PAGE = {**_PAGE, "description": "No such page, or not with this link."}
NO_ANSWER = {**_PAGE, "description": "Something does not answer; the page says what to do."}


@router.get(
    "/t/{order_number}",
    summary="The customer's page of an order",
    response_class=Response,
    responses={
        200: {**_PAGE, "description": "The page; it needs no script."},
        404: NO_PAGE,
        503: NO_ANSWER,
    },
)
async def show_page(uses: Uses, order_number: str, asked: Asked, token: Token = "") -> Response:
    """Progress, parcels, what happens next, refunds and returns, and a form to ask for one."""
    opened = await open_page(uses, order_number, token)
    if opened is None:
        return notice(asked, 404)
    return show(opened, token, asked or opened.known.order.locale)
