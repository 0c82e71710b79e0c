"""What the commands on an order have in common: a small body, and how they may be refused."""

from __future__ import annotations

from typing import Any

from api.problems import Problems, Refusal
from domain.cleaning import worded_like
from domain.order import Problem
from domain.reading import Fields, as_fields

REASON_LIMIT = 500

REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problems},
    409: {"model": Problems, "description": "The order's stage forbids it; the message says why."},
    422: {"model": Problems},
    503: {"model": Problems},
}


class CommandBody:
    """A small JSON object, and everything that is wrong with it."""

    def __init__(self, body: object) -> None:
        self._body = body
        self._problems: list[Problem] = []
        self.fields: Fields = as_fields(body, "", self._problems)

    def refuse_if_wrong(self) -> None:
        """Answer 422 with all problems, if there are any."""
        if self._problems:
            raise Refusal(422, *worded_like(self._body, self._problems))


def takes(example: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    """For the API's documentation: a body that may be left out, and examples of it."""
    media: dict[str, Any] = {"schema": {"type": "object"}}
    if more:
        named = {"first": example, **more}
        media["examples"] = {name: {"value": value} for name, value in named.items()}
    else:
        media["example"] = example
    return {"requestBody": {"required": False, "content": {"application/json": media}}}
