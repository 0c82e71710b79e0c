"""`GET /t/{orderNumber}?k=…`: a customer's page about one order, for whoever holds its link.

It runs no script, loads nothing, and names nobody. A wrong token, an order that we do not know and
one that ended long ago get the same answer.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.overview import Overview, find_overview
from api.pages.order_page import page_view
from api.pages.words import asked_locale, page_words
from api.resources import Resources, Uses
from db.orders import find_id_by_number
from domain.order import Locale
from domain.page_links import is_over
from gateways.messaging.wording import wording

router = APIRouter(tags=["customers"])

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action 'none';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address holds the token.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Language",
}
_NUMBER = re.compile(r"ORD[0-9]{13}")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

Token = Annotated[str, Query(alias="k", description="The link's token.")]
Language = Annotated[str, Query(description="`zh` or `en`; else the browser's, or the order's.")]


@router.get(
    "/t/{order_number}",
    summary="The customer's page of an order",
    response_class=Response,
    responses={
        200: {"content": {"text/html": {}}, "description": "The page; it needs no script."},
        404: {"content": {"text/html": {}}, "description": "No such page, or not with this link."},
    },
)
async def show_page(
    uses: Uses, request: Request, order_number: str, token: Token = "", lang: Language = ""
) -> Response:
    """Progress, parcels, expected day, what happens next, refunds and returns."""
    asked = asked_locale(lang, request.headers.get("accept-language", ""))
    known = await _open(uses, order_number, token)
    if known is None:
        return _missing(asked or "zh-CN")
    locale = asked or known.order.locale
    words = page_words(locale)
    content = _ENVIRONMENT.get_template("order.html").render(
        locale=locale,
        shop=wording(locale).shop,
        labels=words.labels,
        page=page_view(known, locale),
        style=Markup(_STYLE),  # noqa: S704 - our own file
        other_url=f"?k={quote(token, safe='')}&lang={words.labels['language_code']}",
    )
    return _html(content, locale)


async def _open(uses: Resources, order_number: str, token: str) -> Overview | None:
    """The order, if this token opens its page and it has not ended too long ago."""
    # Before anything is looked up: who has no link learns nothing, not even from the time it takes.
    if not uses.page_keys.opens(order_number, token) or not _NUMBER.fullmatch(order_number):
        return None
    async with uses.reading() as session:
        order_id = await find_id_by_number(session, order_number)
        known = await find_overview(session, order_id) if order_id else None
    if known is None:
        return None
    over = is_over(known.order.status, known.updated_at, datetime.now(UTC), uses.page_life)
    return None if over else known


def _missing(locale: Locale) -> Response:
    content = _ENVIRONMENT.get_template("missing.html").render(
        locale=locale,
        shop=wording(locale).shop,
        words=page_words(locale),
        style=Markup(_STYLE),  # noqa: S704 - our own file
    )
    return _html(content, locale, 404)


def _html(content: str, locale: Locale, status: int = 200) -> Response:
    headers = {**_HEADERS, "Content-Language": locale}
    return Response(content, status, headers=headers, media_type="text/html")
