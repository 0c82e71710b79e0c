"""The reservations of one worker, held together: the lock of a hot SKU is taken once for many."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from activities.batching import Batcher
from activities.reserving import Answer, ReserveOutcome, ReserveStock, hold_all
from db.engine import Sessions

# Larger batches gain little, and make the first of them wait for the last.
MOST_TOGETHER = 64

# After a failure they go one by one: who needs a row that somebody keeps must not hold up those
# behind it. Temporal has it ask again.
_PATIENCE = "200ms"
_WAIT_FOR_LOCKS = text("SELECT set_config('lock_timeout', :patience, true)")


class HoldBatcher:
    """Holds stock for all orders that ask at the same time in one transaction.

    First come, first served; one order's shortage or failure does not touch the others.
    """

    def __init__(self, sessions: Sessions, *, most: int = MOST_TOGETHER, at_once: int = 1) -> None:
        """At most `most` orders go together, in `at_once` transactions at the same time."""
        self._sessions = sessions
        self._requests: Batcher[ReserveStock, ReserveOutcome] = Batcher(
            self._flush, most=most, at_once=at_once
        )

    async def reserve(self, request: ReserveStock) -> ReserveOutcome:
        """Hold all lines of an order; asking again for the same order gives the same hold."""
        return await self._requests.submit(request)

    async def _flush(self, requests: Sequence[ReserveStock]) -> Sequence[Answer]:
        try:
            return await self._hold(requests)
        except Exception as error:
            if len(requests) == 1 or _concerns_all(error):
                raise
        # Which of them was to blame is not known. What was committed although its answer was
        # lost is found, not held again.
        return await self._hold_one_by_one(requests)

    async def _hold(self, requests: Sequence[ReserveStock], patience: str = "") -> list[Answer]:
        async with self._sessions.begin() as session:
            if patience:
                await session.execute(_WAIT_FOR_LOCKS, {"patience": patience})
            return await hold_all(session, requests)

    async def _hold_one_by_one(self, requests: Sequence[ReserveStock]) -> list[Answer]:
        answers: list[Answer] = []
        unreachable: Exception | None = None
        for request in requests:
            answer = unreachable or await self._hold_alone(request)
            if isinstance(answer, Exception) and _concerns_all(answer):
                unreachable = answer
            answers.append(answer)
        return answers

    async def _hold_alone(self, request: ReserveStock) -> Answer:
        try:
            (answer,) = await self._hold([request], _PATIENCE)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's answer
            return error
        return answer


def _concerns_all(error: Exception) -> bool:
    """Whether the database cannot be reached: each request would fail after a wait of its own."""
    return isinstance(error, OSError | PoolTimeoutError)
