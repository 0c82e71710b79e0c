"""The HTTP contracts that are ours, as the warehouse and the supplier speak them.

Requests carry a bearer key; refusals are `{code, message}`; news is signed as `signatures` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from gateways import signatures
from gateways.errors import InvalidCallback, OutcomeUnknown
from gateways.http import send


class Answer(BaseModel):
    """What a party answers, in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)


class Refusal(Answer):
    """Why a party says no; empty if it does not say."""

    code: str = ""
    message: str = ""


M = TypeVar("M", bound=BaseModel)
A = TypeVar("A", bound=Answer)
R = TypeVar("R", bound=Refusal)


class Contractor:
    """One party that keeps such a contract; `name` is what errors call it."""

    def __init__(self, name: str, client: httpx.AsyncClient, base_url: str, api_key: str) -> None:
        self._name = name
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {api_key}"}

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> httpx.Response:
        """Send one request; the whole answer, whatever its status.

        Raises:
            ConnectionError: nothing was sent.
            OutcomeUnknown: it broke after the request may have gone out.
        """
        request = self._client.build_request(
            method,
            self._base_url + path,
            headers={**self._authorization, **(headers or {})},
            json=json,
        )
        return await send(self._client, request)

    def believe(self, model: type[A], response: httpx.Response) -> A:
        """Read an answer that says yes.

        Raises:
            OutcomeUnknown: it cannot be read.
        """
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise OutcomeUnknown(f"the {self._name}'s answer cannot be read") from error


def read_refusal(model: type[R], response: httpx.Response) -> R:
    """Read an answer that says no; an empty one if it cannot be read."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        return model()


def read_news(
    model: type[M], what: str, headers: Mapping[str, str], body: bytes, secret: str, now: datetime
) -> M:
    """Verify a party's message on its raw bytes and read it; errors call it `what`.

    Raises:
        InvalidCallback: it does not prove where it comes from, is stale, or cannot be read.
    """
    signatures.verify(headers, body, secret, now)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(_problem(problem["loc"], problem["msg"]) for problem in error.errors())
        # Not chained: the validation error quotes the message, and with it personal data.
        raise InvalidCallback(f"the {what} cannot be read: {problems}") from None


def require(what: str, fields: Mapping[str, str]) -> None:
    """See that a message has what it needs.

    Raises:
        InvalidCallback: some of `fields`, text by name, are blank.
    """
    missing = [name for name, value in fields.items() if not value.strip()]
    if missing:
        raise InvalidCallback(f"the {what} lacks {', '.join(missing)}")


def _problem(path: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, path)) or 'body'}: {message}"
