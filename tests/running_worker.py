"""Our worker inside a test process, with the tests' faults in it; it can be started anew."""

from __future__ import annotations

import asyncio

import httpx
from temporalio.client import Client
from temporalio.worker import Worker

import worker
from db.engine import Sessions
from gateways.messaging.protocol import EmailSender
from settings import Settings
from tests.faults import Faults


class RunningWorker:
    """The real worker: one for each task queue."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        sessions: Sessions,
        http: httpx.AsyncClient,
        email: EmailSender,
        faults: Faults,
    ) -> None:
        self._client = client
        self._settings = settings
        self._sessions = sessions
        self._http = http
        self._email = email
        self._faults = faults
        self._workers: list[Worker] = []
        self._runs: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """A new worker, which knows of running orders what their histories tell."""
        activities = worker.build_activities(
            self._settings, self._sessions, self._http, self._email, self._client
        )
        self._workers = worker.build_workers(self._client, activities, interceptors=[self._faults])
        self._runs = [asyncio.create_task(one.run()) for one in self._workers]

    async def stop(self) -> None:
        """Let it finish what it does, and no more."""
        await asyncio.gather(*(one.shutdown() for one in self._workers))
        await asyncio.gather(*self._runs)
