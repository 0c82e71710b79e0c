"""For probes and Prometheus."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.answers import Health, answer
from api.overview import Backlog, count_backlog
from api.problems import RETRY_AFTER, Problems, Refusal
from api.resources import Resources, Uses
from domain.order import Problem

router = APIRouter(tags=["health"])

_PATIENCE = timedelta(seconds=2)


@router.get("/health/live", summary="Is the process alive?", response_model=Health)
async def live() -> Response:
    """The process answers; nothing else is asked."""
    return answer(Health(status="live"))


@router.get(
    "/health/ready",
    summary="Can it take orders?",
    response_model=Health,
    responses={503: {"model": Problems, "description": "What is down."}},
)
async def ready(uses: Uses) -> Response:
    """The database and Temporal answer."""
    found = await asyncio.gather(_database(uses), _temporal(uses))
    problems = [problem for problem in found if problem is not None]
    if problems:
        wait = {"Retry-After": str(int(RETRY_AFTER.total_seconds()))}
        raise Refusal(503, *problems, headers=wait)
    return answer(Health(status="ready"))


@router.get("/metrics", summary="For Prometheus", include_in_schema=False)
async def metrics(uses: Uses) -> Response:
    """Counters of this process, and what waits in the database."""
    return Response(uses.metrics.render(await _backlog(uses)), media_type=CONTENT_TYPE_LATEST)


async def _backlog(uses: Resources) -> Backlog | None:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()), uses.reading() as session:
            return await count_backlog(session, datetime.now(UTC))
    except (Refusal, TimeoutError, SQLAlchemyError):
        return None


async def _database(uses: Resources) -> Problem | None:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()), uses.reading() as session:
            await session.execute(text("SELECT 1"))
    except (Refusal, TimeoutError):
        return Problem(
            code="database_unreachable", field="", message="the database does not answer"
        )
    return None


async def _temporal(uses: Resources) -> Problem | None:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            await uses.client.service_client.check_health(timeout=_PATIENCE)
    except (RPCError, RuntimeError, TimeoutError):
        return Problem(code="temporal_unreachable", field="", message="Temporal does not answer")
    return None
