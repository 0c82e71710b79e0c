"""When a page cannot be shown: a page that says so, in the customer's language."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from api.pages.rendering import page
from api.pages.words import asked_locale, page_words
from api.problems import Refusal
from domain.order import Locale

_NOTICES = {404: "missing", 413: "too_large", 503: "busy"}


class PageRoute(APIRoute):
    """A route for customers, who do not read JSON: its problems are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint, its refusals in words."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refused:
                return notice(_asked(request.scope), refused.status, refused.headers)

        return answer

    def apology(self, scope: Scope) -> Response:
        """The answer when something went wrong on our side."""
        return notice(_asked(scope), 500)


def notice(
    asked: Locale | None,
    status: int,
    headers: Mapping[str, str] | None = None,
    *,
    again: Mapping[str, str] | None = None,
) -> Response:
    """Why there is no page; `again` are the fields of a form that can be sent once more."""
    locale = asked or "zh-CN"
    words = page_words(locale)
    facts = {
        "said": words.notices[_NOTICES.get(status, "broken")],
        "again": again or {},
        "button": words.labels["try_again"],
    }
    return page("notice.html", locale, facts, status=status, form=bool(again), headers=headers)


def _asked(scope: Scope) -> Locale | None:
    """The language of the link, or of the browser: there may be no endpoint that has read them."""
    lang = QueryParams(scope["query_string"]).get("lang", "")
    return asked_locale(lang, Headers(scope=scope).get("accept-language", ""))
