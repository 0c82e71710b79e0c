"""What one order costs: history events, and the actions that Temporal Cloud bills."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from tests.house import House
from tests.serving import eventually_async

MAX_EVENTS = 90
MAX_ACTIONS = 30

# Written by the test server when a workflow's clock is moved forward; no real order has them.
_CLOCK_EVENTS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
}
_ACTION = re.compile(r'^action\{.*action_type="(?P<type>[^"]+)".*\} (?P<count>\S+)$', re.MULTILINE)


async def test_the_happy_path_stays_within_its_events_and_billable_actions(house: House) -> None:
    """Of three orders, the cheapest: on a busy machine a workflow task may come too early, empty,
    and what other tests have left behind is billed as well.

    Nobody looks at the orders meanwhile, because a question may add a workflow task as well.
    """
    histories, bills = [], []
    for _ in range(3):
        before = await _settled_actions(house)
        histories.append(await _live(house))
        bills.append(await _settled_actions(house) - before)

    events = min(histories, key=len)
    spent = min(bills, key=Counter.total)
    print(f"{len(events)} history events, billable actions: {dict(spent)}")  # noqa: T201
    assert len(events) <= MAX_EVENTS, _in_short(events)
    assert spent.total() <= MAX_ACTIONS, dict(spent)


async def _live(house: House) -> list[HistoryEvent]:
    """Take one order from checkout to the review invitation; the events that this cost."""
    placed = await house.place(await house.add_product(stock=1))
    order_id = placed["orderId"]
    await house.pay(placed["payment"]["paymentId"])
    await house.until_told(order_id, "order_processing")
    shipped = await house.simulate(f"shipments/{order_id}/ship")
    await house.until_told(order_id, "order_shipped")
    await house.simulate(f"parcels/{shipped['trackingNumber']}/delivered")
    await house.until_told(order_id, "order_delivered")
    await house.pass_time(order_id, timedelta(hours=25))
    await house.handle(order_id).result()
    history = await house.handle(order_id).fetch_history()
    return [event for event in history.events if event.event_type not in _CLOCK_EVENTS]


async def _actions(house: House) -> Counter[str]:
    """Billable actions so far, by type, as the server counts them.

    Questions are not the order's, and only tests move clocks.
    """
    answer = await house.http.get(f"{house.temporal_metrics}/metrics")
    counted: Counter[str] = Counter()
    for match in _ACTION.finditer(answer.text):
        if "Query" not in match["type"] and "ExecutionOptions" not in match["type"]:
            counted[match["type"]] += int(float(match["count"]))
    return counted


async def _settled_actions(house: House) -> Counter[str]:
    """The same, once the metrics have caught up: they lag by some seconds."""
    now = asyncio.get_running_loop().time
    last, since = await _actions(house), now()

    async def unchanged_for_a_while() -> bool:
        nonlocal last, since
        found = await _actions(house)
        if found != last:
            last, since = found, now()
        return now() - since > 4

    await eventually_async(unchanged_for_a_while, seconds=60)
    return last


def _in_short(events: list[HistoryEvent]) -> str:
    """The events' names, for a reader who wonders where they come from."""
    names = (EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events)
    return " ".join(names).lower()
