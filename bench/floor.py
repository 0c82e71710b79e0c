"""The floor: an order's workflow with nothing in it.

The same waits, timers, search attributes and summaries, the same local activities and activities
in the same order on as many queues; none of them does anything. What is left is Temporal's price.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import SearchAttributeKey

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.failures import not_yet
    from domain.order import Value
    from workflows.policies import LocalOptions, RemoteOptions

PREFIX = "floor-"
ORDERS_QUEUE = PREFIX + policies.ORDERS_QUEUE

# What the driver is told: there is a payment to be paid, the warehouse has its list, the carrier
# knows the parcel.
CHARGED = "charged"
PICKED = "picked"
REGISTERED = "registered"

_HOLD = timedelta(minutes=15)
_FIRST_PAYMENT_CHECK = timedelta(seconds=30)
_POLL = timedelta(hours=4)


class FloorStart(Value):
    """What a `FloorWorkflow` starts with."""

    order_id: str
    review_delay: timedelta


class Step(Value):
    """What every step is given."""

    order_id: str


class Done(Value):
    """What every step and the update answer."""

    order_id: str
    status: str = "completed"


@activity.defn
async def do_nothing(step: Step) -> Done:
    """Any step of the order."""
    return Done(order_id=step.order_id)


@activity.defn
async def charge(step: Step) -> Done:
    """Tell the driver, who plays the customer."""
    print(CHARGED, step.order_id, flush=True)
    return Done(order_id=step.order_id)


@activity.defn
async def pick(step: Step) -> Done:
    """Tell the driver, who plays the warehouse."""
    print(PICKED, step.order_id, flush=True)
    return Done(order_id=step.order_id)


@activity.defn
async def poll(step: Step) -> Done:
    """Tell the driver, who plays the carrier; there is no news yet."""
    print(REGISTERED, step.order_id, flush=True)
    raise not_yet("no news yet", _POLL)


@workflow.defn
class FloorWorkflow:
    """One order's life without its content."""

    @workflow.init
    def __init__(self, start: FloorStart) -> None:
        self._start = start
        self._step = Step(order_id=start.order_id)
        self._answer: Done | None = None
        self._heard: set[str] = set()
        self._letters: list[str] = []
        self._sending: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, start: FloorStart) -> Done:
        """The same course as an order's that nothing stops."""
        await self._place()
        await self._collect_payment()
        await self._deliver()
        await workflow.sleep(start.review_delay, summary="Review invitation is due")
        self._tell("review_invitation")
        await self._local("Complete the order")
        _show(OrderStatus="completed")
        await self._drain()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return Done(order_id=start.order_id)

    async def _place(self) -> None:
        await self._local("Check customer, products, prices and address")
        await self._local("Store the order")
        workflow.upsert_search_attributes(
            [
                SearchAttributeKey.for_keyword("OrderNumber").value_set(self._start.order_id),
                SearchAttributeKey.for_float("OrderTotal").value_set(100.0),
            ]
        )
        await self._local("Hold the stock")
        self._answer = await workflow.execute_activity(
            charge,
            self._step,
            summary="Ask for the payment",
            **_on_floor(policies.CREATE_PAYMENT),
        )

    async def _collect_payment(self) -> None:
        expiry = asyncio.create_task(workflow.sleep(_HOLD, summary="The hold expires"))
        await self._hear("payment_news", _FIRST_PAYMENT_CHECK)
        await self._remote("Ask what is true", policies.MONEY)
        expiry.cancel()

    async def _deliver(self) -> None:
        await workflow.execute_activity(
            pick,
            self._step,
            summary="Send the picking list to the warehouse",
            **_on_floor(policies.WAREHOUSE_AT_ONCE),
        )
        _show(OrderStatus="processing", PaymentStatus="paid", ShippingStatus="picking")
        self._tell("order_confirmed, order_processing")
        await self._hear("shipment_news")
        await self._local("Record the shipment")
        _show(OrderStatus="shipped", ShippingStatus="in_transit")
        # Mail takes a while: what happens meanwhile travels with the next one.
        self._letters.append("order_shipped")
        polling = workflow.start_activity(
            poll,
            self._step,
            summary="Ask the carrier",
            **_on_floor(policies.poll_parcel(_POLL, 72)),
        )
        await self._hear("parcel_news")
        await self._local("Record the parcel's status")
        _show(OrderStatus="delivered", ShippingStatus="delivered")
        self._tell("order_delivered")
        polling.cancel()

    async def _hear(self, signal: str, timeout: timedelta | None = None) -> None:  # noqa: ASYNC109 - a timer of the workflow's
        await workflow.wait_condition(
            lambda: signal in self._heard, timeout=timeout, timeout_summary=f"No {signal} so far"
        )

    async def _local(self, summary: str) -> Done:
        options: LocalOptions = policies.BOOKS
        return await workflow.execute_local_activity(
            do_nothing, self._step, summary=summary, **options
        )

    async def _remote(self, summary: str, options: RemoteOptions) -> Done:
        return await workflow.execute_activity(
            do_nothing, self._step, summary=summary, **_on_floor(options)
        )

    def _tell(self, kind: str) -> None:
        self._letters.append(kind)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_letters())

    async def _send_letters(self) -> None:
        while self._letters:
            kinds = ", ".join(self._letters)
            self._letters.clear()
            await self._remote(f"Tell the customer: {kinds}", policies.NOTIFY)

    async def _drain(self) -> None:
        while self._sending is not None and not self._sending.done():
            await asyncio.shield(self._sending)

    @workflow.update
    async def place(self) -> Done:
        """How to pay."""
        await workflow.wait_condition(lambda: self._answer is not None)
        assert self._answer is not None
        return self._answer

    @workflow.signal
    def hear(self, step: Step) -> None:
        """Something has happened outside; the step's id says what."""
        self._heard.add(step.order_id)


def _on_floor(options: RemoteOptions) -> RemoteOptions:
    return {**options, "task_queue": PREFIX + options["task_queue"]}


def _show(**statuses: str) -> None:
    workflow.upsert_search_attributes(
        [SearchAttributeKey.for_keyword(name).value_set(value) for name, value in statuses.items()]
    )
