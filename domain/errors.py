"""The two kinds of failure that retrying must treat differently; anything else is retried."""

from __future__ import annotations

from datetime import timedelta


class PermanentError(Exception):
    """Trying again cannot help; a person or another branch of the process must act."""


class RateLimited(Exception):
    """The other side asked us to come back later."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
