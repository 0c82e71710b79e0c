"""What one life costs at Temporal: events of its history, and billable actions."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.results import History
from bench.stack import Bench
from sandbox.ports import HOST
from sandbox.probes import http_get

_ACTION = re.compile(r'^action\{[^\n]*?action_type="([^"]+)"[^\n]*\} ([0-9.e+]+)$', re.MULTILINE)
# The server publishes its counters about every two seconds.
_STANDS_STILL_SECONDS = 2.5
_SAMPLE = 20


async def count_actions(bench: Bench) -> Counter[str]:
    """Billable actions by type since the server started, once the count stands still."""
    last = await _read(bench)
    while True:
        await asyncio.sleep(_STANDS_STILL_SECONDS)
        now = await _read(bench)
        if now == last:
            return now
        last = now


async def _read(bench: Bench) -> Counter[str]:
    _, body = await http_get(f"http://{HOST}:{bench.ports.temporal_metrics}/metrics")
    counted: Counter[str] = Counter()
    for kind, count in _ACTION.findall(body.decode()):
        counted[kind] += round(float(count))
    return counted


async def look_at_histories(client: Client, ids: Sequence[str]) -> History:
    """The histories of the last few of `ids`, on average."""
    sample = ids[-_SAMPLE:]
    types: Counter[str] = Counter()
    size = 0
    for workflow_id in sample:
        found = await client.get_workflow_handle(workflow_id).fetch_history()
        types.update(EventType.Name(event.event_type) for event in found.events)
        size += sum(event.ByteSize() for event in found.events)
    return History(
        events=types.total() / len(sample),
        size_bytes=size / len(sample),
        by_type={
            name.removeprefix("EVENT_TYPE_").lower(): count / len(sample)
            for name, count in types.most_common()
        },
    )
