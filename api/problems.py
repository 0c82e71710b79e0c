"""Every answer that is not a success: `{"errors": [{code, field, message}], "warnings": [...]}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from domain.order import Problem, Value

RETRY_AFTER = timedelta(seconds=5)


class Problems(Value):
    """What is wrong with the request; `warnings` do not by themselves refuse it."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


class Refusal(Exception):
    """The request is answered with `status` and these problems."""

    def __init__(
        self,
        status: int,
        *errors: Problem,
        warnings: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("; ".join(error.code for error in errors))
        self.status = status
        self.problems = Problems(errors=errors, warnings=tuple(warnings))
        self.headers = dict(headers or {})


def refusal(status: int, code: str, message: str, field: str = "") -> Refusal:
    """A refusal for one reason; an empty `field` means the request as a whole."""
    return Refusal(status, Problem(code=code, field=field, message=message))


def unavailable(message: str) -> Refusal:
    """Something that we need does not answer; the same request may succeed in a moment."""
    return Refusal(
        503,
        Problem(code="temporarily_unavailable", field="", message=message),
        headers={"Retry-After": str(int(RETRY_AFTER.total_seconds()))},
    )


def render(refused: Refusal) -> Response:
    """The response that a refusal stands for."""
    return Response(
        refused.problems.model_dump_json(by_alias=True),
        refused.status,
        refused.headers,
        media_type="application/json",
    )


def install(app: FastAPI) -> None:
    """Have the framework's own errors answered in the same shape as ours."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(ClientDisconnect, _gone)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return render(error)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    answer = render(refusal(error.status_code, code, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer


async def _not_valid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        Problem(
            code=str(problem["type"]),
            field=".".join(str(part) for part in problem["loc"][1:]),
            message=str(problem["msg"]),
        )
        for problem in error.errors()
    ]
    return render(Refusal(422, *found))


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody reads this answer: the caller left before the request was complete."""
    return render(refusal(400, "request_incomplete", "the request ended before its body did"))
