"""Restocks one SKU in one warehouse: gathers shortages, asks the supplier, takes the goods in."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies
from workflows.booking_in import book_in

with workflow.unsafe.imports_passed_through():
    from activities.inventory import ReceiveStock
    from activities.supply import (
        AskSupplier,
        CheckSupplies,
        IntendSupply,
        NoteRefusal,
        Supply,
        SupplyIntended,
    )
    from domain.ids import SUPPLY, encode_id
    from domain.order import Value
    from domain.restocking import RestockPlace
    from domain.supply import SupplyMessage, SupplyNews, SupplyOrder, receipt_of


class Restock(RestockPlace):
    """What a `RestockWorkflow` starts with; after `refusals` in a row it pauses first."""

    refusals: int = 0


class RestockView(Value):
    """The `restocking` query: what it waits for, and how often the supplier has refused."""

    waits_for: str
    until: datetime | None = None
    refusals: int = 0


@workflow.defn
class RestockWorkflow:
    """Runs while something is missing or promised; a signal starts it again.

    What is missing, asked for and promised is in the database, so nothing is lost with a run.
    """

    @workflow.init
    def __init__(self, start: Restock) -> None:
        self._place = RestockPlace(warehouse_id=start.warehouse_id, sku=start.sku)
        self._refusals = start.refusals
        self._needed = False
        self._news: deque[SupplyMessage] = deque()
        self._pause_ends: datetime | None = None
        self._view = RestockView(waits_for="")

    @workflow.run
    async def run(self, start: Restock) -> None:
        """Ask for what is missing until nothing is, and nothing is on its way any more."""
        if start.refusals:
            self._pause()
        while True:
            await self._take_in()
            intended = await self._gather_and_intend()
            if intended.supply is not None:
                await self._ask(intended.supply)
            elif not intended.promised and not self._pausing() and not self._has_work():
                break
            await self._wait()
            if self._may_start_afresh():
                workflow.continue_as_new(start.model_copy(update={"refusals": self._refusals}))
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _gather_and_intend(self) -> SupplyIntended:
        """What to ask for now; shortages that come at about the same time are asked together."""
        if self._pausing():
            return SupplyIntended()
        if self._needed:
            self._show("more shortages", workflow.now() + policies.RESTOCK_GATHERING)
            await workflow.sleep(
                policies.RESTOCK_GATHERING, summary="Shortages are gathered before one request"
            )
        self._needed = False
        return await workflow.execute_local_activity_method(
            Supply.intend_supply,
            IntendSupply(
                place=self._place,
                supply_id=encode_id(SUPPLY, workflow.uuid4()),
                at=workflow.now(),
            ),
            summary="Find out what is missing",
            **policies.BOOKS,
        )

    async def _ask(self, supply: SupplyOrder) -> None:
        """Ask until there is an answer; goods that come meanwhile are not kept waiting for it."""
        self._show(f"the supplier's answer about {supply.quantity}")
        asking = asyncio.create_task(self._ask_supplier(supply))
        while not asking.done():
            await workflow.wait_condition(lambda: asking.done() or bool(self._news))
            await self._take_in()
        await asking

    async def _ask_supplier(self, supply: SupplyOrder) -> None:
        try:
            asked = await workflow.execute_activity_method(
                Supply.ask_supplier,
                AskSupplier(supply=supply, at=workflow.now()),
                summary=f"Ask the supplier for {supply.quantity} of {supply.sku}",
                **policies.SUPPLIER,
            )
        except ActivityError as error:
            self._refuse(supply.supply_id, str(error.cause))
            return
        if asked.result is not None and asked.result.outcome == "refused":
            self._refuse(supply.supply_id, asked.result.code)
        else:
            self._refusals, self._pause_ends = 0, None

    def _refuse(self, supply_id: str, cause: str) -> None:
        workflow.logger.error("supply_refused", extra={"supply_id": supply_id, "cause": cause})
        self._refusals += 1
        self._pause()

    def _pause(self) -> None:
        self._pause_ends = workflow.now() + policies.restock_pause(self._refusals)

    async def _wait(self) -> None:
        """Until there is news, or something more is missing; the supplier is asked after a time."""
        until = self._pause_ends if self._pausing() else None
        until = until or workflow.now() + policies.SUPPLY_CHECK
        self._show("another request" if self._pausing() else "the supplier's delivery", until)
        try:
            await workflow.wait_condition(
                self._has_work,
                timeout=max(until - workflow.now(), timedelta()),
                timeout_summary="Look after the supply orders",
            )
        except TimeoutError:
            await self._check()

    async def _check(self) -> None:
        try:
            checked = await workflow.execute_activity_method(
                Supply.check_supplies,
                CheckSupplies(place=self._place),
                summary="Ask the supplier what has come of its promises",
                **policies.SUPPLIER,
            )
        except ActivityError as error:
            workflow.logger.error("supplies_not_checked", extra={"cause": str(error.cause)})
            return
        self._news.extend(SupplyMessage(news=news) for news in checked.news)

    async def _take_in(self) -> None:
        """Book what the supplier has brought; one message that cannot be used stops no other."""
        while self._news:
            message = self._news.popleft()
            try:
                await self._apply(message)
            except ActivityError as error:
                workflow.logger.error(
                    "supply_news_not_applied",
                    extra={"supply_id": message.news.supply_id, "cause": str(error.cause)},
                )

    async def _apply(self, message: SupplyMessage) -> None:
        news = message.news
        if news.event == "refused":
            await workflow.execute_local_activity_method(
                Supply.note_refusal,
                NoteRefusal(message=message, at=workflow.now()),
                summary=f"Expect no more of {news.supply_id}",
                **policies.BOOKS,
            )
            self._refuse(news.supply_id, news.reason)
            return
        await book_in(self._receipt(news, message.callback_id))

    def _receipt(self, news: SupplyNews, callback_id: int) -> ReceiveStock:
        return ReceiveStock(
            receipt_id=receipt_of(news),
            warehouse_id=self._place.warehouse_id,
            sku=self._place.sku,
            quantity=news.quantity,
            at=workflow.now(),
            supply_id=news.supply_id,
            complete=news.complete,
            callback_id=callback_id,
        )

    def _pausing(self) -> bool:
        return self._pause_ends is not None and workflow.now() < self._pause_ends

    def _has_work(self) -> bool:
        return bool(self._news) or (self._needed and not self._pausing())

    def _may_start_afresh(self) -> bool:
        return not self._news and workflow.info().is_continue_as_new_suggested()

    def _show(self, waits_for: str, until: datetime | None = None) -> None:
        self._view = RestockView(waits_for=waits_for, until=until, refusals=self._refusals)
        workflow.set_current_details(f"Waits for {waits_for}")

    @workflow.signal(description="Something may be missing here")
    def restock_needed(self) -> None:
        """Look again what to ask for."""
        self._needed = True

    @workflow.signal(description="The supplier has brought goods, or will not")
    def supply_news(self, message: SupplyMessage) -> None:
        """Take it in."""
        self._news.append(message)

    @workflow.query(description="What it waits for, and how often the supplier has refused")
    def restocking(self) -> RestockView:
        """What happens now."""
        return self._view
