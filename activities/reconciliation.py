"""Compares our books with the providers' and has what differs looked at again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.payment_gateways import GatewayOff, PaymentGateways, gateway_of
from db import reconciliation, refunds
from db.engine import Sessions, single_statements
from db.payments import AttemptState, Payment
from db.refunds import Refund, RefundRowState, is_taken, is_unlisted
from domain.errors import RateLimited
from domain.money import Money
from domain.order import Value
from domain.payment import PaymentView, RefundState, RefundView
from domain.reconciliation import (
    REPAIRABLE,
    BookedPayment,
    BookedRefund,
    Finding,
    FindingKind,
    compare_payment,
    compare_refund,
)
from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown

# Providers are asked about this many payments at once.
_AT_ONCE = 6

# A payment that is still open this long after its time has been forgotten by somebody.
_OVERDUE = timedelta(minutes=15)

_CLOSED = {AttemptState.CLOSED, AttemptState.REJECTED}
_NOT_ASKED = {RefundRowState.INTENDED, RefundRowState.FAILED}


class StuckRefund(Value):
    """A refund that its provider was never asked for, as the workflow that makes it takes it."""

    refund_id: str
    order_id: str
    amount: Money
    reason: str


class Nudge(Protocol):
    """Has a payment, and some of its refunds, looked at again by whoever owns it."""

    async def look_again(self, order_id: str, payment_id: str, refund_refs: tuple[str, ...]) -> str:
        """Say who was asked, for people; the same request twice is harmless."""

    async def make_refund(self, refund: StuckRefund) -> str:
        """Have a refund made that was claimed and never asked for; twice is harmless."""


class ReconcilePage(Value):
    """The next payments of a run: changed since `since`, made before `before`, ids after `after`.

    With `repair` unset, differences are only reported.
    """

    run_id: str
    since: datetime
    before: datetime
    after: str = ""
    limit: int = 100
    repair: bool = True
    at: datetime


class PageReconciled(Value):
    """What one page brought; `last` is empty when there is no further one.

    `moving` payments changed while they were looked at and will be compared next time.
    """

    checked: int
    moving: int
    findings: tuple[Finding, ...]
    last: str


class Reconciliation:
    """Asks providers about what our books hold; reads only, and asks others to repair."""

    def __init__(
        self,
        sessions: Sessions,
        gateways: PaymentGateways,
        nudge: Nudge,
    ) -> None:
        self._sessions = sessions
        self._gateways = gateways
        self._nudge = nudge

    @activity.defn
    async def reconcile_page(self, command: ReconcilePage) -> PageReconciled:
        """Compare one page; running it again stores the same findings once."""
        async with single_statements(self._sessions) as session:
            page = await reconciliation.due_for_reconciliation(
                session,
                since=command.since,
                before=command.before,
                after_id=command.after,
                limit=command.limit,
            )
        slots = asyncio.Semaphore(_AT_ONCE)

        async def look(payment: Payment) -> list[Finding] | None:
            async with slots:
                activity.heartbeat(payment.id)
                return await self._compare(payment, command)

        looked = await asyncio.gather(*(look(payment) for payment in page))
        findings = [finding for found in looked if found for finding in found]
        if command.repair:
            findings = await self._repaired(findings)
        async with self._sessions.begin() as session:
            await reconciliation.record_findings(session, command.run_id, findings, command.at)
        for finding in findings:
            activity.metric_meter().with_additional_attributes(
                {"kind": finding.kind, "repaired": bool(finding.repair)}
            ).create_counter(
                "orderflow_reconciliation_findings", "Differences between our books and providers'"
            ).add(1)
        return PageReconciled(
            checked=len(page),
            moving=sum(found is None for found in looked),
            findings=tuple(findings),
            last=page[-1].id if len(page) == command.limit else "",
        )

    async def _compare(self, payment: Payment, command: ReconcilePage) -> list[Finding] | None:
        """The differences; nothing if the payment changed while its provider was asked."""
        async with single_statements(self._sessions) as session:
            known = await refunds.refunds_of_payment(session, payment.id)
        booked = _booked(payment, known, command.at)
        try:
            view = await self._ask(payment)
            findings = _compare_view(booked, payment, view)
            for refund in filter(_can_be_asked, known):
                told = await self._ask_refund(payment, refund)
                findings += filter(None, [compare_refund(booked, _booked_refund(refund), told)])
        except _UNREACHABLE as error:
            return [_unreachable(booked, error)]
        return _explained(findings) if await self._is_still(payment) else None

    async def _ask(self, payment: Payment) -> PaymentView | None:
        """What the provider says; nothing if it does not know the payment."""
        if not payment.provider_ref:
            return None
        try:
            return await gateway_of(self._gateways, payment.gateway).query(payment.ref)
        except NotFound:
            return None

    async def _ask_refund(self, payment: Payment, refund: Refund) -> RefundView | None:
        number = refund.id if refund.made_by == "shop" else ""
        try:
            return await gateway_of(self._gateways, payment.gateway).query_refund(
                payment.ref, refund_id=number, refund_ref=refund.provider_ref
            )
        except NotFound:
            return None

    async def _is_still(self, payment: Payment) -> bool:
        async with single_statements(self._sessions) as session:
            now = await session.get_one(Payment, payment.id)
        return (now.state, now.updated_at, now.claimed_minor) == (
            payment.state,
            payment.updated_at,
            payment.claimed_minor,
        )

    async def _repaired(self, findings: list[Finding]) -> list[Finding]:
        """The same findings, with what was done about those that can be repaired."""
        repairs: dict[str, str] = {}
        for finding in findings:
            if finding.kind is FindingKind.STUCK and finding.refund_id:
                repairs[finding.payment_id] = await self._nudge.make_refund(
                    await self._stuck_refund(finding.refund_id)
                )
        for finding in findings:
            if finding.kind in REPAIRABLE and finding.payment_id not in repairs:
                named = tuple(
                    other.refund_id
                    for other in findings
                    if other.payment_id == finding.payment_id and other.refund_id
                )
                repairs[finding.payment_id] = await self._nudge.look_again(
                    finding.order_id, finding.payment_id, await self._references(named)
                )
        return [
            finding.model_copy(update={"repair": repairs.get(finding.payment_id, "")})
            if finding.kind in REPAIRABLE
            else finding
            for finding in findings
        ]

    async def _stuck_refund(self, refund_id: str) -> StuckRefund:
        async with single_statements(self._sessions) as session:
            refund = await session.get_one(Refund, refund_id)
        return StuckRefund(
            refund_id=refund.id,
            order_id=refund.order_id,
            amount=refund.amount,
            reason=refund.reason,
        )

    async def _references(self, refund_ids: tuple[str, ...]) -> tuple[str, ...]:
        """What the provider calls these refunds, our own number if it never told."""
        async with single_statements(self._sessions) as session:
            found = [await session.get_one(Refund, refund_id) for refund_id in refund_ids]
        return tuple(refund.provider_ref or refund.id for refund in found)


_UNREACHABLE = (
    OutcomeUnknown,
    GatewayAuthError,
    GatewayOff,
    GatewayRejected,
    RateLimited,
    ConnectionError,
)


def _compare_view(
    booked: BookedPayment, payment: Payment, view: PaymentView | None
) -> list[Finding]:
    if view is not None:
        return compare_payment(booked, view)
    kind: FindingKind | None = None
    if booked.paid:
        kind, detail = FindingKind.MISSING_PAYMENT, f"{payment.gateway} does not know it"
    elif booked.overdue and not booked.closed:
        kind, detail = (
            FindingKind.STUCK,
            f"{payment.gateway} does not know it, our books do",
        )
    if kind is None:
        return []
    return [
        Finding(order_id=booked.order_id, payment_id=booked.payment_id, kind=kind, detail=detail)
    ]


def _can_be_asked(refund: Refund) -> bool:
    """Whether its provider has anything new to say of it, and we know how to name it."""
    return refund.state != RefundRowState.FAILED and not is_unlisted(refund)


def _explained(findings: list[Finding]) -> list[Finding]:
    """Without a sum that is too small because of a refund which is among the findings itself."""
    if not any(finding.refund_id for finding in findings):
        return findings
    return [
        finding
        for finding in findings
        if finding.refund_id or finding.kind is not FindingKind.MISSING_REFUND
    ]


def _unreachable(booked: BookedPayment, error: Exception) -> Finding:
    return Finding(
        order_id=booked.order_id,
        payment_id=booked.payment_id,
        kind=FindingKind.UNREACHABLE,
        detail=f"{type(error).__name__}: {error}",
    )


def _booked(payment: Payment, known: Sequence[Refund], at: datetime) -> BookedPayment:
    taken = sum(refund.amount_minor for refund in known if is_taken(refund))
    return BookedPayment(
        order_id=payment.order_id,
        payment_id=payment.id,
        paid=payment.state == AttemptState.PAID,
        closed=payment.state in _CLOSED,
        captured=Money(minor=payment.captured_minor, currency=payment.currency),
        claimed=Money(minor=payment.claimed_minor, currency=payment.currency),
        refunded=Money(minor=payment.refunded_minor, currency=payment.currency),
        taken=Money(minor=taken, currency=payment.currency),
        disputed=payment.disputed,
        mismatch=bool(payment.mismatch),
        overdue=payment.expires_at + _OVERDUE < at,
    )


def _booked_refund(refund: Refund) -> BookedRefund:
    asked = refund.state not in _NOT_ASKED
    return BookedRefund(
        refund_id=refund.id,
        amount=refund.amount,
        state=RefundState(refund.state) if asked else RefundState.PENDING,
        made=asked,
    )
