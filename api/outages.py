"""What it looks like when the database or Temporal is down, told apart from our own mistakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from api.problems import unavailable

log = logging.getLogger("orderflow.api")

# SQLSTATE classes: connection lost, out of resources, operator intervention (shutdown, starting).
_OUTAGE_CLASSES = ("08", "53", "57")

_TEMPORAL_DOWN = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.ABORTED,
    RPCStatusCode.INTERNAL,
    # The workflow's own steps fail or time out: its worker is broken, or has too much to do.
    RPCStatusCode.FAILED_PRECONDITION,
    # "Transport error": the connection broke while a request was under way.
    RPCStatusCode.UNKNOWN,
}


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Turn an unreachable database into a 503; any other error stays what it is.

    Raises:
        Refusal: the database does not answer.
    """
    try:
        yield
    except (OSError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("database_unreachable", extra={"cause": type(error).__name__})
        raise unavailable("the database does not answer; try again shortly") from error
    except DBAPIError as error:
        if not _is_outage(error):
            raise
        log.warning("database_unreachable", extra={"cause": type(error.orig).__name__})
        raise unavailable("the database does not answer; try again shortly") from error


@asynccontextmanager
async def temporal(patience: timedelta, advice: str = "try again shortly") -> AsyncIterator[None]:
    """Turn an unreachable Temporal, or one that takes longer than `patience`, into a 503.

    Raises:
        Refusal: Temporal does not answer; `advice` says what the caller can do.
    """
    try:
        async with asyncio.timeout(patience.total_seconds()):
            yield
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        log.warning("workflow_too_slow", extra={"cause": type(error).__name__})
        raise unavailable(f"the answer takes too long; {advice}") from error
    except RPCError as error:
        if error.status not in _TEMPORAL_DOWN:
            raise
        log.warning("temporal_unreachable", extra={"cause": error.status.name})
        raise unavailable(f"the order system does not answer; {advice}") from error
    except RuntimeError as error:
        # What a lazy client raises when its first connection fails; subclasses mean other things.
        if type(error) is not RuntimeError:
            raise
        log.warning("temporal_unreachable", extra={"cause": str(error)})
        raise unavailable(f"the order system does not answer; {advice}") from error


def _is_outage(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith(_OUTAGE_CLASSES)
