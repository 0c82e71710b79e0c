from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest

from gateways.http import build_client
from gateways.payments.protocol import PaymentGateway
from tests.gateways.adapters import adapters, credentials, strange_credentials
from tests.gateways.peer import Peer, PeerHost
from tests.gateways.provider_traits import TRAITS
from tests.gateways.providers import Provider
from tests.gateways.serving import serve
from tests.gateways.simulated import Simulated, simulator


@pytest.fixture(scope="session")
async def peer_host() -> AsyncIterator[PeerHost]:
    host = PeerHost()
    async with serve(host.app()) as host.url:
        yield host


@pytest.fixture
def peer(peer_host: PeerHost) -> Iterator[Peer]:
    with peer_host.peer() as peer:
        yield peer


@pytest.fixture(scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with build_client(answer_timeout=timedelta(seconds=5)) as client:
        yield client


@pytest.fixture
async def hasty_client() -> AsyncIterator[httpx.AsyncClient]:
    """A client that waits 0.2 s for an answer."""
    async with build_client(answer_timeout=timedelta(seconds=0.2)) as client:
        yield client


@pytest.fixture
def deaf_url() -> str:
    """A base URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="session")
async def simulated() -> AsyncIterator[Simulated]:
    async with simulator() as simulated:
        yield simulated


@pytest.fixture(scope="session")
def payment_adapters(simulated: Simulated) -> dict[str, PaymentGateway]:
    return adapters(simulated, credentials())


@pytest.fixture(params=list(TRAITS))
def provider(
    request: pytest.FixtureRequest,
    simulated: Simulated,
    payment_adapters: dict[str, PaymentGateway],
) -> Provider:
    """Each of the payment providers in turn, unless the test names them."""
    return Provider(request.param, payment_adapters[request.param], simulated)


@pytest.fixture
def stranger(provider: Provider, simulated: Simulated) -> Provider:
    """Somebody who speaks to the same provider in our name."""
    gateway = adapters(simulated, strange_credentials())[provider.name]
    return Provider(provider.name, gateway, simulated)
