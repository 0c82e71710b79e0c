"""One order's stock: held for a while, waited for if there is none, given back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

from workflows import policies
from workflows.context import OrderContext, OrderStopped
from workflows.delivery import Delivery
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ReleaseStock, Stock
    from activities.reserving import ReserveStock, StockReserved, StockShort
    from activities.supply import RequestRestock, Supply
    from domain.ids import HOLD, encode_id


class StockStage:
    """The stage in which an order gets its goods, and the way back from it."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self._arrived = False
        self.waited = False
        self.deadline: datetime | None = None

    def hear_arrival(self) -> None:
        """Goods have arrived that the order waits for."""
        self._arrived = True

    async def hold(self, say_short: Callable[[StockShort], None]) -> None:
        """Hold the order's stock, waiting for goods if there are none; `say_short` tells of that.

        Raises:
            OrderStopped: no goods came in time, or the order was cancelled meanwhile.
        """
        patience_ends = workflow.now() + self._context.timings.restock_patience
        while (short := await self._reserve()) is not None:
            if not self.waited:
                self.waited = True
                say_short(short)
            await self._ask_for_goods()
            await self._wait_for_goods(patience_ends)

    async def release(self, delivery: Delivery, *, expired: bool) -> None:
        """Undo: give back what has not left the house, and wake who waits for it."""
        released = await workflow.execute_local_activity_method(
            Stock.release_stock,
            ReleaseStock(
                order_id=self._context.order_id,
                expired=expired,
                gone=delivery.gone_from,
                missing=delivery.missing,
                at=workflow.now(),
            ),
            summary="Give the stock back",
            **policies.BOOKS,
        )
        await wake(released.waiting_orders, self._context.order_id)

    async def _reserve(self) -> StockShort | None:
        reserved = await workflow.execute_local_activity_method(
            Stock.reserve_stock,
            ReserveStock(
                order_id=self._context.order_id,
                hold_id=encode_id(HOLD, workflow.uuid4()),
                at=workflow.now(),
                expires_at=workflow.now() + self._context.timings.hold,
            ),
            summary="Hold the stock",
            **policies.BOOKS,
        )
        if isinstance(reserved.result, StockReserved):
            self.deadline = reserved.result.expires_at
            return None
        return reserved.result

    async def _ask_for_goods(self) -> None:
        """Have the workflows asked that restock what is missing; each gathers many shortages."""
        if workflow.patched("the supplier is asked for what is missing"):
            await workflow.execute_local_activity_method(
                Supply.request_restock,
                RequestRestock(order_id=self._context.order_id),
                summary="Have the missing goods asked for",
                **policies.BOOKS,
            )

    async def _wait_for_goods(self, patience_ends: datetime) -> None:
        self._context.display.waits(
            "goods to arrive", until=patience_ends, then="the order is cancelled"
        )
        try:
            await workflow.wait_condition(
                lambda: self._arrived or self._context.cancel is not None,
                timeout=max(patience_ends - workflow.now(), timedelta()),
                timeout_summary="Patience for the restock ends",
            )
        except TimeoutError:
            raise OrderStopped("the goods did not arrive in time") from None
        self._arrived = False
        self._context.stop_if_cancelled()
