"""Stripe's errors: https://docs.stripe.com/api/errors and its list of error codes."""

from __future__ import annotations

from collections.abc import Mapping


class StripeError(Exception):
    """An error answer.

    `kept`: it is stored for its idempotency key, as Stripe does once an endpoint has begun.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        param: str = "",
        kind: str = "invalid_request_error",
        kept: bool = True,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        error: dict[str, object] = {"message": message, "type": kind}
        if code:
            error["code"] = code
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"
        if param:
            error["param"] = param
        self.error = error | dict(extra or {})

    def body(self, request_id: str) -> dict[str, object]:
        """The JSON answer."""
        log = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": {**self.error, "request_log_url": log}}


def invalid_key(key: str) -> StripeError:
    """401: the key is not ours; only its end is repeated."""
    if not key:
        message = "You did not provide an API key."
    else:
        message = f"Invalid API Key provided: {'*' * 8}{key[-4:] if len(key) > 12 else ''}"
    return StripeError(401, message, kept=False)


def no_such(what: str, reference: str, *, param: str, status: int = 404) -> StripeError:
    """404 for an id in the path, 400 for one in a parameter."""
    return StripeError(
        status, f"No such {what}: '{reference}'", code="resource_missing", param=param
    )


def unexpected_state(message: str, intent: Mapping[str, object]) -> StripeError:
    """The intent's status does not allow it."""
    return StripeError(
        400, message, code="payment_intent_unexpected_state", extra={"payment_intent": intent}
    )


# code and decline_code that a card's issuer answers with, https://docs.stripe.com/testing.
_DECLINES: Mapping[str, tuple[str, str | None, str]] = {
    "generic_decline": ("card_declined", "generic_decline", "Your card was declined."),
    "insufficient_funds": (
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "lost_card": ("card_declined", "lost_card", "Your card was declined."),
    "stolen_card": ("card_declined", "stolen_card", "Your card was declined."),
    "expired_card": ("expired_card", None, "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", None, "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}


def decline_words(code: str) -> tuple[str, str | None, str]:
    """Code, decline code and message; an issuer's other codes come as declines."""
    return _DECLINES.get(code, ("card_declined", code, "Your card was declined."))
