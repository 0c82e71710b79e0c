"""How a stored callback looks at a terminal and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli import output
from db.callbacks import Callback


def overview(found: list[Callback]) -> Table:
    """One row for each."""
    rows = [
        (
            callback.id,
            output.moment(callback.received_at),
            callback.source,
            callback.kind,
            callback.order_id or f"{callback.subject} (unknown)",
            _state(callback),
        )
        for callback in found
    ]
    columns = ("id", "came (UTC)", "source", "kind", "about", "state")
    return output.table("Callbacks", columns, rows, right="id")


def as_json(callback: Callback) -> dict[str, Any]:
    """What programs are told about it; without what it says, which may be personal."""
    return {
        "id": callback.id,
        "source": callback.source,
        "eventId": callback.event_id,
        "kind": callback.kind,
        "subject": callback.subject,
        "orderId": callback.order_id,
        "receivedAt": _iso(callback.received_at),
        "deliveries": callback.deliveries,
        "deliveryAttempts": callback.delivery_attempts,
        "nextAttemptAt": _iso(callback.next_attempt_at),
        "appliedAt": _iso(callback.applied_at),
    }


def whole(callback: Callback) -> RenderableType:
    """Everything that is known about one, and all that it says."""
    times = "once" if callback.deliveries == 1 else f"{callback.deliveries} times"
    facts = output.table(
        f"Callback {callback.id}",
        ("", ""),
        [
            ("source", callback.source),
            ("event", f"{callback.event_id} ({callback.kind})"),
            ("about", callback.subject),
            ("order", callback.order_id or "unknown"),
            ("came", f"{output.moment(callback.received_at)} UTC, {times}"),
            ("then", fate(callback)),
        ],
    )
    facts.show_header = False
    return Group(
        facts,
        *_part("Headers", "\n".join(f"{k}: {v}" for k, v in callback.headers.items())),
        *_part("What we read in it", _pretty(callback.content)),
        *_part(f"Body, {len(callback.body)} bytes", body_text(callback.body)),
    )


def fate(callback: Callback) -> str:
    """What has become of it so far."""
    if callback.applied_at is not None:
        after = (callback.applied_at - callback.received_at).total_seconds()
        return f"applied {output.moment(callback.applied_at)} UTC, {after:.1f} s after it came"
    waits = (
        f"waits for the workflow of {callback.order_id} to confirm it"
        if callback.order_id
        else "nobody knows its order yet"
    )
    if callback.next_attempt_at is None:
        return f"{waits}; the sweep has not tried it yet"
    return (
        f"{waits}; tried {callback.delivery_attempts} times by the sweep,"
        f" again after {output.moment(callback.next_attempt_at)} UTC"
    )


def body_text(body: bytes) -> str:
    """The raw body for reading; JSON is indented."""
    text = body.decode("utf-8", "backslashreplace")
    try:
        return _pretty(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _state(callback: Callback) -> Text:
    if callback.applied_at is not None:
        return Text("applied", style="green")
    minutes = (datetime.now(UTC) - callback.received_at).total_seconds() / 60
    return Text(f"waits {minutes:.0f} min, tried {callback.delivery_attempts}×", style="yellow")


def _part(title: str, text: str) -> tuple[Text, Text]:
    return Text(f"\n{title}", style="bold"), Text(_harmless(text))


def _pretty(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)


def _harmless(text: str) -> str:
    """Without characters that command a terminal."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
