"""The database or Temporal is down: what callers get, and what is not lost."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock
from uuid import uuid4

import httpx
import pytest
from temporalio import workflow
from temporalio.worker import Worker

from api.app import create_app
from gateways import signatures
from settings import reveal
from tests.api.conftest import calling, codes
from tests.api.test_callbacks import shipping_news, stored
from tests.house import House, Json, order_for
from tests.serving import eventually_async, free_port
from workflows.messages import OrderInput
from workflows.policies import ORDERS_QUEUE


@asynccontextmanager
async def without_temporal(house: House) -> AsyncIterator[httpx.AsyncClient]:
    address = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
    with mock.patch.dict(os.environ, address):
        async with calling(create_app(house.settings), house.api_key) as api:
            yield api


class Wire:
    """A connection to Temporal that can be cut in the middle of a request."""

    def __init__(self, server: str) -> None:
        self._host, _, self._port = server.rpartition(":")
        self._streams: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, int(self._port))
        self._streams += [writer, back]
        self._tasks += [
            asyncio.create_task(self._pass_on(reader, back)),
            asyncio.create_task(self._pass_on(there, writer)),
        ]

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while (content := await source.read(65536)) and not self.cut:
            target.write(content)
        self.close()

    def close(self) -> None:
        for stream in self._streams:
            stream.close()

    async def end(self) -> None:
        self.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def wired(house: House) -> AsyncIterator[tuple[httpx.AsyncClient, Wire]]:
    wire = Wire(house.client.service_client.config.target_host)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        with mock.patch.dict(os.environ, {"TEMPORAL_ADDRESS": address}):
            async with calling(create_app(house.settings), house.api_key) as api:
                yield api, wire
    finally:
        server.close()
        await wire.end()


@asynccontextmanager
async def without_database(house: House) -> AsyncIterator[httpx.AsyncClient]:
    url = f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/orderflow"
    settings = house.settings.model_copy(update={"database_url": url})
    async with calling(create_app(settings, client=house.client), house.api_key) as api:
        yield api


async def signed_news(house: House, api: httpx.AsyncClient, news: Json) -> httpx.Response:
    body = json.dumps(news).encode()
    secret = reveal(house.settings.shipping_callback_secret)
    header = signatures.sign(body, secret, datetime.now(UTC))
    return await api.post(
        "/callbacks/shipping", content=body, headers={signatures.SIGNATURE_HEADER: header}
    )


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert codes(answer) == ["temporarily_unavailable"]
    assert int(answer.headers["Retry-After"]) > 0


async def test_without_temporal_an_order_is_refused_for_the_moment(
    house: House, product: str
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    async with without_temporal(house) as api:
        started = time.monotonic()
        answer = await api.post("/orders", json=order_for(product), headers=headers)

    assert_unavailable(answer)
    assert "Idempotency-Key is safe" in answer.json()["errors"][0]["message"]
    assert time.monotonic() - started < 6
    # And it is: once Temporal is back, the same request places the order.
    again = await house.call("POST", "/orders", json=order_for(product), headers=headers)
    assert again.status_code == 201


async def test_a_request_during_which_temporal_goes_away_may_be_repeated(
    house: House, product: str
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    async with wired(house) as (api, wire):
        first = await api.post("/orders", json=order_for(product))
        assert first.status_code == 201
        wire.cut = True
        answer = await api.post("/orders", json=order_for(product), headers=headers)

    assert_unavailable(answer)
    again = await house.call("POST", "/orders", json=order_for(product), headers=headers)
    assert again.status_code == 201


@pytest.mark.parametrize("command", ["payments", "cancel", "refunds"])
async def test_without_temporal_a_command_is_refused_for_the_moment(
    house: House, placed: Json, command: str
) -> None:
    async with without_temporal(house) as api:
        answer = await api.post(f"/orders/{placed['orderId']}/{command}")

    assert_unavailable(answer)


async def test_without_temporal_an_order_can_be_looked_at(house: House, placed: Json) -> None:
    async with without_temporal(house) as api:
        answer = await api.get(f"/orders/{placed['orderId']}")

    assert answer.status_code == 200
    assert answer.json()["orderNumber"] == placed["orderNumber"]
    assert answer.json()["waitingFor"] is None


async def test_without_temporal_a_callback_is_stored_and_acknowledged(
    house: House, placed: Json
) -> None:
    news = shipping_news(placed["orderId"])
    async with without_temporal(house) as api:
        answer = await signed_news(house, api, news)
        lines = (await api.get("/metrics")).text.splitlines()

    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    (row,) = await stored(house, news["eventId"])
    assert row.applied_at is None
    assert 'orderflow_callbacks_undelivered_total{source="warehouse"} 1.0' in lines


async def test_without_a_database_nothing_is_acknowledged(house: House) -> None:
    async with without_database(house) as api:
        answer = await signed_news(house, api, shipping_news("O1"))

    assert_unavailable(answer)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_database_orders_are_unavailable(house: House, method: str) -> None:
    path = "/orders" if method == "POST" else "/orders/O00000000000000000000000000"
    headers = {"Idempotency-Key": "cart-1"}
    async with without_database(house) as api:
        answer = await api.request(method, path, json=order_for("P1001"), headers=headers)

    assert_unavailable(answer)


async def test_readiness_names_what_is_down(house: House) -> None:
    async with without_temporal(house) as api:
        temporal = await api.get("/health/ready")
    async with without_database(house) as api:
        database = await api.get("/health/ready")
        live = await api.get("/health/live")

    assert temporal.status_code == database.status_code == 503
    assert codes(temporal) == ["temporal_unreachable"]
    assert codes(database) == ["database_unreachable"]
    assert live.status_code == 200


async def test_metrics_are_served_without_a_database(house: House) -> None:
    async with without_database(house) as api:
        answer = await api.get("/metrics")

    assert answer.status_code == 200
    assert "orderflow_database_up 0.0" in answer.text.splitlines()


async def test_a_workflow_that_takes_too_long_is_not_waited_for(house: House, product: str) -> None:
    app = create_app(house.settings, client=house.client, patience=timedelta(milliseconds=1))
    headers = {"Idempotency-Key": str(uuid4())}
    async with calling(app, house.api_key) as api:
        answer = await api.post("/orders", json=order_for(product), headers=headers)

    assert_unavailable(answer)
    again = await house.call("POST", "/orders", json=order_for(product), headers=headers)
    assert again.status_code == 201
    assert (await house.stock(product))[2] == 1


@workflow.defn(name="OrderWorkflow", sandboxed=False)
class BrokenOrderWorkflow:
    """What a worker runs whose code is broken: no step of it comes to an end."""

    @workflow.run
    async def run(self, start: OrderInput) -> None:
        raise RuntimeError("this release is broken")

    @workflow.update
    async def place(self) -> None:
        """It is there, but is never reached."""


async def test_an_order_that_a_broken_worker_cannot_place_may_be_placed_again(
    house: House, product: str
) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    await house.worker.stop()
    broken = Worker(house.client, task_queue=ORDERS_QUEUE, workflows=[BrokenOrderWorkflow])
    async with broken:
        answer = await house.call("POST", "/orders", json=order_for(product), headers=key)
        assert_unavailable(answer)
    await house.worker.start()

    async def placed() -> bool:
        again = await house.call("POST", "/orders", json=order_for(product), headers=key)
        return again.status_code == 201

    # Temporal tries the workflow's steps again after ten seconds or so.
    await eventually_async(placed, 40)
    await house.assert_laws_hold()


async def test_a_dead_connection_in_the_pool_is_replaced(house: House, placed: Json) -> None:
    async with calling(create_app(house.settings, client=house.client), house.api_key) as api:
        await api.get(f"/orders/{placed['orderId']}")
        await house.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
        )
        # The news of it has to reach our side of the connections.
        await asyncio.sleep(0.5)
        answer = await api.get(f"/orders/{placed['orderId']}")

    assert answer.status_code == 200
