"""Turns our failures into Temporal's, in one place, so that no list of names can rot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from domain.errors import PermanentError, RateLimited

NOT_YET = "NotYet"


def not_yet(message: str, after: timedelta) -> ApplicationError:
    """What an activity raises when it should simply look again after a while."""
    return ApplicationError(
        message, type=NOT_YET, next_retry_delay=after, category=ApplicationErrorCategory.BENIGN
    )


class FailureInterceptor(Interceptor):
    """Permanent errors are not retried; rate limits set their own delay."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK names it
        """Wrap every activity of the worker."""
        return _FailureMapper(next)


class _FailureMapper(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        try:
            return await super().execute_activity(input)
        except PermanentError as error:
            raise ApplicationError(
                str(error), type=type(error).__name__, non_retryable=True
            ) from error
        except RateLimited as error:
            raise ApplicationError(
                str(error), type=type(error).__name__, next_retry_delay=error.retry_after
            ) from error
