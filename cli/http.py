"""Speaks to the API and to the simulator, which word their refusals alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from cli.failure import REFUSED, CommandFailed
from cli.whereabouts import Whereabouts

# A JSON object, as it came.
Body = dict[str, Any]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_TIMEOUT = httpx.Timeout(60, connect=5)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Body

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.status < 400

    @property
    def problems(self) -> Sequence[Mapping[str, str]]:
        """What is wrong, each with code, field and message."""
        problems: Sequence[Mapping[str, str]] = self.body.get("errors") or ()
        return problems

    def said(self) -> str:
        """The refusal in one line."""
        told = "; ".join(problem.get("message", "") for problem in self.problems)
        return told or f"HTTP status {self.status}"


class Remote:
    """One HTTP party; use it as a context manager."""

    def __init__(self, name: str, url: str, key: str = "") -> None:
        self._name = name
        self._url = url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # A proxy that the environment names does not reach this machine's own ports.
        try:
            self._client = httpx.Client(
                base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=not is_loopback(url)
            )
        except (ValueError, httpx.InvalidURL) as error:
            raise CommandFailed(f"{url!r} is no address for {name}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, **params: str | int) -> Body:
        """A successful answer's body.

        Raises:
            CommandFailed: there is no answer, or it is a refusal.
        """
        return self.expect(self.ask("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> Body:
        """A successful answer's body; see `get`. With an idempotency `key` it happens once."""
        headers = {"Idempotency-Key": key} if key else None
        return self.expect(self.ask("POST", path, body=body, headers=headers))

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,  # noqa: ANN401 - whatever the user's file holds
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Whatever comes back; a request with an idempotency key is repeated if its answer is lost.

        Raises:
            CommandFailed: there is no answer, or the key is refused.
        """
        response = self._request(method, path, body=body, params=params, headers=headers)
        return Answer(response.status_code, _body(response))

    def hand_over(self, path: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Whatever comes back for `content`, whose own headers prove where it comes from.

        Raises:
            CommandFailed: there is no answer.
        """
        try:
            response = self._client.post(path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        return Answer(response.status_code, _body(response))

    def download(self, path: str) -> bytes:
        """A successful answer's bytes; see `get`."""
        response = self._request("GET", path)
        if not response.is_success:
            self.expect(Answer(response.status_code, _body(response)))
        return response.content

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        tries = _TRIES if headers and "Idempotency-Key" in headers else 1
        for number in range(1, tries + 1):
            try:
                response = self._client.request(
                    method, path, json=body, params=params, headers=headers
                )
                break
            except httpx.ConnectError as error:
                raise self._unreachable(error) from error
            except httpx.TransportError as error:
                if number == tries:
                    raise self._unreachable(error) from error
        if response.status_code in {401, 403}:
            raise CommandFailed(
                f"{self._name} at {self._url} does not accept the key: pass --api-key or set"
                " ORDERFLOW_API_KEY."
            )
        return response

    def expect(self, answer: Answer) -> Body:
        """A successful answer's body.

        Raises:
            CommandFailed: it is a refusal.
        """
        if answer.ok:
            return answer.body
        if answer.status >= 500:
            raise CommandFailed(f"{self._name} cannot answer now: {answer.said()}")
        raise CommandFailed(f"{self._name} says no: {answer.said()}", code=REFUSED)

    def _unreachable(self, error: httpx.TransportError) -> CommandFailed:
        why = str(error) or type(error).__name__
        return CommandFailed(
            f"{self._name} at {self._url} does not answer ({why}). Is it running?"
            " `make up` starts the whole stack."
        )


def api(where: Whereabouts) -> Remote:
    """Orderflow's API."""
    return Remote("the API", where["api"], where["apiKey"])


def simulator(where: Whereabouts) -> Remote:
    """The simulator of the outside parties."""
    return Remote("the simulator", where["simulator"])


def is_loopback(url: str) -> bool:
    """Whether `url` is on this machine."""
    return urlsplit(url).hostname in _LOOPBACK


def _body(response: httpx.Response) -> Body:
    try:
        content = response.json()
    except ValueError:
        return {"errors": [{"code": "", "field": "", "message": response.text[:300]}]}
    return content if isinstance(content, dict) else {"content": content}
