"""Stripe's idempotency keys: https://docs.stripe.com/api/idempotent_requests."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel

from sandbox.simulator.store import Collection, Store
from sandbox.simulator.stripe.errors import StripeError


class StoredAnswer(BaseModel):
    """The answer to the first executed request with a key, an error 500 included."""

    path: str
    fingerprint: str
    status: int
    body: dict[str, object]
    request_id: str


class IdempotencyStore:
    """Stored answers by key, and the keys whose first request is still running."""

    def __init__(self, store: Store) -> None:
        self._answers = Collection(store, "stripe.idempotency", StoredAnswer)
        self._in_flight: dict[str, str] = {}

    def enter(self, key: str, request_id: str) -> None:
        """Claim the key for one request.

        Raises:
            StripeError: 409 while another request holds it; 400 for a key too long.
        """
        if len(key) > 255:
            raise StripeError(400, "Idempotency keys are at most 255 characters.", kept=False)
        if key in self._in_flight:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that"
                " probably means you submitted twice, and the other request is still going"
                f" through): {key}. Please try again later.",
                code="idempotency_key_in_use",
                kind="idempotency_error",
                kept=False,
            )
        if key:
            self._in_flight[key] = request_id

    def leave(self, key: str, request_id: str) -> None:
        """Give the key up, if this request still holds it."""
        if self._in_flight.get(key) == request_id:
            del self._in_flight[key]

    def recall(self, key: str, path: str, fingerprint: str) -> StoredAnswer | None:
        """The stored answer to the same request.

        Raises:
            StripeError: the key was used for another request.
        """
        stored = self._answers.get(key) if key else None
        if stored is None:
            return None
        if stored.path != path:
            raise _mismatch(f"endpoint they were first used for ('{path}' vs '{stored.path}')", key)
        if stored.fingerprint != fingerprint:
            raise _mismatch("parameters they were first used with", key)
        return stored

    def keep(self, key: str, answer: StoredAnswer) -> None:
        """Store the first answer."""
        if key:
            self._answers.put(key, answer)


def fingerprint(form: dict[str, object]) -> str:
    """What makes two requests the same."""
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()


def _mismatch(what: str, key: str) -> StripeError:
    return StripeError(
        400,
        f"Keys for idempotent requests can only be used with the same {what}."
        f" Try using a key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
        kept=False,
    )
