"""After-sales on our own books; every method may run twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities import replacements, return_receipts, return_requests
from activities.return_commands import (
    AfterSalesOpened,
    ConfirmReplacement,
    DecideReturn,
    OpenAfterSales,
    PlaceReplacement,
    ReceiveReturn,
    RequestReturn,
    ReturnRefused,
    ReturnResult,
    ReturnTaken,
    SettleReturn,
)
from activities.return_standing import Standing, look_at
from db import after_sales
from db.engine import Sessions
from domain.ids import RETURN, derived_id
from domain.order import Order
from domain.returns import ReturnCase, ReturnKind, ReturnNotPossible, ReturnRules


class AfterSales:
    """Takes returns, decides on them by rule, and books what comes back."""

    def __init__(self, sessions: Sessions, rules: ReturnRules) -> None:
        self._sessions = sessions
        self._rules = rules

    @activity.defn
    async def open_after_sales(self, command: OpenAfterSales) -> AfterSalesOpened:
        """Open what nobody has to ask for, and tell all returns that have not ended."""
        async with self._sessions.begin() as session:
            standing = await look_at(session, command.order_id, self._rules)
            await return_requests.open_brought_back(session, standing, self._rules, command.at)
            if command.wanted_back and standing.closes is not None:
                await self._open_wanted_back(session, standing, command)
            cases = await after_sales.returns_of(session, command.order_id)
        return AfterSalesOpened(
            order_number=standing.order.order_number,
            window_ends=standing.closes,
            cases=tuple(case for case in cases if not case.ended),
        )

    @activity.defn
    async def request_return(self, command: RequestReturn) -> ReturnResult:
        """Store a return and decide on it by rule, or say why it cannot be."""
        return await self._change(
            lambda session: return_requests.open_return(session, command, self._rules)
        )

    @activity.defn
    async def decide_return(self, command: DecideReturn) -> ReturnResult:
        """An operator's word."""
        return await self._change(
            lambda session: return_requests.decide(session, command, self._rules)
        )

    @activity.defn
    async def receive_return(self, command: ReceiveReturn) -> ReturnResult:
        """Book the goods, and tell whom they are enough for."""
        try:
            async with self._sessions.begin() as session:
                case, waiting = await return_receipts.receive(session, command)
        except ReturnNotPossible as error:
            return _refused(error)
        return ReturnResult(result=ReturnTaken(case=case, waiting_orders=tuple(waiting)))

    @activity.defn
    async def settle_return(self, command: SettleReturn) -> ReturnResult:
        """The return's end, and what an exchange has not brought."""
        try:
            async with self._sessions.begin() as session:
                case = await return_requests.settle(session, command)
                lacking = await replacements.lacking(session, case)
        except ReturnNotPossible as error:
            return _refused(error)
        return ReturnResult(result=ReturnTaken(case=case, lacking=lacking))

    @activity.defn
    async def place_replacement(self, command: PlaceReplacement) -> Order:
        """Store the order that an exchange sends."""
        async with self._sessions.begin() as session:
            return await replacements.place(session, command)

    @activity.defn
    async def confirm_replacement(self, command: ConfirmReplacement) -> None:
        """Commit its stock: there is nothing to be paid."""
        async with self._sessions.begin() as session:
            await replacements.confirm(session, command)

    async def _open_wanted_back(
        self, session: AsyncSession, standing: Standing, command: OpenAfterSales
    ) -> None:
        """The customer cancelled on the way, and the parcel came to the door all the same."""
        lines = {line.line_no: line.left for line in standing.lines if line.left}
        if lines:
            request = RequestReturn(
                return_id=derived_id(RETURN, command.order_id, "wanted_back"),
                order_id=command.order_id,
                kind=ReturnKind.REFUND,
                lines=lines,
                reason=command.wanted_back,
                at=command.at,
            )
            # Refused before anything is written: its money may have gone back meanwhile.
            with suppress(ReturnNotPossible):
                await return_requests.open_return(session, request, self._rules)

    async def _change(
        self, change: Callable[[AsyncSession], Awaitable[ReturnCase]]
    ) -> ReturnResult:
        try:
            async with self._sessions.begin() as session:
                case = await change(session)
        except ReturnNotPossible as error:
            return _refused(error)
        return ReturnResult(result=ReturnTaken(case=case))


def _refused(error: ReturnNotPossible) -> ReturnResult:
    return ReturnResult(result=ReturnRefused(code=error.code, reason=error.reason))
