"""How much waits in the inbox, and for how long: the worker's metrics, and an error in its log."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from temporalio import activity

from db.callbacks import Backlog

# An older callback than this is an alert: docs/operations.md, "Callback not applied".
STUCK_AFTER = timedelta(minutes=15)

# Not the SDK's logger, which writes the activity's details into the event's name.
log = logging.getLogger("orderflow.inbox")


def oldest_age(backlog: Backlog, now: datetime) -> timedelta:
    """Age of the oldest callback that waits; nothing if none does."""
    return max(now - (backlog.oldest or now), timedelta())


def report_backlog(backlog: Backlog, now: datetime) -> None:
    """Tell what waits after a sweep.

    The schedule gives each sweep to any worker: the timestamp tells whose numbers are the newest.
    """
    age = oldest_age(backlog, now)
    meter = activity.metric_meter()
    meter.create_gauge(
        "orderflow_callbacks_unapplied", "Stored callbacks that no workflow has confirmed."
    ).set(backlog.count)
    meter.create_gauge_float(
        "orderflow_callbacks_oldest_unapplied_seconds",
        "Age of the oldest callback that no workflow has confirmed; 0 if there is none.",
    ).set(age.total_seconds())
    meter.create_gauge_float(
        "orderflow_callbacks_swept_timestamp_seconds", "When this worker last swept the inbox."
    ).set(now.timestamp())
    if age > STUCK_AFTER:
        log.error(
            "callbacks_stuck",
            extra={
                "oldest_seconds": int(age.total_seconds()),
                "unapplied": dict(backlog.by_source),
            },
        )
