"""What can go wrong with a party outside the house.

PermanentError
  GatewayRejected     understood and refused, with the party's own code
  GatewayAuthError    our credentials are wrong: page someone
  NotFound            the party does not know what we ask about
  InvalidCallback     a message that does not prove where it comes from, or is malformed
RateLimited           asked to come back later
OutcomeUnknown        it may have happened: repeat with the same key, or query
"""

from __future__ import annotations

from domain.errors import PermanentError, RateLimited


class GatewayRejected(PermanentError):
    """The party understood the request and refused it for good."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.reason = message


class GatewayAuthError(PermanentError):
    """The party does not accept our credentials."""


class NotFound(PermanentError):
    """The party does not know the thing that we asked about."""


class InvalidCallback(PermanentError):
    """The message does not prove where it comes from, is stale, or cannot be read."""


class OutcomeUnknown(Exception):
    """The request may or may not have taken effect: repeat it with the same key, or query."""


__all__ = [
    "GatewayAuthError",
    "GatewayRejected",
    "InvalidCallback",
    "NotFound",
    "OutcomeUnknown",
    "PermanentError",
    "RateLimited",
]
