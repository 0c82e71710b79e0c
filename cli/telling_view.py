"""What a customer was told, as one line of an order's timeline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.text import Text

# Each with its color: what went well is the least of what an operator looks for.
_HEADS = {
    "customer_told": ("customer told", "dim"),
    "customer_to_be_told": ("customer not told yet", "yellow"),
    "customer_not_told": ("customer not told", "yellow"),
}
_CHANNELS = {"email": "e-mail", "sms": "SMS", "push": "push"}
_REASONS = {"channel_off": "switched off", "no_way_out": "no link to unsubscribe"}
_STATES = {
    "pending": "waits",
    "sending": "under way",
    "failed": "failed",
    "unknown": "nobody knows whether it went out",
}

# So it is with most customers, and in most shops.
_USUAL = {("push", "no_address"), ("push", "channel_off"), ("sms", "channel_off")}


def is_telling(entry: Mapping[str, Any]) -> bool:
    """Whether this row of the timeline is about a message."""
    return entry["kind"] in _HEADS


def event(entry: Mapping[str, Any]) -> Text:
    """What the customer was told, or should have been."""
    head, style = _HEADS[entry["kind"]]
    return Text(f"{head}: {entry['message'].replace('_', ' ')}", style=style)


def detail(entry: Mapping[str, Any]) -> Text:
    """On which channels it went out; on which not, and why."""
    reached: list[str] = []
    silent: dict[str, list[str]] = {}
    for outcome in entry["channels"]:
        name = _CHANNELS.get(outcome["channel"], outcome["channel"])
        if outcome["state"] == "sent":
            undelivered = outcome["receipt"] == "undelivered"
            reached.append(f"{name} (undelivered)" if undelivered else name)
        elif (outcome["channel"], outcome["reason"]) not in _USUAL:
            silent.setdefault(_why(outcome), []).append(name)
    said = [", ".join(reached)] if reached else []
    said += [f"{', '.join(names)}: {why}" for why, names in silent.items()]
    return Text("; ".join(said), style=_HEADS[entry["kind"]][1])


def _why(outcome: Mapping[str, Any]) -> str:
    # Of an error's text, its name is enough here: a relay's own words are long.
    code = outcome["reason"].partition(":")[0]
    reason = _REASONS.get(code) or re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", code).lower()
    state = _STATES.get(outcome["state"], "")
    if not reason or outcome["state"] == "unknown":
        return state
    return f"{state}, {reason}" if state else reason
