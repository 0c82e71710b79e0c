"""Who holds a link may see its order: the token is all that is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request

from activities.return_standing import Standing, read_standing
from api.overview import Overview, find_overview
from api.pages.words import asked_locale
from api.resources import Resources
from db.catalog import warehouse_names
from db.orders import OrderRow, find_id_by_number
from domain.order import Locale
from domain.page_links import is_over

_NUMBER = re.compile(r"ORD[0-9]{13}")

Token = Annotated[str, Query(alias="k", description="The link's token.")]


def _asked(
    request: Request,
    lang: Annotated[
        str, Query(description="`zh` or `en`; else the browser's language, or the order's.")
    ] = "",
) -> Locale | None:
    return asked_locale(lang, request.headers.get("accept-language", ""))


Asked = Annotated[Locale | None, Depends(_asked)]


@dataclass(frozen=True)
class Opened:
    """An order whose page is open, and what of it could come back `at` this moment."""

    known: Overview
    standing: Standing
    warehouses: Mapping[str, str]
    at: datetime


def opens(uses: Resources, order_number: str, token: str) -> bool:
    """Whether we made this link; nothing is looked up for it."""
    return bool(uses.page_keys.opens(order_number, token) and _NUMBER.fullmatch(order_number))


async def open_page(uses: Resources, order_number: str, token: str) -> Opened | None:
    """The order, if this token opens its page and it has not ended too long ago.

    Raises:
        Refusal: the database does not answer.
    """
    # Before anything is looked up: who has no link learns nothing, not even from the time it takes.
    if not opens(uses, order_number, token):
        return None
    now = datetime.now(UTC)
    async with uses.reading() as session:
        order_id = await find_id_by_number(session, order_number)
        known = await find_overview(session, order_id) if order_id else None
        if known is None or is_over(known.order.status, known.updated_at, now, uses.page_life):
            return None
        row = await session.get_one(OrderRow, order_id)
        standing = await read_standing(session, row, uses.return_rules)
        senders = {one.warehouse_id for one in standing.sent}
        warehouses = await warehouse_names(session, senders)
    return Opened(known, standing, warehouses, now)
