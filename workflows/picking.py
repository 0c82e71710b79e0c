"""The picking lists of one order: one for each warehouse that holds a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import policies
from workflows.context import OrderContext
from workflows.warehouse_news import Clarity

with workflow.unsafe.imports_passed_through():
    from activities.fulfillment import (
        Fulfillment,
        PickingResult,
        RecallPickingList,
        SendPickingList,
    )
    from domain.fulfillment import ShippingNews
    from domain.ids import PICKING_LIST, derived_id
    from domain.statuses import OrderStatus, PaymentStatus


class ListState(Enum):
    """How far a list has come, as far as this order's workflow knows."""

    UNSENT = auto()
    SENT = auto()
    REFUSED = auto()
    RECALLED = auto()
    SHIPPED = auto()


@dataclass
class List:
    """One picking list; the first one's warehouse is known once that has answered."""

    list_id: str
    warehouse_id: str = ""
    state: ListState = ListState.UNSENT
    tracking_number: str = ""


class PickingLists:
    """Sends them, takes them back, and knows which of them a warehouse speaks of."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self.all = [List(derived_id(PICKING_LIST, context.order_id))]

    @property
    def several(self) -> bool:
        """Whether more than one warehouse takes part."""
        return len(self.all) > 1

    @property
    def next_unsent(self) -> List | None:
        """The warehouse to be asked next."""
        return next((one for one in self.all if one.state is ListState.UNSENT), None)

    @property
    def open(self) -> list[List]:
        """Those that a warehouse has, and that have neither left nor come back."""
        return self._in(ListState.SENT)

    @property
    def awaited(self) -> str:
        """Whom the order waits for, in words."""
        names = ", ".join(one.warehouse_id for one in self.open)
        return f"the warehouse to ship ({names})" if self.several else "the warehouse to ship"

    @property
    def out(self) -> list[List]:
        """Those of which no warehouse has said that nothing of them will leave."""
        return self._in(ListState.SENT, ListState.SHIPPED)

    async def send(self, one: List) -> PickingResult:
        """Hand one list to its warehouse, however long that takes to answer."""
        one.state = ListState.SENT
        try:
            answer = await self._send(one, policies.WAREHOUSE_AT_ONCE)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # Nobody must wait for the confirmation while the warehouse is away.
            self._context.notifier.send()
            self._context.display.statuses(status=OrderStatus.CONFIRMED, payment=PaymentStatus.PAID)
            answer = await self._send(one, policies.WAREHOUSE)
        one.warehouse_id = answer.warehouse_id
        if not self.several:
            self.all += [
                List(derived_id(PICKING_LIST, self._context.order_id, warehouse_id), warehouse_id)
                for warehouse_id in answer.further
            ]
        if answer.result.outcome == "refused":
            one.state = ListState.REFUSED
        return answer

    async def recall(self, lists: Sequence[List]) -> list[List]:
        """Ask for lists back; those that came. The others have left, whatever was said so far."""
        back = [one for one in lists if await self._recall(one)]
        for one in back:
            one.state = ListState.RECALLED
        return back

    async def recall_all(self) -> None:
        """Undo: take back what may still be at a warehouse, a refused list as well."""
        lists = self._in(ListState.SENT, ListState.REFUSED)
        back = await self.recall(lists)
        for one in lists:
            if one not in back:
                one.state = ListState.SENT

    def meant(self, news: ShippingNews) -> List | None:
        """The open list that a warehouse speaks of: the one it names, else the only one."""
        found = self._spoken_of(news)
        return found[0] if len(found) == 1 else None

    def shipped_as(self, news: ShippingNews) -> List | None:
        """The list that came as the parcel of which a warehouse speaks once more."""
        if news.event != "shipped":
            return None
        parcels = [one for one in self.all if one.tracking_number == news.tracking_number]
        return next((one for one in parcels if news.picking_list_id in {"", one.list_id}), None)

    def judge(self, news: ShippingNews) -> Clarity:
        """Whether it is clear what a warehouse speaks of."""
        if self.shipped_as(news) is not None:
            return Clarity.CLEAR
        match len(self._spoken_of(news)):
            case 0:
                return Clarity.NOT_OPEN
            case 1:
                return Clarity.CLEAR
            case _:
                return Clarity.AMBIGUOUS

    def _spoken_of(self, news: ShippingNews) -> list[List]:
        """The open lists that it may be about; none if its parcel is that of another list."""
        if news.tracking_number in {one.tracking_number for one in self.all} - {""}:
            return []
        if news.picking_list_id:
            return [one for one in self.open if one.list_id == news.picking_list_id]
        if news.warehouse_id and self.several:
            return [one for one in self.open if one.warehouse_id == news.warehouse_id]
        return self.open

    def _in(self, *states: ListState) -> list[List]:
        return [one for one in self.all if one.state in states]

    def _to(self, one: List) -> str:
        return f"warehouse {one.warehouse_id}" if self.several else "the warehouse"

    async def _send(self, one: List, policy: policies.RemoteOptions) -> PickingResult:
        return await workflow.execute_activity_method(
            Fulfillment.send_picking_list,
            SendPickingList(
                order_id=self._context.order_id,
                picking_list_id=one.list_id,
                warehouse_id=one.warehouse_id,
                at=workflow.now(),
            ),
            summary=f"Send the picking list to {self._to(one)}",
            **policy,
        )

    async def _recall(self, one: List) -> bool:
        recalled = await workflow.execute_activity_method(
            Fulfillment.recall_picking_list,
            RecallPickingList(
                order_id=self._context.order_id,
                picking_list_id=one.list_id,
                at=workflow.now(),
            ),
            summary=f"Ask {self._to(one)} to put everything back",
            **policies.WAREHOUSE,
        )
        return recalled.result.outcome == "cancelled"
