"""Stand-ins for the SMS and push providers: each message becomes a line in a file.

No real provider is behind these yet. They meet the same contracts, so that one which is (Twilio,
Aliyun, FCM) takes their place without a change to the callers.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from domain.notification import Accepted

_PROVIDER = "simulated"


class SimulatedSms:
    """An `SmsSender` that reaches nobody: it writes what it would send to `outbox`."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = _Outbox(outbox)

    async def send(
        self, *, to: str, template: str, params: dict[str, str], text: str, notification_id: str
    ) -> Accepted:
        """Write the message once, however often it is sent."""
        return await self._outbox.put(
            notification_id,
            {"channel": "sms", "to": to, "template": template, "params": params, "text": text},
        )


class SimulatedPush:
    """A `PushSender` that reaches nobody: it writes what it would send to `outbox`."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = _Outbox(outbox)

    async def send(
        self,
        *,
        customer_id: str,
        title: str,
        body: str,
        extra: dict[str, str],
        notification_id: str,
    ) -> Accepted:
        """Write the message once, however often it is sent."""
        return await self._outbox.put(
            notification_id,
            {
                "channel": "push",
                "customerId": customer_id,
                "title": title,
                "body": body,
                "extra": extra,
            },
        )


class _Outbox:
    """A file of JSON lines, one per notification id, shared safely by several processes.

    The file holds personal data in the clear and is readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[str] = set()
        self._read_to = 0

    async def put(self, notification_id: str, message: Mapping[str, object]) -> Accepted:
        line = {
            "notificationId": notification_id,
            "sentAt": datetime.now(UTC).isoformat(),
            **message,
        }
        await asyncio.to_thread(self._append_once, notification_id, line)
        return Accepted(provider=_PROVIDER, message_id=f"{_PROVIDER}-{notification_id}")

    def _append_once(self, notification_id: str, line: Mapping[str, object]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._catch_up(file)
            if notification_id not in self._seen:
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                file.flush()
                self._seen.add(notification_id)
                self._read_to = file.tell()

    def _catch_up(self, file: BinaryIO) -> None:
        """Learn what others wrote since; drop a line that a killed process left half-written."""
        if os.fstat(file.fileno()).st_size < self._read_to:
            self._seen.clear()
            self._read_to = 0
        file.seek(self._read_to)
        for line in file:
            if not line.endswith(b"\n"):
                break
            self._seen.add(json.loads(line)["notificationId"])
            self._read_to += len(line)
        file.seek(self._read_to)
        file.truncate()
