"""What Prometheus is told: callbacks, requests, and what waits in the database."""

from __future__ import annotations

from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from api.overview import Backlog

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 75)


class Metrics:
    """One application's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.callbacks_received = Counter(
            "orderflow_callbacks_received",
            "Verified callbacks that were stored, were stored already, or say nothing.",
            ("source", "outcome"),
            registry=self._registry,
        )
        self.callbacks_rejected = Counter(
            "orderflow_callbacks_rejected",
            "Callbacks that were refused and not stored.",
            ("source", "reason"),
            registry=self._registry,
        )
        self.callbacks_undelivered = Counter(
            "orderflow_callbacks_undelivered",
            "Stored callbacks that did not reach a workflow at once; the sweep delivers them.",
            ("source",),
            registry=self._registry,
        )
        self.requests = Histogram(
            "orderflow_http_request_duration_seconds",
            "How long requests took, by route.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._database_up = Gauge(
            "orderflow_database_up",
            "Whether the numbers from the database below are current.",
            registry=self._registry,
        )
        self._unapplied = Gauge(
            "orderflow_callbacks_unapplied",
            "Stored callbacks that no workflow has confirmed.",
            ("source",),
            registry=self._registry,
        )
        self._oldest = Gauge(
            "orderflow_callbacks_oldest_unapplied_seconds",
            "Age of the oldest callback that no workflow has confirmed; 0 if there is none,"
            " NaN if the database did not answer.",
            registry=self._registry,
        )
        self._orders = Gauge(
            "orderflow_orders", "Orders by status.", ("status",), registry=self._registry
        )

    def render(self, backlog: Backlog | None) -> bytes:
        """The exposition; without a backlog the database did not answer."""
        self._database_up.set(0 if backlog is None else 1)
        self._unapplied.clear()
        self._orders.clear()
        # Not 0: that would say that nothing waits.
        self._oldest.set(nan)
        if backlog is not None:
            for source, count in backlog.unapplied.items():
                self._unapplied.labels(source).set(count)
            for status, count in backlog.orders.items():
                self._orders.labels(status).set(count)
            self._oldest.set(backlog.oldest_age.total_seconds())
        return generate_latest(self._registry)
