"""Makes a worker's activities fail on purpose, from outside their code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

When = Literal["before", "after"]


@dataclass
class Fault:
    """Fail an activity of one order: before its effect, or after it so that its answer is lost."""

    order_id: str
    activity: str
    when: When
    times: int
    permanent: bool
    hits: int = 0


class Faults(Interceptor):
    """Registered on the worker under test; tests add faults for their own orders."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        order_id: str,
        name: str,
        when: When = "before",
        *,
        times: int = 1,
        permanent: bool = False,
    ) -> Fault:
        """The next `times` runs of the activity `name` for this order fail."""
        fault = Fault(order_id, name, when, times, permanent)
        self._faults.append(fault)
        return fault

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK names it
        return _Faulty(next, self)

    def due(self, name: str, order_id: str, when: When) -> Fault | None:
        for fault in self._faults:
            meant = (fault.activity, fault.order_id, fault.when) == (name, order_id, when)
            if meant and fault.hits < fault.times:
                fault.hits += 1
                return fault
        return None


class _Faulty(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, faults: Faults) -> None:
        super().__init__(inner)
        self._faults = faults

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        name = activity.info().activity_type
        order_id = (activity.info().workflow_id or "").removeprefix("order-")
        _fail(self._faults.due(name, order_id, "before"))
        result = await super().execute_activity(input)
        _fail(self._faults.due(name, order_id, "after"))
        return result


def _fail(fault: Fault | None) -> None:
    if fault is not None:
        raise ApplicationError(
            f"{fault.activity} was made to fail", type="Injected", non_retryable=fault.permanent
        )
