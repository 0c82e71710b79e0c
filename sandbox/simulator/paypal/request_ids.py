"""`PayPal-Request-Id`: https://developer.paypal.com/reference/guidelines/idempotency."""

from __future__ import annotations

from pydantic import BaseModel

from sandbox.simulator.paypal.errors import PayPalError, detail, refusal
from sandbox.simulator.store import Collection, Store

_LONGEST = 108


class _Done(BaseModel):
    reference: str


class RequestIds:
    """What each request id made, and the ids whose first request still runs.

    PayPal forgets ids of orders after 6 hours and of refunds after 45 days; the simulator never
    does. A refused request leaves its id free.
    """

    def __init__(self, store: Store) -> None:
        self._done = Collection(store, "paypal.request", _Done)
        self._in_flight: dict[str, str] = {}

    def enter(self, operation: str, request_id: str, holder: str) -> None:
        """Claim the id for one request.

        Raises:
            PayPalError: another request holds it, or it is too long.
        """
        if len(request_id) > _LONGEST:
            named = detail("INVALID_STRING_LENGTH", value=request_id)
            raise PayPalError(400, [{"field": "PayPal-Request-Id", "location": "header"} | named])
        key = _key(operation, request_id)
        if key in self._in_flight:
            busy = operation == "capture"
            raise refusal(
                "ORDER_COMPLETION_IN_PROGRESS" if busy else "PREVIOUS_REQUEST_IN_PROGRESS"
            )
        if request_id:
            self._in_flight[key] = holder

    def leave(self, operation: str, request_id: str, holder: str) -> None:
        """Give the id up, if this request still holds it."""
        key = _key(operation, request_id)
        if self._in_flight.get(key) == holder:
            del self._in_flight[key]

    def recall(self, operation: str, request_id: str) -> str:
        """What this id made before, empty if nothing; PayPal does not compare the bodies."""
        done = self._done.get(_key(operation, request_id)) if request_id else None
        return done.reference if done else ""

    def keep(self, operation: str, request_id: str, reference: str) -> None:
        """Remember what this id made."""
        if request_id:
            self._done.put(_key(operation, request_id), _Done(reference=reference))


def _key(operation: str, request_id: str) -> str:
    return f"{operation}:{request_id}"
