"""The HTTP API: it translates between HTTP and workflows, and does nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

import composition
import temporal
from activities.inbox import Courier
from api import (
    addresses,
    callbacks,
    codec_endpoint,
    complaints,
    health,
    message_callbacks,
    order_commands,
    orders,
    picking_lists,
    problems,
    reaching,
    refund_commands,
    return_commands,
    tasks,
    unsubscribing,
)
from api.auth import caller_name
from api.bodies import BodyLimit
from api.codec_endpoint import CodecCors
from api.metrics import Metrics
from api.observing import Observing
from api.pages import asking, tracking
from api.resources import Resources
from db.engine import connect, session_factory
from domain.parcel_exceptions import Decision
from gateways.http import build_client
from settings import Settings, reveal
from workflows.messages import OrderTimings
from workflows.policies import ORDERS_QUEUE

# Longer than the workflow tries to create a payment: three times 20 s and the pauses between.
PATIENCE = timedelta(seconds=75)

# FastAPI's own would put paths (the codec's token) and exceptions' messages into what it exports.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}

_DESCRIPTION = """
Takes orders from checkout to the customer's door.

* **Names** are camelCase; snake_case is understood, too.
* **Money** is a decimal string (`"129.00"`) with a `currency`.
* **Times** are ISO 8601 in UTC.
* **Problems** have one shape: `{"errors": [{"code", "field", "message"}], "warnings": [...]}`.
* **Repeating** a request with the same `Idempotency-Key` and body is always safe.
"""


def create_app(
    settings: Settings,
    *,
    engine: AsyncEngine | None = None,
    client: Client | None = None,
    http: httpx.AsyncClient | None = None,
    patience: timedelta = PATIENCE,
) -> FastAPI:
    """The application; what is not given is made when it starts, and closed when it stops.

    `patience` is how long a caller may wait for a workflow's answer.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            pool = engine or connect(settings.database_url, settings.database_pool_size)
            party = http or build_client()
            if engine is None:
                stack.push_async_callback(pool.dispose)
            if http is None:
                stack.push_async_callback(party.aclose)
            temporal_client = client or await temporal.connect(
                settings, lazy=True, retry=temporal.IMPATIENT
            )
            sessions = session_factory(pool)
            app.state.resources = Resources(
                callers=tuple(caller_name(reveal(key)) for key in settings.api_keys),
                codec=temporal.codec_of(settings),
                codec_token=reveal(settings.codec_token),
                shipping_secret=reveal(settings.shipping_callback_secret),
                supply_secret=reveal(settings.supply_callback_secret),
                timings=_timings(settings),
                lost_parcels=Decision(settings.lost_parcel_remedy),
                sessions=sessions,
                client=temporal_client,
                courier=Courier(sessions, temporal_client, ORDERS_QUEUE),
                payments=composition.payment_gateways(settings, party),
                tracking=composition.tracking_readers(settings, party),
                receipts=composition.receipt_readers(settings),
                public_url=settings.public_url.rstrip("/"),
                unsubscribe_secret=reveal(settings.unsubscribe_secret),
                page_keys=composition.page_keys(settings),
                page_life=settings.tracking_link_life,
                return_rules=composition.return_rules(settings),
                push_hosts=settings.web_push_hosts,
                metrics=metrics,
                patience=patience,
            )
            yield

    app = FastAPI(
        title="Orderflow",
        version="0.1.0",
        description=_DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    for part in (
        orders,
        order_commands,
        refund_commands,
        return_commands,
        complaints,
        picking_lists,
        tasks,
        callbacks,
        message_callbacks,
        unsubscribing,
        tracking,
        asking,
        reaching,
        addresses,
        codec_endpoint,
        health,
    ):
        app.include_router(part.router)
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(CodecCors, origins=settings.codec_origins)
    app.add_middleware(Observing, metrics=metrics)
    return app


def _timings(settings: Settings) -> OrderTimings:
    return OrderTimings(
        hold=settings.hold_duration,
        slow_order_alert=settings.slow_order_alert,
        first_payment_check=settings.first_payment_check,
        payment_poll=settings.payment_poll_interval,
        restock_patience=settings.restock_patience,
        tracking_poll=settings.tracking_poll_interval,
        tracking_poll_limit=settings.tracking_poll_limit,
        parcel_silence=settings.parcel_silence,
        lost_parcel_patience=settings.lost_parcel_patience,
        review_delay=settings.review_delay,
    )
