"""What a run has found out, as it is written to `bench/results/latest.json`."""

from __future__ import annotations

from datetime import datetime

from pydantic import computed_field

from domain.order import Value

# Ours should reach this part of the floor's rate.
GOAL = 0.6

# With more than this taken by other programs, rates say more about them than about us.
QUIET = 0.1


class Options(Value):
    """What was asked for; `orders` is per round, and of each kind."""

    orders: int = 100
    in_flight: int = 50
    rounds: int = 4
    sequential: int = 50


class Machine(Value):
    """Where it ran; `busy_elsewhere` is the part of the CPU that others took meanwhile."""

    cores: int
    python: str
    load_before: float
    busy_elsewhere: float


class Latency(Value):
    """Seconds from `POST /orders` to payment instructions, one order at a time."""

    n: int
    p50: float
    p95: float


class Throughput(Value):
    """Whole lives per second; one rate a round, and over all rounds."""

    n: int
    rates: tuple[float, ...]
    rate: float


class History(Value):
    """The history of one life, on average."""

    events: float
    size_bytes: float
    by_type: dict[str, float]


class Actions(Value):
    """Billable actions of one life, on average."""

    total: float
    by_type: dict[str, float]


class DatabaseCost(Value):
    """What one order asks of PostgreSQL; statements include the ends of transactions."""

    statements: float
    by_verb: dict[str, float]
    wal_bytes: float


class Side(Value):
    """One of the two that are compared; CPU seconds are for 1,000 lives."""

    throughput: Throughput
    cpu: dict[str, float]
    history: History
    actions: Actions

    @property
    def cpu_together(self) -> float:
        """CPU seconds of all our processes for 1,000 lives."""
        return sum(self.cpu.values())


class Report(Value):
    """Everything that one run has measured."""

    at: datetime
    options: Options
    machine: Machine
    latency: Latency
    orders: Side
    floor: Side
    database: DatabaseCost
    broken_laws: tuple[str, ...]

    @computed_field  # type: ignore[prop-decorator]  # Pydantic's own pattern
    @property
    def ratio(self) -> float:
        """Our rate as a part of the floor's."""
        return self.orders.throughput.rate / self.floor.throughput.rate

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cpu_ratio(self) -> float:
        """The floor's CPU time as a part of ours: what `ratio` is on a machine that is ours alone.

        It is not disturbed by what else runs there, as rates are.
        """
        return self.floor.cpu_together / self.orders.cpu_together
