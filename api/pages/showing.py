"""An order's page as an answer, with the form for returns if anything can be returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Response

from api.pages.opening import Opened
from api.pages.order_page import page_view
from api.pages.rendering import page
from api.pages.return_form import ReturnForm
from api.pages.return_offer import offer_of
from api.pages.return_problems import Trouble
from api.pages.words import LOCALES, page_words
from domain.order import Locale

_LANGS = {locale: lang for lang, locale in LOCALES.items()}


@dataclass(frozen=True)
class Answered:
    """What came of a form: what is wrong with it, and what was filled in."""

    form: ReturnForm
    trouble: Trouble
    status: int
    headers: Mapping[str, str]


def address(token: str, locale: Locale) -> str:
    """The query of a page's address, in one language."""
    return f"?k={quote(token, safe='')}&lang={_LANGS[locale]}"


def show(opened: Opened, token: str, locale: Locale, answered: Answered | None = None) -> Response:
    """The page; all its addresses are relative: nobody knows what is in front of us."""
    words = page_words(locale)
    number = opened.known.order.order_number
    form = answered.form if answered else ReturnForm()
    trouble = answered.trouble if answered else None
    offer = offer_of(opened, form, trouble, locale)
    other = next(other for other in _LANGS if other != locale)
    facts = {
        "labels": words.labels,
        "form": words.return_form,
        "page": page_view(opened.known, opened.warehouses, locale),
        "offer": offer,
        "trouble": trouble,
        "written": form.remark,
        # A refused form is answered one level below the page.
        "other_url": f"../{number}{address(token, other)}" if answered else address(token, other),
        "action": f"{'' if answered else f'{number}/'}returns{address(token, locale)}#answer",
    }
    return page(
        "order.html",
        locale,
        facts,
        status=answered.status if answered else 200,
        form=offer is not None,
        headers=answered.headers if answered else None,
    )
