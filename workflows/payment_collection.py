"""Get the order paid while its hold lives: callbacks first, then polling, then expiry."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from workflows import policies
from workflows.background import dismiss
from workflows.context import OrderContext, OrderStopped
from workflows.messages import CancelOrder, PaymentInstruction, PaymentNews
from workflows.payment_attempts import Attempt, AttemptRequest, PaymentAttempts

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ExtendHold, Stock
    from activities.settling import Settled
    from domain.order import GatewayName
    from domain.payment_review import ReviewDecision
    from domain.settlement import Settlement
    from domain.statuses import PaymentStatus


class PaymentCollection:
    """The stage in which an order waits to be paid, and the watch over its money afterwards."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self.attempts = PaymentAttempts(context)
        self.open = False
        self._requests: list[AttemptRequest] = []
        self._poll: workflow.ActivityHandle[Settled] | None = None
        self._expiry: asyncio.Task[None] | None = None
        self._watching = False

    def hear(self, news: PaymentNews) -> None:
        """A callback about one of this order's payments has been stored."""
        self.attempts.news.append(news)

    async def request(self, gateway: GatewayName) -> PaymentInstruction:
        """Ask for another attempt, and wait until `collect` has made it.

        Raises:
            ApplicationError: of type `PaymentRefused`, with the reason.
        """
        request = AttemptRequest(gateway)
        self._requests.append(request)
        await workflow.wait_condition(lambda: request.served)
        return request.answer()

    async def begin(self, gateway: GatewayName, deadline: datetime) -> AttemptRequest:
        """Make the first attempt; the customer waits for what comes of it."""
        self.open = True
        self._context.undo.register("close payments", self.attempts.close_all)
        request = AttemptRequest(gateway)
        await self.attempts.start(request, deadline)
        return request

    async def collect(self, deadline: datetime) -> None:
        """Wait until the order is paid.

        Raises:
            OrderStopped: the hold expired unpaid, or the order was cancelled.
        """
        self._expiry = asyncio.create_task(
            workflow.sleep(
                max(deadline - workflow.now(), timedelta()), summary="The hold on the stock expires"
            )
        )
        try:
            while not self.attempts.paid:
                await self._wait(deadline)
                self._context.stop_if_cancelled()
                await self._act(deadline)
                await self._stop_for_review()
        finally:
            self._finish()

    async def watch(self) -> None:
        """After the order is paid: settle what else callbacks bring, e.g. a second payment."""
        self._watching = True
        for attempt in self.attempts.attempts:
            # An older attempt than the latest has paid: nobody must pay the latest as well.
            if attempt.may_be_paid:
                await self._close(attempt)
        while True:
            self._stop_if_gone()
            await workflow.wait_condition(lambda: bool(self.attempts.news) or not self._watching)
            if not self.attempts.news:
                await self.attempts.settle_debts()
                return
            await self._hear()

    def _stop_if_gone(self) -> None:
        """Nothing is shipped for money that has gone back."""
        if self.attempts.gone and self._context.cancel is None:
            self._context.cancel = CancelOrder(
                reason="the payment was refunded at the provider", requested_by="operator"
            )

    def stop_watching(self) -> None:
        """The order ends; `watch` returns when it has settled what it knows of."""
        self._watching = False

    async def _wait(self, deadline: datetime) -> None:
        """Until anything happens, or it is time to start asking the provider ourselves."""
        self._context.display.waits(
            "the customer's payment",
            until=deadline,
            then="the payment is closed, and the stock released unless money has come in",
        )

        def something() -> bool:
            return (
                bool(self.attempts.news or self._requests)
                or self._context.cancel is not None
                or (self._expiry is not None and self._expiry.done())
                or (self._poll is not None and self._poll.done())
            )

        try:
            await workflow.wait_condition(
                something,
                timeout=None if self._poll else self._context.timings.first_payment_check,
                timeout_summary="No callback so far: ask the provider",
            )
        except TimeoutError:
            return

    async def _act(self, deadline: datetime) -> None:
        if self.attempts.news:
            await self._hear()
        elif self._requests:
            await self._serve(self._requests[0], deadline)
        elif self._poll is not None and self._poll.done():
            await self._take_poll()
        elif self._expiry is not None and self._expiry.done():
            await self._expire()
        latest = self.attempts.latest
        if latest is not None and self._poll is None and not self.attempts.paid:
            self._poll = self.attempts.poll(latest, self._context.timings.payment_poll)

    async def _serve(self, request: AttemptRequest, deadline: datetime) -> None:
        """Make another attempt; earlier ones are closed first, so that only one can be paid."""
        try:
            await self._close_others()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.error("payment_not_closed", extra={"cause": str(error.cause)})
            request.refusal = "the earlier payment cannot be closed now; try again shortly"
            self._requests.remove(request)
            return
        self._stop_poll()
        if self.attempts.paid:
            request.refusal = "the order has just been paid"
        elif self.attempts.latest is not None:
            request.refusal = "an earlier payment is still being processed"
        else:
            await self.attempts.start(request, deadline)
        self._requests.remove(request)

    async def _close_others(self) -> None:
        for attempt in self.attempts.attempts:
            if attempt.may_be_paid:
                await self.attempts.close(attempt, policies.CLOSE_PAYMENT_AT_ONCE)

    async def _hear(self) -> None:
        """Settle what callbacks have come for; if that fails for good, again after a while."""
        try:
            await self.attempts.hear()
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.error("payment_news_failed", extra={"cause": str(error.cause)})
            await workflow.sleep(policies.UNDO_PAUSE, summary="Look at the payment again")

    async def _close(self, attempt: Attempt) -> None:
        """Close an attempt, however often its provider has to be asked."""
        while True:
            try:
                return await self.attempts.close(attempt)
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                workflow.logger.error("payment_not_closed", extra={"cause": str(error.cause)})
                await workflow.sleep(policies.UNDO_PAUSE, summary="Try to close the payment again")

    async def _take_poll(self) -> None:
        assert self._poll is not None
        poll, self._poll = self._poll, None
        try:
            await self.attempts.apply(await poll)
        except ActivityError as error:
            workflow.logger.error("payment_poll_failed", extra={"cause": str(error.cause)})
            await workflow.sleep(policies.UNDO_PAUSE, summary="Polling failed: pause")

    async def _expire(self) -> None:
        """Two phases: close at the provider and ask, and only then give the stock up.

        Raises:
            OrderStopped: nothing was paid.
        """
        self.open = False
        self._stop_poll()
        self._context.display.working("The hold has expired: closing the payment")
        for attempt in self.attempts.attempts:
            if attempt.may_be_paid:
                await self._close(attempt)
            while attempt.settlement is Settlement.PROCESSING:
                await self._await_processing(attempt)
        if not self.attempts.paid and not self.attempts.mismatch:
            raise OrderStopped("payment was not completed in time", expired=True)

    async def _await_processing(self, attempt: Attempt) -> None:
        """Money is on its way: keep the stock for it, and close whatever did not become money."""
        until = workflow.now() + policies.GRACE
        self._context.display.waits(
            "a payment that the provider is processing", until=until, then="ask again"
        )
        await workflow.execute_local_activity_method(
            Stock.extend_hold,
            ExtendHold(order_id=self._context.order_id, expires_at=until),
            summary="Keep the stock while money is on its way",
            **policies.BOOKS,
        )
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: bool(self.attempts.news) or self._context.cancel is not None,
                timeout=policies.GRACE,
                timeout_summary="The provider is processing the payment",
            )
        self._context.stop_if_cancelled()
        if self.attempts.news:
            await self._hear()
        if attempt.may_be_paid:
            await self._close(attempt)

    async def _stop_for_review(self) -> None:
        self._stop_if_refused()
        if not self.attempts.mismatch:
            return
        self.open = False
        self._context.display.statuses(payment=PaymentStatus.REVIEW)
        self._context.display.waits(
            f"a person: {self.attempts.mismatch}",
            then="the money is accepted or given back, as the task is decided",
        )
        listens = workflow.patched("hear news in review")
        while self._context.cancel is None and not self.attempts.decided:
            await workflow.wait_condition(
                lambda: self._context.cancel is not None or (listens and bool(self.attempts.news))
            )
            if self._context.cancel is None:
                await self._hear()
                self._stop_if_gone()
                self._stop_if_refused()
        self._context.stop_if_cancelled()
        self.attempts.mismatch = ""

    def _stop_if_refused(self) -> None:
        """Nothing is shipped for money that an operator gives back."""
        attempts = self.attempts
        refused = any(one.decision == ReviewDecision.REFUND for one in attempts.attempts)
        if refused and attempts.decided and not attempts.paid and self._context.cancel is None:
            self._context.cancel = CancelOrder(
                reason="the payment was not what was asked for", requested_by="operator"
            )

    def _finish(self) -> None:
        self.open = False
        self._stop_poll()
        if self._expiry is not None:
            self._expiry.cancel()
        for request in self._requests:
            request.refusal = "the order no longer waits for a payment"

    def _stop_poll(self) -> None:
        if self._poll is not None:
            dismiss(self._poll)
            self._poll = None
