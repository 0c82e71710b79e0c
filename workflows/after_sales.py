"""An order after its delivery: until nothing can come back any more, and all is settled."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import policies
from workflows.after_sales_messages import (
    RETURN_REFUSED,
    AfterSalesInput,
    AskForReturn,
    ReturnAnswer,
    ReturnArrived,
    ReturnDecision,
)
from workflows.display import ORDER_NUMBER
from workflows.messages import Waiting
from workflows.notes import note
from workflows.notifier import Notifier
from workflows.return_life import ReturnLife
from workflows.waking import wake

with workflow.unsafe.imports_passed_through():
    from activities.after_sales import AfterSales
    from activities.return_commands import (
        AfterSalesOpened,
        DecideReturn,
        OpenAfterSales,
        ReceiveReturn,
        RequestReturn,
        ReturnRefused,
        ReturnResult,
    )
    from domain.returns import ReturnState

_WAITS_FOR = {
    ReturnState.REQUESTED: ("an operator to decide on a return", "the customer is told"),
    ReturnState.APPROVED: ("returned goods to arrive", "the warehouse looks at them"),
    ReturnState.RECEIVED: ("a refund or a replacement to be made", "the return is settled"),
}


@workflow.defn
class AfterSalesWorkflow:
    """Looks after one order's returns; the books decide, this waits and sees things through."""

    @workflow.init
    def __init__(self, start: AfterSalesInput) -> None:
        self._order_id = start.order_id
        self._notifier = Notifier(start.order_id)
        self._lives: dict[str, ReturnLife] = {}
        self._ways: list[asyncio.Task[None]] = []
        self._opened: AfterSalesOpened | None = None
        self._waiting: Waiting | None = None

    @workflow.run
    async def run(self, start: AfterSalesInput) -> None:
        """Wait for the window's end and for every return's; then there is nothing more to do."""
        opened = await self._open(start)
        closes = opened.window_ends
        if closes is not None:
            await self._keep_window_open(closes)
        while True:
            await workflow.wait_condition(
                lambda: (
                    all(life.over for life in self._lives.values())
                    and workflow.all_handlers_finished()
                )
            )
            if all(way.done() for way in self._ways):
                break
            await asyncio.gather(*self._ways)
        await self._notifier.drain()
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _open(self, start: AfterSalesInput) -> AfterSalesOpened:
        opened = await workflow.execute_local_activity_method(
            AfterSales.open_after_sales,
            OpenAfterSales(
                order_id=start.order_id, wanted_back=start.wanted_back, at=workflow.now()
            ),
            summary="Look at what was delivered",
            **policies.BOOKS,
        )
        if workflow.info().typed_search_attributes.get(ORDER_NUMBER) is None:
            workflow.upsert_search_attributes([ORDER_NUMBER.value_set(opened.order_number)])
        self._opened = opened
        for case in opened.cases:
            self._begin(ReturnLife(case, self._notifier, self._show))
        self._show()
        return opened

    async def _keep_window_open(self, closes: datetime) -> None:
        left = closes - workflow.now()
        if left > timedelta():
            await workflow.sleep(left, summary="The return window ends")
        self._show()
        await note(
            self._order_id,
            "return_window_closed",
            "The return window is over",
            until=f"{closes:%Y-%m-%d %H:%M:%S} UTC",
        )

    def _begin(self, life: ReturnLife) -> None:
        self._lives[life.case.return_id] = life
        self._ways.append(asyncio.create_task(life.follow()))

    # What is asked from outside; the books refuse what cannot be.

    @workflow.update(description="Ask to return goods: what came of it, or why not")
    async def ask(self, request: AskForReturn) -> ReturnAnswer:
        """The return, approved at once if no person is needed; the same id asks once."""
        await self._ready()
        result = await workflow.execute_local_activity_method(
            AfterSales.request_return,
            RequestReturn(**request.model_dump(), order_id=self._order_id, at=workflow.now()),
            summary="Look whether it can be returned",
            **policies.BOOKS,
        )
        return self._take(result)

    @workflow.update(description="Approve or reject a return")
    async def decide(self, decision: ReturnDecision) -> ReturnAnswer:
        """An operator's word; the same word twice changes nothing."""
        await self._ready()
        result = await workflow.execute_local_activity_method(
            AfterSales.decide_return,
            DecideReturn(**decision.model_dump(), at=workflow.now()),
            summary="Approve the return" if decision.approve else "Reject the return",
            **policies.BOOKS,
        )
        return self._take(result)

    @workflow.update(description="Returned goods have arrived")
    async def receive(self, arrived: ReturnArrived) -> ReturnAnswer:
        """Book them; whoever waits for such goods is woken."""
        await self._ready()
        result = await workflow.execute_local_activity_method(
            AfterSales.receive_return,
            ReceiveReturn(
                return_id=arrived.return_id,
                lines=arrived.lines,
                warehouse_id=arrived.warehouse_id,
                at=workflow.now(),
            ),
            summary="Book the returned goods",
            **policies.BOOKS,
        )
        answer = self._take(result)
        if not isinstance(result.result, ReturnRefused):
            await wake(result.result.waiting_orders, self._order_id)
        return answer

    @workflow.query(description="What the returns wait for, until when, and what happens then")
    def waiting_for(self) -> Waiting | None:
        """Nothing once all is settled."""
        return self._waiting

    async def _ready(self) -> None:
        await workflow.wait_condition(lambda: self._opened is not None)

    def _take(self, result: ReturnResult) -> ReturnAnswer:
        """Go on with a return as the books have it now.

        Raises:
            ApplicationError: nothing was changed; the message says why, for people.
        """
        found = result.result
        if isinstance(found, ReturnRefused):
            raise ApplicationError(
                found.reason, type=f"{RETURN_REFUSED}{found.code}", non_retryable=True
            )
        life = self._lives.get(found.case.return_id)
        if life is not None:
            life.case = found.case
        elif not found.case.ended:
            self._begin(ReturnLife(found.case, self._notifier, self._show))
        self._show()
        return ReturnAnswer(case=found.case)

    def _show(self) -> None:
        """Say in the Web UI, and to who asks, what is waited for."""
        opened = self._opened
        if opened is None:
            return
        cases = [life.case for life in self._lives.values() if not life.over]
        closes = opened.window_ends
        if cases:
            what, then = _WAITS_FOR[cases[0].state]
            self._waiting = Waiting(what=what, until=cases[0].expected_by, then=then)
        elif closes is not None and closes > workflow.now():
            self._waiting = Waiting(
                what="the return window to end", until=closes, then="nothing more is taken back"
            )
        else:
            self._waiting = None
        lines = [f"{case.return_id}: {case.kind}, {case.state}" for case in cases]
        until = f" until {closes:%Y-%m-%d %H:%M:%S} UTC" if closes else ""
        workflow.set_current_details(
            "\n\n".join(
                [f"**{opened.order_number}** · returns possible{until}", *lines]
                if self._waiting
                else [f"**{opened.order_number}** · nothing more comes back"]
            )
        )
