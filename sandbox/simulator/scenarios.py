"""Misfortunes to order: what goes wrong at which party, for whom, and how many times."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from secrets import token_hex

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sandbox.simulator.store import Collection, Store


class Behavior(StrEnum):
    """What goes wrong. The first group befalls requests, the second one callbacks."""

    FAIL_BEFORE_COMMIT = "fail_before_commit"
    FAIL_STORED = "fail_stored"
    DELAY_BEFORE_COMMIT = "delay_before_commit"
    TIMEOUT_AFTER_COMMIT = "timeout_after_commit"
    ERROR_AFTER_COMMIT = "error_after_commit"
    RATE_LIMIT = "rate_limit"
    REJECT = "reject"
    REFUSE = "refuse"
    REFUND_PENDING = "refund_pending"
    # The customer pays in the very moment before the request is dealt with.
    PAID_MEANWHILE = "paid_meanwhile"
    # The request is dealt with, but nothing proves whose the answer is.
    UNSIGNED_ANSWER = "unsigned_answer"
    FORGED_ANSWER = "forged_answer"

    DROP_CALLBACKS = "drop_callbacks"
    DUPLICATE_CALLBACKS = "duplicate_callbacks"
    DELAY_CALLBACKS = "delay_callbacks"
    BAD_SIGNATURE = "bad_signature"


CALLBACK_BEHAVIORS = frozenset(
    {
        Behavior.DROP_CALLBACKS,
        Behavior.DUPLICATE_CALLBACKS,
        Behavior.DELAY_CALLBACKS,
        Behavior.BAD_SIGNATURE,
    }
)


class Scenario(BaseModel):
    """One misfortune. `operation` is a request's operation or a callback's event, `*` is any.

    `match` compares facts of the request or callback (`paymentId`, `orderId`, `amount`, ...);
    all must be equal. `seconds` is the length of a delay or hang (0 hangs up at once), `count`
    the number of copies, or of badly signed deliveries. `code` and `message` word a refusal.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    id: str = Field(default_factory=lambda: "sc_" + token_hex(6))
    party: str
    operation: str = "*"
    behavior: Behavior
    times: int = Field(default=1, ge=1)
    match: dict[str, str | int] = {}
    seconds: float | None = Field(default=None, ge=0)
    count: int | None = Field(default=None, ge=1)
    code: str = ""
    message: str = ""

    def fits(self, party: str, operation: str, facts: Mapping[str, str]) -> bool:
        """Whether it befalls this request or callback."""
        return (
            self.party == party
            and self.operation in {"*", operation}
            and all(facts.get(name) == str(value) for name, value in self.match.items())
        )


class Scenarios:
    """The misfortunes that are left, consumed in the order in which they were added."""

    def __init__(self, store: Store) -> None:
        self._collection = Collection(store, "scenario", Scenario)
        self._left: list[Scenario] | None = None

    def add(self, scenario: Scenario) -> None:
        """Queue a misfortune behind the others."""
        self._collection.put(scenario.id, scenario)
        self._left = None

    def left(self) -> list[Scenario]:
        """What has not happened yet, next one first."""
        if self._left is None:
            self._left = self._collection.latest(10_000)[::-1]
        return self._left

    def clear(self) -> None:
        """Call off all of them."""
        self._collection.clear()
        self._left = None

    def take_for_request(
        self, party: str, operation: str, facts: Mapping[str, str]
    ) -> Scenario | None:
        """The first one that befalls this request; it has happened once more then."""
        return self._take(party, operation, facts, callback=False)

    def take_for_callback(
        self, party: str, event: str, facts: Mapping[str, str]
    ) -> Scenario | None:
        """The first one that befalls this callback; it has happened once more then."""
        return self._take(party, event, facts, callback=True)

    def _take(
        self, party: str, operation: str, facts: Mapping[str, str], *, callback: bool
    ) -> Scenario | None:
        for scenario in self.left():
            of_callbacks = scenario.behavior in CALLBACK_BEHAVIORS
            if of_callbacks == callback and scenario.fits(party, operation, facts):
                self._use(scenario)
                return scenario
        return None

    def _use(self, scenario: Scenario) -> None:
        if scenario.times == 1:
            self._collection.delete(scenario.id)
        else:
            rest = scenario.model_copy(update={"times": scenario.times - 1})
            self._collection.put(scenario.id, rest)
        self._left = None
