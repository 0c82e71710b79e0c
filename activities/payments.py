"""Payments: intended in our books, made known to their provider, and settled as it says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from temporalio import activity

from activities.failures import not_yet
from activities.payment_gateways import PaymentGateways
from activities.provider_talk import PaymentReady, PaymentRefused, ProviderTalk, ready
from activities.settling import Settled, settle
from db import callbacks, orders, payments
from db.engine import Sessions, single_statements
from domain.money import Money
from domain.order import GatewayName, Value
from domain.payment import CallbackTopic, DisputeNews
from domain.settlement import Settlement


class IntendPayment(Value):
    """Note that the customer is about to be asked for the order's total through `gateway`."""

    payment_id: str
    order_id: str
    attempt: int
    gateway: GatewayName
    idempotency_key: str
    expires_at: datetime
    at: datetime


class CreatePayment(Value):
    """Make an intended payment known to its provider."""

    payment_id: str
    at: datetime


CreationOutcome = Annotated[PaymentReady | PaymentRefused, Field(discriminator="outcome")]


class CreationResult(Value):
    """What came of creating a payment."""

    result: CreationOutcome


class SettlePayment(Value):
    """Ask the provider, decide, and record; `close` stops the payment first.

    `refund_refs`, and the refunds that the callbacks name, are asked for as well. `unattended` says
    that no workflow waits for the payment: money that has not paid for the order yet never will.
    """

    payment_id: str
    at: datetime
    callback_ids: tuple[int, ...] = ()
    refund_refs: tuple[str, ...] = ()
    close: bool = False
    unattended: bool = False
    rehold_until: datetime | None = None


class AwaitPayment(Value):
    """Ask again while the answer is one of `waiting`, after each of `delays`; the last repeats."""

    payment_id: str
    at: datetime
    delays: tuple[timedelta, ...]
    waiting: tuple[Settlement, ...] = (Settlement.OPEN, Settlement.PROCESSING)


class Payments:
    """Talks to providers and keeps our books; provider calls carry the intent's key."""

    def __init__(self, sessions: Sessions, gateways: PaymentGateways) -> None:
        self._sessions = sessions
        self._providers = ProviderTalk(sessions, gateways)

    @activity.defn
    async def intend_payment(self, command: IntendPayment) -> None:
        """Store what is about to be asked, with its key, before anybody is asked."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            await payments.intend_payment(
                session,
                payment_id=command.payment_id,
                order_id=command.order_id,
                attempt=command.attempt,
                gateway=command.gateway,
                amount=Money(minor=order.total_minor, currency=order.currency),
                idempotency_key=command.idempotency_key,
                expires_at=command.expires_at,
                at=command.at,
            )

    @activity.defn
    async def create_payment(self, command: CreatePayment) -> CreationResult:
        """Make a payment known to its provider; running it again gives the same payment."""
        async with single_statements(self._sessions) as session:
            payment = await session.get_one(payments.Payment, command.payment_id)
        if payment.provider_ref:
            return CreationResult(result=ready(payment))
        return CreationResult(result=await self._providers.create(payment, command.at))

    @activity.defn
    async def settle_payment(self, command: SettlePayment) -> Settled:
        """Ask the provider what is true, and put it in the books in one transaction."""
        async with single_statements(self._sessions) as session:
            payment = await session.get_one(payments.Payment, command.payment_id)
            news = await callbacks.callbacks_by_id(session, command.callback_ids)
        view = await self._providers.view(payment, command.at, close=command.close)
        references = (*command.refund_refs, *_refunds_in(news))
        refunds = await self._providers.refunds(payment, references, view)
        async with self._sessions.begin() as session:
            settled = await settle(
                session,
                view,
                command.at,
                command.rehold_until,
                refunds=refunds,
                unattended=command.unattended,
                disputes=_disputes_in(news),
            )
            await callbacks.mark_applied(session, command.callback_ids, command.at)
            return settled

    @activity.defn
    async def await_payment(self, command: AwaitPayment) -> Settled:
        """Settle again and again, by being retried, until there is news; no history grows."""
        attempt = activity.info().attempt
        delay = command.delays[min(attempt, len(command.delays)) - 1]
        settled = await self.settle_payment(
            SettlePayment(payment_id=command.payment_id, at=command.at)
        )
        if settled.settlement in command.waiting:
            raise not_yet(f"the payment is {settled.settlement}", delay)
        return settled


def _disputes_in(news: Sequence[callbacks.Callback]) -> tuple[DisputeNews, ...]:
    """What callbacks say of disputes; older ones only say that there is one."""
    return tuple(
        DisputeNews(one.content.get("dispute") or DisputeNews.OPENED)
        for one in news
        if one.content.get("topic") == CallbackTopic.DISPUTE
    )


def _refunds_in(news: Sequence[callbacks.Callback]) -> list[str]:
    """The refunds that callbacks are about, as the provider names them."""
    named = (str(one.content.get("refund_ref", "")) for one in news)
    return [reference for reference in named if reference]
