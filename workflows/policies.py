"""Every timeout and retry policy, by name; workflows spell none out."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

ORDERS_QUEUE = "orders"
PAYMENTS_QUEUE = "payments"
FULFILLMENT_QUEUE = "fulfillment"
NOTIFICATIONS_QUEUE = "notifications"

ALL_QUEUES = (ORDERS_QUEUE, PAYMENTS_QUEUE, FULFILLMENT_QUEUE, NOTIFICATIONS_QUEUE)


class LocalOptions(TypedDict):
    """Options of a step on our own database."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class RemoteOptions(TypedDict):
    """Options of a call to a party outside the house."""

    task_queue: str
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


class PagedOptions(TypedDict):
    """Options of a long step that heartbeats."""

    task_queue: str
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


# Our own database: short, keyed, retried until it answers.
BOOKS = LocalOptions(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2,
        maximum_interval=timedelta(seconds=30),
    ),
)

_CUSTOMER_WAITS = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_attempts=3
)
_UNTIL_DONE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=5),
)

# A customer waits for the answer: three tries, then we say so and the order goes on without it.
CREATE_PAYMENT = RemoteOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=_CUSTOMER_WAITS,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

# Money moves or its fate is learned: repeated with the same key until it is known, and a
# cancellation waits for it, so that no undo can overtake its effect.
MONEY = RemoteOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(seconds=45),
    retry_policy=_UNTIL_DONE,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

# A customer waits for another way to pay while the earlier one is closed: given up soon.
CLOSE_PAYMENT_AT_ONCE = RemoteOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=_CUSTOMER_WAITS,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

# Asks again and again by being retried, so that waiting for days adds nothing to the history.
POLL_PAYMENT = RemoteOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(seconds=45),
    retry_policy=_UNTIL_DONE,
    cancellation_type=ActivityCancellationType.TRY_CANCEL,
)

# A page of questions to providers; each answer is a heartbeat.
RECONCILE = PagedOptions(
    task_queue=PAYMENTS_QUEUE,
    start_to_close_timeout=timedelta(minutes=15),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=_UNTIL_DONE,
)

# Questions to Temporal about many orders; each is a heartbeat.
LEAKS = PagedOptions(
    task_queue=ORDERS_QUEUE,
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=_UNTIL_DONE,
)

WAREHOUSE = RemoteOptions(
    task_queue=FULFILLMENT_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=_UNTIL_DONE,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

# The first word with the warehouse: given up soon, so that other things can be done meanwhile.
WAREHOUSE_AT_ONCE = RemoteOptions(
    task_queue=FULFILLMENT_QUEUE,
    start_to_close_timeout=timedelta(seconds=15),
    retry_policy=_CUSTOMER_WAITS,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

# The supplier: asked with the same key until it answers; nobody waits at a counter for it.
SUPPLIER = RemoteOptions(
    task_queue=FULFILLMENT_QUEUE,
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=_UNTIL_DONE,
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

# Shortages of so much time are asked for together.
RESTOCK_GATHERING = timedelta(seconds=5)

# What was promised and has not been heard of is asked after this often: a callback may get lost.
SUPPLY_CHECK = timedelta(hours=6)

_LONGEST_RESTOCK_PAUSE = timedelta(hours=12)


def restock_pause(refusals: int) -> timedelta:
    """How long to wait before the supplier is asked anew after so many refusals in a row."""
    factor = 1 << min(max(refusals, 1) - 1, 10)
    return min(timedelta(hours=1) * factor, _LONGEST_RESTOCK_PAUSE)


NOTIFY = RemoteOptions(
    task_queue=NOTIFICATIONS_QUEUE,
    start_to_close_timeout=timedelta(seconds=90),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=10),
    cancellation_type=ActivityCancellationType.ABANDON,
)


# Nobody else tells the customer of it: given up when the channel is, not when our database rests.
TELL_INSTEAD = RemoteOptions(
    task_queue=NOTIFICATIONS_QUEUE,
    start_to_close_timeout=timedelta(seconds=90),
    retry_policy=_UNTIL_DONE,
    cancellation_type=ActivityCancellationType.ABANDON,
)


# Told by a look that comes again anyway: tried twice, and left to the next one.
NOTIFY_FOR_NOW = RemoteOptions(
    task_queue=NOTIFICATIONS_QUEUE,
    start_to_close_timeout=timedelta(seconds=90),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=2),
    cancellation_type=ActivityCancellationType.ABANDON,
)


def poll_parcel(interval: timedelta, attempts: int) -> RemoteOptions:
    """The carrier is asked at most `attempts` times; the activity itself sets the `interval`."""
    return RemoteOptions(
        task_queue=FULFILLMENT_QUEUE,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(minutes=1),
            backoff_coefficient=2,
            maximum_interval=max(interval, timedelta(minutes=1)),
            maximum_attempts=attempts,
        ),
        cancellation_type=ActivityCancellationType.TRY_CANCEL,
    )


# An undo that fails for good is tried again this much later, for as long as it takes.
UNDO_PAUSE = timedelta(minutes=5)

# A refund that was refused is tried anew after twice the time, half a day at most.
_LONGEST_REFUND_PAUSE = timedelta(hours=12)


def refund_pause(number: int) -> timedelta:
    """How long to wait after the `number`th refund of the same money has failed."""
    factor = 1 << min(number - 1, 10)
    return min(UNDO_PAUSE * factor, _LONGEST_REFUND_PAUSE)


# A provider that cannot even be asked for a refund is tried often at first, then every hour.
_ASKED_OFTEN = 12


def unasked_refund_pause(number: int) -> timedelta:
    """How long to wait when a refund could not be asked for the `number`th time."""
    return UNDO_PAUSE if number <= _ASKED_OFTEN else timedelta(hours=1)


# Money that is still on its way when the hold expires extends it by this much, again and again.
GRACE = timedelta(hours=1)


def payment_poll_delays(steady: timedelta) -> tuple[timedelta, ...]:
    """How long to wait between questions about a payment; the last delay repeats."""
    return (timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60), steady)
