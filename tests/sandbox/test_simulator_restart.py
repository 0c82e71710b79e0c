"""Nothing that was committed is lost when the simulator is killed, and it goes on by itself."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.accounts import simulator_settings
from tests.sandbox.simulator_kit import (
    Lab,
    Receiver,
    eventually,
    laboratory,
    order_id,
    serve,
    stripe_client,
)
from tests.sandbox.test_simulator_shipping import send

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def process(state: Path, callback_url: str) -> AsyncIterator[Lab]:
    """The simulator as a process of its own; it is killed at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name.upper(): value for name, value in simulator_settings().items()},
        "PATH": os.environ["PATH"],
        "SIM_PORT": str(port),
        "SIM_STATE": str(state),
        "SIM_CALLBACK_URL": callback_url,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.simulator", cwd=ROOT, env=environment
    )
    try:
        async with (
            httpx.AsyncClient(base_url=url, timeout=5.0, trust_env=False) as http,
            stripe_client(url) as client,
        ):
            await _answers(http)
            yield Lab(url, http, client, Receiver())
    finally:
        child.kill()
        await child.wait()


async def _answers(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                if (await http.get("/_sim/health")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_a_killed_simulator_keeps_its_state_its_keys_and_its_undelivered_callbacks(
    tmp_path: Path,
) -> None:
    receiver, state = Receiver(), tmp_path / "simulator.db"
    async with process(state, f"http://127.0.0.1:{free_port()}") as before:
        intent = await before.intent(key="restart:create:1", metadata={"payment_id": "PRESTART"})
        await before.post("/_sim/stripe/PRESTART/pay")
        await before.scenario("stripe", "rate_limit", "refund")
        await send(before, "RESTART")

    async with serve(receiver.app()) as url, process(state, url) as after:
        same = await after.intent(key="restart:create:1", metadata={"payment_id": "PRESTART"})
        now = await after.stripe.v1.payment_intents.retrieve_async(intent.id)
        scenarios = (await after.http.get("/_sim/scenario")).json()["scenarios"]
        repeated = await send(after, "RESTART")
        await eventually(lambda: receiver.about(intent.id))

    assert same.id == intent.id
    assert now.status == "succeeded"
    assert [s["behavior"] for s in scenarios] == ["rate_limit"]
    assert repeated.status_code == 202
    assert receiver.kinds(intent.id) == ["payment_intent.succeeded"]


async def test_appointments_outlive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "simulator.db"
    async with laboratory(state) as before:
        await before.post("/_sim/scenario/defaults", {"autoPay": 0.8})
        intent = await before.intent()
    async with laboratory(state) as after:
        await eventually(lambda: after.receiver.about(intent.id))

    assert after.receiver.kinds(intent.id) == ["payment_intent.succeeded"]


async def eventually_at_the_door(lab: Lab, path: str) -> None:
    async with asyncio.timeout(10):
        while True:
            state = (await lab.http.get(path)).json()
            (payment,), parcels = state["payments"], state["parcels"]
            if payment["status"] == "succeeded" and [p["status"] for p in parcels] == ["delivered"]:
                return
            await asyncio.sleep(0.02)


async def test_orders_can_run_to_the_door_by_themselves(tmp_path: Path) -> None:
    async with laboratory(tmp_path / "simulator.db") as lab:
        defaults = {"autoPay": 0.05, "autoShip": 0.05, "autoDeliver": 0.05}
        await lab.post("/_sim/scenario/defaults", defaults)
        intent = await lab.intent()
        await send(lab, order_id(intent)[1:])
        states = "/_sim/state?order_id=" + order_id(intent)
        await eventually_at_the_door(lab, states)
        cleared = await lab.post("/_sim/scenario/defaults", {"autoPay": None})

    assert cleared == {
        "autoPay": None,
        "autoShip": 0.05,
        "autoDeliver": 0.05,
        "autoSupply": None,
    }
