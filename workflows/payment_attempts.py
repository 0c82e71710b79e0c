"""One order's payment attempts: start them, settle them, close them, give money back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from workflows import policies
from workflows.context import OrderContext
from workflows.giving_back import give_back, give_excess_back, insist, reason_to_give_back
from workflows.messages import PAYMENT_REFUSED, PaymentInstruction, PaymentNews

with workflow.unsafe.imports_passed_through():
    from datetime import datetime, timedelta

    from activities.payments import (
        AwaitPayment,
        CreatePayment,
        IntendPayment,
        Payments,
        SettlePayment,
    )
    from activities.provider_talk import PaymentReady
    from activities.refunds import RefundSettled
    from activities.settling import Settled
    from domain.ids import PAYMENT, encode_id, idempotency_key
    from domain.money import Money
    from domain.notification import NotificationKind
    from domain.order import GatewayName
    from domain.payment_review import EXCESS, EXCESS_REASON
    from domain.settlement import Settlement


class Attempt:
    """One attempt to be paid, and the last that was learned about it."""

    def __init__(self, payment_id: str, gateway: GatewayName) -> None:
        self.payment_id = payment_id
        self.gateway = gateway
        self.settlement = Settlement.OPEN
        self.reviewed = False
        self.decision = ""

    @property
    def may_be_paid(self) -> bool:
        """Whether the customer could still pay this attempt."""
        return self.settlement in _OPEN


class AttemptRequest:
    """Somebody waits for a new attempt; `run` fills in what came of it."""

    def __init__(self, gateway: GatewayName) -> None:
        self.gateway = gateway
        self.instruction: PaymentInstruction | None = None
        self.refusal = ""

    @property
    def served(self) -> bool:
        """Whether there is an answer."""
        return self.instruction is not None or bool(self.refusal)

    def answer(self) -> PaymentInstruction:
        """The instruction.

        Raises:
            ApplicationError: of type `PaymentRefused`, with the reason.
        """
        if self.instruction is None:
            raise ApplicationError(self.refusal, type=PAYMENT_REFUSED, non_retryable=True)
        return self.instruction


class PaymentAttempts:
    """All attempts of one order, and the callbacks that ask to look at them again."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self.attempts: list[Attempt] = []
        self.news: list[PaymentNews] = []
        self.mismatch = ""
        self.gone = False
        self.deadline: datetime | None = None
        # By payment, and the part of it that goes back by itself if it is not all.
        self._sent_back: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def latest(self) -> Attempt | None:
        """The newest attempt that may still be paid."""
        live = [attempt for attempt in self.attempts if attempt.may_be_paid]
        return live[-1] if live else None

    @property
    def paid(self) -> bool:
        """Whether an attempt pays for the order."""
        return any(attempt.settlement is Settlement.ACCEPTED for attempt in self.attempts)

    @property
    def decided(self) -> bool:
        """Whether people have decided about payments in review so that the order knows its way."""
        reviewed = [attempt for attempt in self.attempts if attempt.reviewed]
        return any(a.decision for a in reviewed) and (
            self.paid or all(a.decision for a in reviewed)
        )

    async def start(self, request: AttemptRequest, deadline: datetime) -> None:
        """Create an attempt at the provider and answer the request."""
        self.deadline = deadline
        attempt = Attempt(encode_id(PAYMENT, workflow.uuid4()), request.gateway)
        self.attempts.append(attempt)
        await workflow.execute_local_activity_method(
            Payments.intend_payment,
            IntendPayment(
                payment_id=attempt.payment_id,
                order_id=self._context.order_id,
                attempt=len(self.attempts),
                gateway=request.gateway,
                idempotency_key=idempotency_key(attempt.payment_id, "create"),
                expires_at=deadline,
                at=workflow.now(),
            ),
            summary="Note the payment and its key before asking",
            **policies.BOOKS,
        )
        try:
            created = await workflow.execute_activity_method(
                Payments.create_payment,
                CreatePayment(payment_id=attempt.payment_id, at=workflow.now()),
                summary=f"Ask {request.gateway} for {self._context.order.total}",
                **policies.CREATE_PAYMENT,
            )
        except ActivityError as error:
            # Its fate is unknown: it stays among the attempts, and polling repeats the creation.
            workflow.logger.warning("payment_not_created", extra={"cause": str(error.cause)})
            request.refusal = f"{request.gateway} does not answer at the moment; try again shortly"
            return
        if isinstance(created.result, PaymentReady):
            ready = created.result
            request.instruction = PaymentInstruction(
                payment_id=ready.payment_id,
                gateway=ready.gateway,
                amount=ready.amount,
                action=ready.action,
                expires_at=ready.expires_at,
            )
        else:
            attempt.settlement = Settlement.CLOSED
            request.refusal = f"{created.result.code}: {created.result.message}"

    async def hear(self) -> None:
        """Settle every payment that callbacks have come for; a callback only wakes us."""
        while self.news:
            payment_id = self.news[0].payment_id
            heard = [news for news in self.news if news.payment_id == payment_id]
            settled = await self._settle(
                payment_id,
                callback_ids=tuple(news.callback_id for news in heard if news.callback_id),
                refund_refs=tuple(reference for news in heard for reference in news.refund_refs),
            )
            self.news = [news for news in self.news if news not in heard]
            await self.apply(settled)

    async def close(
        self, attempt: Attempt, patience: policies.RemoteOptions = policies.MONEY
    ) -> None:
        """Make sure that an attempt can no longer be paid, and learn whether it was.

        Raises:
            ActivityError: that could not be learned with this much patience.
        """
        await self.apply(await self._settle(attempt.payment_id, close=True, patience=patience))

    async def close_all(self) -> None:
        """Undo: close what may still be paid.

        Raises:
            ApplicationError: a payment is being processed and cannot be closed yet.
        """
        for attempt in self.attempts:
            if attempt.may_be_paid:
                await self.close(attempt)
            if attempt.may_be_paid:
                raise ApplicationError(f"{attempt.payment_id} is still being processed")

    async def refund_all(self) -> None:
        """Undo: give back whatever was captured.

        Raises:
            ActivityError: a provider cannot be asked now.
        """
        for attempt in self.attempts:
            if attempt.settlement in _CAPTURED and (attempt.payment_id, "") not in self._sent_back:
                reason = "order cancelled"
                self._tell_of(await give_back(attempt.payment_id, reason), reason)
        await self.settle_debts()

    def poll(self, attempt: Attempt, steady: timedelta) -> workflow.ActivityHandle[Settled]:
        """Ask about an attempt again and again, in the background, until there is news."""
        return workflow.start_activity_method(
            Payments.await_payment,
            AwaitPayment(
                payment_id=attempt.payment_id,
                at=workflow.now(),
                delays=policies.payment_poll_delays(steady),
                waiting=(Settlement.OPEN, Settlement.PROCESSING, attempt.settlement),
            ),
            summary=f"Poll {attempt.gateway}: no callback so far",
            **policies.POLL_PAYMENT,
        )

    async def apply(self, settled: Settled) -> None:
        """Act on a decision; money that pays for nothing goes back."""
        attempt = self._attempt(settled.payment_id)
        news = attempt.settlement is not settled.settlement
        attempt.settlement = settled.settlement
        attempt.decision = settled.decision
        attempt.reviewed = attempt.reviewed or bool(settled.decision)
        self.gone = settled.gone
        if settled.excess is not None:
            self._send_excess_back(settled.payment_id, settled.excess)
        match settled.settlement:
            case Settlement.SURPLUS | Settlement.LATE:
                self._send_back(settled.payment_id, reason_to_give_back(settled))
            case Settlement.MISMATCH:
                attempt.reviewed = True
                self.mismatch = f"{settled.captured} was captured for {self._context.order.total}"
            case Settlement.DECLINED if news:
                self._context.tell(
                    NotificationKind.PAYMENT_FAILED,
                    occasion=settled.payment_id,
                    reason=settled.failure_code or settled.failure_message,
                    payment_expires_at=self.deadline,
                )

    async def _settle(
        self,
        payment_id: str,
        *,
        close: bool = False,
        callback_ids: tuple[int, ...] = (),
        refund_refs: tuple[str, ...] = (),
        patience: policies.RemoteOptions = policies.MONEY,
    ) -> Settled:
        return await workflow.execute_activity_method(
            Payments.settle_payment,
            SettlePayment(
                payment_id=payment_id,
                at=workflow.now(),
                callback_ids=callback_ids,
                refund_refs=refund_refs,
                close=close,
                rehold_until=workflow.now() + self._context.timings.hold,
            ),
            summary="Close the payment, then ask what is true" if close else "Ask what is true",
            **patience,
        )

    async def settle_debts(self) -> None:
        """Wait until all money that pays for nothing has gone back."""
        while self._sent_back:
            for part, task in list(self._sent_back.items()):
                await task
                self._sent_back.pop(part, None)

    def _send_back(self, payment_id: str, reason: str) -> None:
        """Give a payment back beside all else: a provider may take days to say that it is done."""
        self._begin((payment_id, ""), lambda: self._keep_trying(payment_id, reason))

    def _send_excess_back(self, payment_id: str, amount: Money) -> None:
        self._begin((payment_id, EXCESS), lambda: self._return_excess(payment_id, amount))

    def _begin(
        self, part: tuple[str, str], giving: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        under_way = self._sent_back.get(part)
        if under_way is None or under_way.done():
            self._sent_back[part] = asyncio.create_task(giving())

    async def _keep_trying(self, payment_id: str, reason: str) -> None:
        self._tell_of(await insist(lambda: give_back(payment_id, reason)), reason)

    async def _return_excess(self, payment_id: str, amount: Money) -> None:
        self._tell_of(await give_excess_back(payment_id, amount), EXCESS_REASON)

    def _tell_of(self, refund: RefundSettled, reason: str) -> None:
        if refund.amount > Money.zero(refund.amount.currency):
            self._context.tell(
                NotificationKind.ORDER_REFUNDED,
                occasion=refund.refund_id,
                refund_amount=refund.amount,
                reason=reason,
            )

    def _attempt(self, payment_id: str) -> Attempt:
        return next(a for a in self.attempts if a.payment_id == payment_id)


_OPEN = {Settlement.OPEN, Settlement.CAPTURE, Settlement.PROCESSING, Settlement.DECLINED}
_CAPTURED = {Settlement.ACCEPTED, Settlement.SURPLUS, Settlement.LATE, Settlement.MISMATCH}
