"""Parts of an order that do not reach the customer while the rest goes on: out of it, and paid."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

from temporalio import workflow

from workflows import policies
from workflows.context import OrderContext
from workflows.picking import List
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from activities.missing_goods import DropUnits
    from activities.parts import DropParts, Parts
    from activities.refund_claims import ClaimRefund, RefundClaimed
    from activities.refunds import RefundPayment, Refunds, RefundSettled
    from domain.ids import REFUND, derived_id, idempotency_key
    from domain.missing_goods import MissingGoods, MissingLine, worded
    from domain.notification import NotificationKind
    from domain.payment import RefundState
    from domain.statuses import OrderStatus


class LostParts:
    """Takes parts out of an order; their money goes back in the background, which may take days."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self._running: list[asyncio.Task[None]] = []
        self.missing: tuple[MissingGoods, ...] = ()

    def note_missing(self, one: List, lines: Sequence[MissingLine]) -> None:
        """A warehouse refused its list for want of these goods: they are on no shelf."""
        self.missing += tuple(
            MissingGoods(warehouse_id=one.warehouse_id, **line.model_dump()) for line in lines
        )

    async def drop_units(self, one: List, lines: Sequence[MissingLine]) -> None:
        """A parcel has left without these units: their money goes back, and some of them do."""
        dropped = await workflow.execute_local_activity_method(
            Parts.drop_units,
            DropUnits(
                order_id=self._context.order_id,
                picking_list_id=one.list_id,
                missing=tuple(lines),
                at=workflow.now(),
            ),
            summary="Book what the parcel lacks",
            **policies.BOOKS,
        )
        if dropped.lines:
            reason = f"not in the parcel: {worded(lines)}"
            await self.pay_back_units((one.list_id, "missing"), dropped.lines, reason)
        await wake(dropped.waiting_orders, self._context.order_id)

    async def drop(
        self, lists: Sequence[List], reason: str, callback_ids: tuple[int, ...] = ()
    ) -> None:
        """What was to be picked stays where it is: its stock goes back, and so does its money."""
        warehouses = tuple(one.warehouse_id for one in lists)
        dropped = await workflow.execute_local_activity_method(
            Parts.drop_parts,
            DropParts(
                order_id=self._context.order_id,
                warehouses=warehouses,
                missing=self.missing,
                reason=reason,
                callback_ids=callback_ids,
                at=workflow.now(),
            ),
            summary=f"Go on without {', '.join(warehouses)}",
            **policies.BOOKS,
        )
        await self.pay_back(warehouses, reason)
        await wake(dropped.waiting_orders, self._context.order_id)
        if dropped.status is OrderStatus.DELIVERED:
            self._context.tell(NotificationKind.ORDER_DELIVERED)

    async def pay_back(self, warehouses: tuple[str, ...], reason: str) -> None:
        """Claim what is left to give back of these warehouses' parts, and begin to pay it back."""
        refund_id = self._refund_id(warehouses, 1)
        claimed = await self._claim(refund_id, reason, warehouses=warehouses)
        self._begin(claimed, warehouses, reason)

    async def pay_back_units(
        self, subject: tuple[str, ...], lines: dict[int, int], reason: str
    ) -> None:
        """The same of single units, by line number, as far as their money is not back."""
        refund_id = self._refund_id(subject, 1)
        claimed = await self._claim(refund_id, reason, lines=lines)
        self._begin(claimed, subject, reason)

    async def drain(self) -> None:
        """Wait until all money is back."""
        for work in self._running:
            await work

    def _begin(self, claimed: RefundClaimed | None, subject: tuple[str, ...], reason: str) -> None:
        if claimed is not None:
            work = self._refund_until_done(claimed, subject, reason)
            self._running.append(asyncio.create_task(work))

    async def _refund_until_done(
        self, claimed: RefundClaimed, subject: tuple[str, ...], reason: str
    ) -> None:
        """Refund until it succeeds; after a failure with an id and a key of its own."""
        for number in count(1):
            refund_id = self._refund_id(subject, number)
            settled = await self._refund(refund_id, claimed, reason)
            if settled.state is RefundState.SUCCEEDED:
                self._context.tell(
                    NotificationKind.ORDER_REFUNDED,
                    occasion=refund_id,
                    refund_amount=settled.amount,
                    reason=reason,
                )
                return
            if not settled.known:
                await workflow.sleep(
                    policies.refund_pause(number),
                    summary=f"Refund {settled.state}: try again later",
                )
            following = self._refund_id(subject, number + 1)
            again = await self._claim(following, reason, retry_of=refund_id)
            if again is None:
                return
            claimed = again

    async def _claim(
        self,
        refund_id: str,
        reason: str,
        *,
        warehouses: tuple[str, ...] = (),
        lines: dict[int, int] | None = None,
        retry_of: str = "",
    ) -> RefundClaimed | None:
        """The claim; nothing if the money has gone back already."""
        claim = await workflow.execute_local_activity_method(
            Refunds.claim_refund,
            ClaimRefund(
                refund_id=refund_id,
                order_id=self._context.order_id,
                warehouses=warehouses,
                lines=lines or {},
                left_only=lines is not None,
                retry_of=retry_of,
                reason=reason,
                at=workflow.now(),
            ),
            summary="Claim the money for what does not come",
            **policies.BOOKS,
        )
        return claim.result if isinstance(claim.result, RefundClaimed) else None

    async def _refund(self, refund_id: str, claimed: RefundClaimed, reason: str) -> RefundSettled:
        return await workflow.execute_activity_method(
            Refunds.refund_payment,
            RefundPayment(
                refund_id=refund_id,
                payment_id=claimed.payment_id,
                amount=claimed.amount,
                reason=reason,
                idempotency_key=idempotency_key(refund_id, "refund"),
                at=workflow.now(),
            ),
            summary=f"Refund {claimed.amount}: {reason}",
            **policies.MONEY,
        )

    def _refund_id(self, subject: tuple[str, ...], number: int) -> str:
        return derived_id(REFUND, self._context.order_id, *subject, str(number))
