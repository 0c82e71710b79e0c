"""One order under play: what its story can do, and how it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from bench.chaos.ground import Ground, Json, StoryFailed
from domain.order import GatewayName

if TYPE_CHECKING:
    from bench.chaos.plan import Plan

T = TypeVar("T")

_LOOK_EVERY_SECONDS = 0.3
# So long nothing happens by itself before the order's clock is moved, and so far it is moved then.
_STILL_SECONDS = 1.0
_FIRST_STEP = timedelta(seconds=20)
_LONGEST_STEP = timedelta(minutes=2)
_TRIES = 20

HOLD = timedelta(minutes=15)
# Who pays later than this may find the order expired before anybody has asked the provider.
_IN_TIME = HOLD - timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the order's payments, as the simulator is asked about it."""

    payment_id: str
    gateway: GatewayName


@dataclass
class Tale:
    """An order of a chaos run, from its placement on.

    `late` says that its customer paid when its time was nearly or really over.
    """

    ground: Ground
    plan: Plan
    key: str
    draft: Json
    total: int = 0
    late: bool = False
    _began: float = field(default_factory=time.monotonic)
    _moved: timedelta = timedelta()

    @property
    def order_id(self) -> str:
        """The order's id, known before it is placed."""
        return self.ground.order_id(self.key)

    async def place(self) -> None:
        """Place the order; misfortunes may befall it from now on."""
        for number, misfortune in enumerate(self.plan.misfortunes):
            name = f"{self.key}:{number}"
            await self.ground.order_misfortune(misfortune.scenario(name, self.order_id))
        answer = await self.ground.ask("/orders", self.draft, self.key)
        if answer.status_code != 201:
            raise StoryFailed(f"not placed: {answer.status_code} {answer.text[:200]}")
        (row,) = await self._order("total_minor")
        self.total = row.total_minor

    async def payable(self, *, after: int = 0) -> Attempt:
        """An attempt later than the first `after` ones, once the customer can pay it."""

        async def look() -> Attempt | None:
            rows = await self.ground.rows(
                "SELECT id, gateway FROM payments"
                " WHERE order_id = :id AND attempt > :after AND provider_ref <> ''",
                id=self.order_id,
                after=after,
            )
            return Attempt(rows[0].id, rows[0].gateway) if rows else None

        return await self.until_it(look, "a payment that can be paid")

    async def pay_again(self, gateway: GatewayName) -> bool:
        """Ask for another attempt; whether there will be one."""
        for number in range(_TRIES):
            answer = await self.ground.ask(
                f"/orders/{self.order_id}/payments", {"gateway": gateway}, f"{self.key}:p{number}"
            )
            if answer.status_code == 201 or "does not answer" in answer.text:
                return True
            if "try again shortly" not in answer.text:
                return False
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        raise StoryFailed("another attempt is refused again and again")

    async def pay(
        self, attempt: Attempt, *, force: bool = False, amount: int | None = None
    ) -> bool:
        """The customer pays; whether that was possible."""
        self.late |= self._moved + timedelta(seconds=time.monotonic() - self._began) > _IN_TIME
        return await self._at(attempt, "pay", force=force, amount=amount)

    async def decline(self, attempt: Attempt) -> None:
        """The customer's card is declined."""
        await self._at(attempt, "decline")

    async def process(self, attempt: Attempt) -> None:
        """The customer pays by a method that takes its time."""
        await self._at(attempt, "process")

    async def refund_outside(self, attempt: Attempt, amount: int | None) -> None:
        """Somebody refunds in the provider's dashboard."""
        if not await self._at(attempt, "refund-outside", amount=amount):
            raise StoryFailed("nothing could be refunded in the dashboard")

    async def bounce(self, attempt: Attempt) -> bool:
        """The bank returns a refund; whether there was one."""
        return await self._at(attempt, "refund-fail")

    async def cancel(self) -> None:
        """The customer cancels."""
        await self.ground.ask(f"/orders/{self.order_id}/cancel", {}, f"{self.key}:c")

    async def refund(self, amount: int | None, number: int = 1) -> None:
        """The shop gives money back: `amount` minor units, or all that is left."""
        body = {} if amount is None else {"amount": f"{amount // 100}.{amount % 100:02d}"}
        await self.ground.ask(f"/orders/{self.order_id}/refunds", body, f"{self.key}:r{number}")

    async def ship_and_deliver(self) -> None:
        """The warehouse ships, the carrier delivers."""
        await self.until("processing")
        parcel = await self.until_it(
            lambda: self.ground.play(f"shipments/{self.order_id}/ship"), "a parcel"
        )
        await self.until("shipped")
        await self.until_it(
            lambda: self.ground.play(f"parcels/{parcel['trackingNumber']}/delivered"), "delivery"
        )
        await self.until("delivered", "completed")

    async def pass_time(self, duration: timedelta) -> None:
        """Move the order's clock forward."""
        self._moved += duration
        await self.ground.pass_time(self.ground.workflow(self.order_id), duration)

    async def until(self, *statuses: str) -> str:
        """Wait until the order has one of the statuses, and give it."""

        async def look() -> str | None:
            (row,) = await self._order("status")
            return row.status if row.status in statuses else None

        return await self.until_it(look, " or ".join(statuses))

    async def until_money(self, *statuses: str) -> str:
        """Wait until the order's money has one of the statuses, and give it."""

        async def look() -> str | None:
            (row,) = await self._order("payment_status")
            return row.payment_status if row.payment_status in statuses else None

        return await self.until_it(look, " or ".join(statuses))

    async def until_given_back(self, attempt: Attempt) -> None:
        """Wait until the order is cancelled, its bank letting through a refund that is slow."""

        async def look() -> bool | None:
            await self._at(attempt, "refund-settle")
            (row,) = await self._order("status")
            return row.status == "cancelled" or None

        await self.until_it(look, "the money to go back")

    async def until_it(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        """Wait until `look` finds something, moving the order's clock when nothing happens.

        Raises:
            StoryFailed: that takes too long.
        """
        began = still_since = time.monotonic()
        step = _FIRST_STEP
        while True:
            found = await look()
            if found is not None:
                return found
            now = time.monotonic()
            if now - began > self.ground.patience:
                raise StoryFailed(f"waited in vain for {what}")
            if now - still_since > _STILL_SECONDS:
                await self.pass_time(step)
                still_since = time.monotonic()
                step = min(step * 3 // 2, _LONGEST_STEP)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def _at(self, attempt: Attempt, move: str, **query: object) -> bool:
        path = f"{attempt.gateway}/{attempt.payment_id}/{move}"
        return await self.ground.play(path, **query) is not None

    async def _order(self, columns: str) -> list[Any]:
        # Only column names of this module get into the statement's text.
        statement = f"SELECT {columns} FROM orders WHERE id = :id"  # noqa: S608
        return await self.ground.rows(statement, id=self.order_id)
