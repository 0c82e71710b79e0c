"""What runs by the clock is there once the worker has started, and stays as operators change it."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from schedules import SCHEDULES, ensure_schedules
from tests.house import House


@pytest.fixture
async def client(house: House) -> Client:
    return house.client


async def test_every_schedule_is_made_once_and_an_operators_pause_stays(client: Client) -> None:
    await ensure_schedules(client)
    try:
        await client.get_schedule_handle("reconcile").pause(note="the provider is down")
        await ensure_schedules(client)

        for clockwork in SCHEDULES:
            found = await client.get_schedule_handle(clockwork.name).describe()
            (interval,) = found.schedule.spec.intervals
            assert interval.every == clockwork.every
        paused = await client.get_schedule_handle("reconcile").describe()
        assert paused.schedule.state.paused
    finally:
        # Others use this server: nothing must run by the clock there.
        for clockwork in SCHEDULES:
            await client.get_schedule_handle(clockwork.name).delete()
