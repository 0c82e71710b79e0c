"""What the Stripe SDK's exceptions mean in our words (API 2026-10-28, "Error handling")."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.http import error_for, retry_after

# Another request with this key but other parameters came first: a mistake of ours, not a refusal.
KEY_REUSED = "idempotency_error"


@contextmanager
def translated() -> Iterator[None]:
    """Turn the SDK's exceptions into those of `gateways.errors`."""
    try:
        yield
    except stripe.StripeError as error:
        # Chained only if Stripe itself spoke: the SDK's error quotes any other page in full.
        raise gateway_error(error) from (error if error.error else None)


def gateway_error(error: stripe.StripeError) -> Exception:
    """Our error for one of the SDK's.

    The header `Stripe-Should-Retry` wins, with one exception: a 5xx that Stripe would only repeat
    ("false") is still not a refusal, because the effect may have happened before the failure.
    """
    status, message = error.http_status or 0, _message(error)
    if status == 429 or isinstance(error, stripe.RateLimitError):
        return RateLimited(message, retry_after(error.headers or {}))
    if 400 <= status < 500:
        advice = (error.headers or {}).get("stripe-should-retry")
        if advice == "true":
            return RateLimited(message, retry_after(error.headers or {}))
        if status == 409:
            in_flight = OutcomeUnknown(message)
            return GatewayRejected(_code(error), message) if advice == "false" else in_flight
    return _by_class(error, status, message)


def _by_class(error: stripe.StripeError, status: int, message: str) -> Exception:
    match error:
        case stripe.AuthenticationError() | stripe.PermissionError():
            return GatewayAuthError(message)
        case stripe.IdempotencyError():
            return GatewayRejected(KEY_REUSED, message)
        case stripe.InvalidRequestError() if status == 404 or error.code == "resource_missing":
            return NotFound(message)
        case stripe.CardError() | stripe.InvalidRequestError():
            return GatewayRejected(_code(error), message)
        case stripe.APIError() if status in {401, 403, 408, 425}:
            return error_for(status, error.headers or {}, message=message)
        case _:
            return OutcomeUnknown(message)


def _code(error: stripe.StripeError) -> str:
    details = error.error
    decline_code = getattr(details, "decline_code", None)
    kind = getattr(details, "type", None)
    return str(decline_code or error.code or kind or f"http_{error.http_status}")


def _message(error: stripe.StripeError) -> str:
    # An answer that is not Stripe's (a proxy's page) stands in the SDK's message word for word.
    text = error.user_message if error.error else "Stripe's answer cannot be read"
    request = f" (request {error.request_id})" if error.request_id else ""
    return f"HTTP {error.http_status}: {text}{request}"
