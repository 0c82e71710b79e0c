"""What the endpoints work with: built once when the application starts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from activities.inbox import Courier
from api import outages
from api.metrics import Metrics
from codec import EncryptingCodec
from db.engine import Sessions, one_snapshot
from domain.order import GatewayName
from domain.page_links import LinkKeys
from domain.parcel_exceptions import Decision
from domain.returns import ReturnRules
from gateways.messaging.protocol import ReceiptReader
from gateways.payments.protocol import PaymentGateway
from gateways.tracking.protocol import TrackingGateway
from workflows.messages import OrderTimings


@dataclass(frozen=True)
class Resources:
    """One application's connections, adapters and secrets.

    `callers` are the hashes of the API keys. An empty secret turns off what it guards. `public_url`
    is this API's address as others know it, `push_hosts` the push services that we call.
    `page_life` is how long customers' pages outlive their order, `return_rules` until when they
    offer to take goods back, `patience` how long a caller may wait for a workflow's answer.
    """

    callers: tuple[str, ...]
    codec: EncryptingCodec
    codec_token: str
    shipping_secret: str
    supply_secret: str
    timings: OrderTimings
    lost_parcels: Decision
    sessions: Sessions
    client: Client
    courier: Courier
    payments: Mapping[GatewayName, PaymentGateway]
    tracking: Mapping[str, TrackingGateway]
    receipts: Mapping[str, ReceiptReader]
    public_url: str
    unsubscribe_secret: str
    page_keys: LinkKeys
    page_life: timedelta
    return_rules: ReturnRules
    push_hosts: tuple[str, ...]
    metrics: Metrics
    patience: timedelta

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session to read with; what it reads in several steps is as it was at one moment.

        Raises:
            Refusal: the database does not answer.
        """
        async with outages.database(), one_snapshot(self.sessions) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction.

        Raises:
            Refusal: the database does not answer.
        """
        async with outages.database(), self.sessions.begin() as session:
            yield session


def _of(request: Request) -> Resources:
    resources = request.app.state.resources
    assert isinstance(resources, Resources)
    return resources


Uses = Annotated[Resources, Depends(_of)]
