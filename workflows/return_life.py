"""One return, from being asked for until the customer has the money, or other goods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from itertools import count

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
)

from workflows import policies
from workflows.messages import OrderInput, OrderOutcome, RefundOrder
from workflows.notes import note
from workflows.notifier import Notifier

with workflow.unsafe.imports_passed_through():
    from activities.after_sales import AfterSales
    from activities.notifications import CustomerEvent
    from activities.refunds import RefundSettled
    from activities.return_commands import ReturnTaken, SettleReturn
    from domain.ids import (
        ORDER,
        REFUND,
        derived_id,
        order_workflow_id,
        refund_of_lacking,
        refund_of_return,
    )
    from domain.money import Money
    from domain.notification import NotificationKind
    from domain.order import OrderDraft
    from domain.payment import RefundState
    from domain.returns import ReturnCase, ReturnKind, ReturnState
    from domain.statuses import OrderStatus

_SENT = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.COMPLETED})
_COURSE = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.RECEIVED)


class ReturnLife:
    """Follows one return; `case` is what the books say of it."""

    def __init__(self, case: ReturnCase, notifier: Notifier, changed: Callable[[], None]) -> None:
        self._case = case
        self._notifier = notifier
        self._changed = changed
        self._left_to_people = False

    @property
    def case(self) -> ReturnCase:
        """The return as it is now."""
        return self._case

    @case.setter
    def case(self, case: ReturnCase) -> None:
        # Two steps may have been under way at the same time: an earlier state is no news.
        if _rank(case) >= _rank(self._case) and not self._case.ended:
            self._case = case
            self._changed()

    @property
    def over(self) -> bool:
        """Whether nothing more is done for it here."""
        return self._case.ended or self._left_to_people

    async def follow(self) -> None:
        """Go with it to its end; every state has one step, and leads to another state."""
        steps: Mapping[ReturnState, Callable[[], Awaitable[None]]] = {
            ReturnState.REQUESTED: self._await_decision,
            ReturnState.APPROVED: self._await_goods,
            ReturnState.RECEIVED: self._make_good,
        }
        while not self.over:
            await steps[self._case.state]()
        if self._case.state in {ReturnState.REJECTED, ReturnState.EXPIRED}:
            self._tell(NotificationKind.RETURN_DECLINED, reason=self._case.decision)

    async def _await_decision(self) -> None:
        self._tell(NotificationKind.RETURN_REQUESTED)
        await workflow.wait_condition(lambda: self._case.state is not ReturnState.REQUESTED)

    async def _await_goods(self) -> None:
        """Until they come, or have not come for so long that they will not."""
        case = self._case
        if case.requested_by != "carrier":
            self._tell(NotificationKind.RETURN_APPROVED)
        timeout = None
        if case.expected_by is not None:
            timeout = max(case.expected_by - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(
                lambda: self._case.state is not ReturnState.APPROVED,
                timeout=timeout,
                timeout_summary="The returned goods should have arrived",
            )
        except TimeoutError:
            await self._settle(ReturnState.EXPIRED)

    async def _make_good(self) -> None:
        """The goods are back: give what was agreed for them."""
        if self._case.requested_by != "carrier":
            self._tell(NotificationKind.RETURN_RECEIVED)
        if self._case.kind is ReturnKind.EXCHANGE:
            await self._exchange()
        else:
            await self._refund()

    async def _refund(self) -> None:
        """Give the money for what came back; nothing, if it has gone back already."""
        first = refund_of_return(self._case.return_id)
        settled = await self._give_back(first, self._case.units())
        await self._settle(ReturnState.REFUNDED, settled.amount if settled else None)

    async def _give_back(self, refund_id: str, lines: dict[int, int]) -> RefundSettled | None:
        """Refund units, by line number, until it succeeds; nothing, if that was done already."""
        retry_of = ""
        for number in count(1):
            try:
                settled = await self._make_refund(refund_id, lines, retry_of)
            except (ChildWorkflowError, WorkflowAlreadyStartedError) as error:
                # An operator makes the same refund at this moment, or has stopped it.
                workflow.logger.warning("return_refund_waits", extra={"cause": str(error)})
                await self._pause(number)
                continue
            if settled is None or settled.state is RefundState.SUCCEEDED:
                return settled
            if not settled.known:
                await self._pause(number)
            # The same id as an operator's retry has, so that there is one of them.
            refund_id, retry_of = derived_id(REFUND, refund_id, "retry"), refund_id
        raise AssertionError("count() does not end")

    async def _make_refund(
        self, refund_id: str, lines: dict[int, int], retry_of: str
    ) -> RefundSettled | None:
        # By its name: the order's workflow starts after-sales, and so on in a circle.
        settled: RefundSettled | None = await workflow.execute_child_workflow(
            "RefundWorkflow",
            RefundOrder(
                refund_id=refund_id,
                order_id=self._case.order_id,
                lines=lines,
                left_only=True,
                retry_of=retry_of,
                reason="returned goods",
            ),
            id=f"refund-{refund_id}",
            result_type=RefundSettled | None,  # type: ignore[arg-type]  # a type all the same
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"Refund for return {self._case.return_id}",
        )
        return settled

    async def _exchange(self) -> None:
        """Send the same goods again; if they cannot be sent, their money goes back instead."""
        replacement = derived_id(ORDER, self._case.return_id)
        try:
            outcome: OrderOutcome = await workflow.execute_child_workflow(
                "OrderWorkflow",
                OrderInput(
                    order_id=replacement,
                    draft=OrderDraft(),
                    replaces=self._case.return_id,
                    after_sales=True,
                ),
                id=order_workflow_id(replacement),
                result_type=OrderOutcome,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Replacement for order {self._case.order_id}",
            )
        except (ChildWorkflowError, WorkflowAlreadyStartedError) as error:
            await self._leave_to_people(error)
            return
        if outcome.status in _SENT:
            lacking = await self._settle(ReturnState.EXCHANGED)
            if lacking:
                await self._give_back(refund_of_lacking(self._case.return_id), lacking)
        else:
            await self._refund()

    async def _leave_to_people(self, error: FailureError) -> None:
        """Nobody can tell here whether the replacement has left."""
        workflow.logger.error("exchange_failed", extra={"cause": str(error)})
        await note(
            self._case.order_id,
            "exchange_failed",
            "Call for a person",
            dedupe_key=f"exchange_failed:{self._case.return_id}",
            task=f"See what of the replacement for return {self._case.return_id} has left; refund"
            " what does not come",
            return_id=self._case.return_id,
            then="an operator looks after the replacement, and refunds what does not come",
        )
        self._left_to_people = True

    async def _settle(self, state: ReturnState, amount: Money | None = None) -> dict[int, int]:
        """Bring it to its end; the units, by line number, that nothing has come for."""
        settled = await workflow.execute_local_activity_method(
            AfterSales.settle_return,
            SettleReturn(
                return_id=self._case.return_id, state=state, amount=amount, at=workflow.now()
            ),
            summary=f"The return is {state}",
            **policies.BOOKS,
        )
        if isinstance(settled.result, ReturnTaken):
            self.case = settled.result.case
            return settled.result.lacking
        # Only goods that arrive at the very end of their time overtake its end.
        await workflow.wait_condition(lambda: self._case.received_at is not None)
        return {}

    async def _pause(self, number: int) -> None:
        await workflow.sleep(policies.refund_pause(number), summary="Refund: try again later")

    def _tell(self, kind: NotificationKind, reason: str = "") -> None:
        self._notifier.tell(
            CustomerEvent(
                kind=kind,
                occasion=self._case.return_id,
                reason=reason,
                lines={line.line_no: line.quantity for line in self._case.lines},
                at=workflow.now(),
            )
        )


def _rank(case: ReturnCase) -> int:
    """How far a return has come."""
    return len(_COURSE) if case.ended else _COURSE.index(case.state)
