"""`POST /t/{orderNumber}/returns?k=…`: a customer asks for a return on the order's own page.

A plain form, answered by going back to the page. What it asks goes the way that the shop's own
requests go; only what is refused is told in other words.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from api.command_body import CommandBody
from api.keys import new_id
from api.pages.apologies import PageRoute, notice
from api.pages.opening import Asked, Opened, Token, open_page, opens
from api.pages.rendering import see
from api.pages.return_form import NOTE_LIMIT, ReturnForm, read_form
from api.pages.return_problems import trouble_of
from api.pages.showing import Answered, address, show
from api.pages.tracking import NO_ANSWER, NO_PAGE
from api.problems import Refusal, refusal
from api.resources import Resources, Uses
from api.return_request import read_request
from api.returning import KEY_REUSED, check_same, request_return
from domain.ids import RETURN
from domain.order import Locale
from domain.returns import ReturnCase, ReturnNotPossible, check_request

router = APIRouter(tags=["customers"], route_class=PageRoute)

# Customers look at an empty window meanwhile; asking takes a fraction of a second.
_PATIENCE = timedelta(seconds=20)
# In ids, where the shop's requests have their caller's name.
_PAGE = "page"
_FORM: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "once": {"type": "string", "description": "From the page: one return."},
                        "line-1": {"type": "integer", "description": "Units of line 1; and so on."},
                        "kind": {"enum": ["refund", "exchange"]},
                        "cause": {"type": "string"},
                        "note": {"type": "string", "maxLength": NOTE_LIMIT},
                    },
                }
            }
        }
    }
}


@router.post(
    "/t/{order_number}/returns",
    summary="A customer asks for a return",
    response_class=Response,
    status_code=303,
    responses={
        303: {"description": "Taken, now or before: back to the page, which shows it."},
        404: NO_PAGE,
        409: {"description": "It cannot be returned; the page says why."},
        422: {"description": "Something is filled in wrong; the page says what."},
        503: NO_ANSWER,
    },
    openapi_extra=_FORM,
)
async def ask(
    uses: Uses, request: Request, order_number: str, asked: Asked, token: Token = ""
) -> Response:
    """The form of the page; sent twice, it is one return."""
    if not opens(uses, order_number, token):
        return notice(asked, 404)
    form = read_form(await request.body())
    try:
        return await _answer(uses, order_number, token, form, asked)
    except Refusal as refused:
        # There is nothing to show without the order; what was filled in can be sent again.
        again = form.fields() if refused.status == 503 else None
        return notice(asked, refused.status, refused.headers, again=again)


@router.get("/t/{order_number}/returns", include_in_schema=False)
async def go_back(uses: Uses, order_number: str, asked: Asked, token: Token = "") -> Response:
    """To the page: somebody opened the address that a refused form leaves behind."""
    if not opens(uses, order_number, token):
        return notice(asked, 404)
    return see(f"../{order_number}{address(token, asked or 'zh-CN')}")


async def _answer(
    uses: Resources, order_number: str, token: str, form: ReturnForm, asked: Locale | None
) -> Response:
    opened = await open_page(uses, order_number, token)
    if opened is None:
        return notice(asked, 404)
    locale = asked or opened.known.order.locale
    try:
        case = await _ask(uses, opened, form)
    except Refusal as refused:
        return await _refuse(uses, opened, token, form, refused, locale)
    return see(f"../{order_number}{address(token, locale)}#{case.return_id}")


async def _ask(uses: Resources, opened: Opened, form: ReturnForm) -> ReturnCase:
    """The return, asked for now or by an earlier sending of the same form.

    Raises:
        Refusal: why not.
    """
    order = opened.known.order
    body = CommandBody(form.body())
    if not form.once:
        body.fields.note("form_incomplete", "once", "send what the page's form holds")
    if len(form.remark) > NOTE_LIMIT:
        body.fields.note("too_long", "reason", f"write at most {NOTE_LIMIT} characters")
    skus = {line.line_no: line.sku for line in order.items}
    message = read_request(body, skus, new_id(RETURN, form.once, _PAGE, order.order_id))
    for case in opened.standing.cases:
        if case.return_id == message.return_id:
            return check_same(case, message)
    standing = opened.standing
    try:
        # The books decide; but no process is started for what they are bound to refuse.
        check_request(message.lines, standing.lines, closes=standing.closes, at=opened.at)
    except ReturnNotPossible as error:
        raise refusal(409, error.code, error.reason) from error
    hurried = replace(uses, patience=min(uses.patience, _PATIENCE))
    return await request_return(hurried, order.order_id, message)


async def _refuse(
    uses: Resources,
    opened: Opened,
    token: str,
    form: ReturnForm,
    refused: Refusal,
    locale: Locale,
) -> Response:
    """The page once more, with the order as it is by now, and everything that was filled in."""
    fresh = await open_page(uses, opened.known.order.order_number, token)
    if fresh is None:
        return notice(locale, 404)
    if any(problem.code == KEY_REUSED for problem in refused.problems.errors):
        form = form.drawn()
    trouble = trouble_of(fresh, form, refused, locale)
    return show(fresh, token, locale, Answered(form, trouble, refused.status, refused.headers))
