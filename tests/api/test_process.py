"""`python -m api` as a process of its own: starts, answers, stops cleanly, logs JSON."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from settings import reveal
from tests.api.conftest import ROOT
from tests.house import House, order_for
from tests.serving import eventually_async, free_port


def environment(house: House, port: int) -> dict[str, str]:
    ring = ",".join(f"{name}:{reveal(key)}" for name, key in house.settings.payload_keys)
    return {
        **os.environ,
        "DATABASE_URL": house.settings.database_url,
        "TEMPORAL_ADDRESS": house.client.service_client.config.target_host,
        "API_KEYS": house.api_key,
        "API_PORT": str(port),
        "PAYLOAD_KEYS": ring,
        "CODEC_TOKEN": "not-in-the-logs",
    }


@asynccontextmanager
async def api_process(env: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", cwd=ROOT, env=env, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def wait_until_ready(url: str, process: Process) -> None:
    async with httpx.AsyncClient() as http:

        async def ready() -> bool:
            assert process.returncode is None
            try:
                return (await http.get(f"{url}/health/ready")).status_code == 200
            except httpx.ConnectError:
                return False

        await eventually_async(ready, 30)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_it_is_told_to_stop(
    house: House, product: str, stop: signal.Signals
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {house.api_key}"}
    async with api_process(environment(house, port)) as process:
        await wait_until_ready(url, process)
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
            placed = await http.post("/orders", json=order_for(product))
            await http.post("/codec/not-in-the-logs/decode?secret=1", json={})
            for call in ("state", "lift", "lost"):
                body = {"channel": "email", "address": "refused@example.com"}
                await http.post(f"/addresses/{call}", json=body)
        process.send_signal(stop)
        output, log = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 0, log.decode()
    assert placed.status_code == 201, placed.text
    assert output == b""
    assert all(json.loads(line)["service"] == "api" for line in log.splitlines())
    private_words = ("not-in-the-logs", "secret=1", placed.json()["orderId"], "li.wei", "refused@")
    for private in private_words:
        assert private not in log.decode()


async def test_without_configuration_it_says_what_is_missing() -> None:
    async with api_process({"PATH": os.environ["PATH"]}) as process:
        _, log = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode not in {0, None}
    assert "DATABASE_URL" in log.decode()
    assert "Traceback" not in log.decode()


async def test_a_port_that_is_taken_ends_it(house: House) -> None:
    port = int(house.api.rsplit(":", 1)[1])
    async with api_process(environment(house, port)) as process:
        _, log = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode not in {0, None}, log.decode()
    assert "address already in use" in log.decode()
