"""Restocking: find out what is missing, ask the supplier, take in what it says."""

from __future__ import annotations

from datetime import datetime

from temporalio import activity

from activities.restocker import Restocker
from db import callbacks, inventory, restock, supply
from db.engine import Sessions, single_statements
from db.supply import SupplyState
from domain.errors import PermanentError
from domain.order import Value
from domain.restocking import RestockPlace, quantity_to_ask
from domain.supply import SupplyMessage, SupplyNews, SupplyOrder, SupplyOutcome
from gateways.supplier import SupplierGateway


class RequestRestock(Value):
    """Have what an order misses asked for."""

    order_id: str


class RestockRequested(Value):
    """The places where it will be asked for."""

    places: tuple[RestockPlace, ...]


class IntendSupply(Value):
    """Ask for what a place is short of by now; the new supply order would be `supply_id`."""

    place: RestockPlace
    supply_id: str
    at: datetime


class SupplyIntended(Value):
    """What to ask the supplier for, if anything, and how many supply orders are promised."""

    supply: SupplyOrder | None = None
    promised: int = 0


class AskSupplier(Value):
    """Send one supply order that is stored."""

    supply: SupplyOrder
    at: datetime


class SupplierAsked(Value):
    """What the supplier said; nothing if the goods had come before it could answer."""

    result: SupplyOutcome | None = None


class CheckSupplies(Value):
    """Ask the supplier what has come of all that it has promised for a place."""

    place: RestockPlace


class SuppliesChecked(Value):
    """Everything that the supplier has to say, also what is booked already."""

    news: tuple[SupplyNews, ...]


class NoteRefusal(Value):
    """The supplier will not deliver (the rest of) a supply order after all."""

    message: SupplyMessage
    at: datetime


class SupplierOff(PermanentError):
    """No supplier is configured."""


class Supply:
    """Between our shelves and the supplier; every method may run twice."""

    def __init__(
        self, sessions: Sessions, supplier: SupplierGateway | None, restocker: Restocker
    ) -> None:
        """Without a `supplier`, goods come by a receipt alone and nobody is asked."""
        self._sessions = sessions
        self._supplier = supplier
        self._restocker = restocker

    @activity.defn
    async def request_restock(self, command: RequestRestock) -> RestockRequested:
        """Tell the workflow of each place where goods are to be asked for this order."""
        async with self._sessions.begin() as session:
            await restock.place_requests(session, command.order_id)
            places = await restock.places_of(session, command.order_id)
        return await self._wake(places)

    @activity.defn
    async def find_empty_shelves(self) -> RestockRequested:
        """Wake the workflow of each place that is at its reorder point or short for orders."""
        async with self._sessions.begin() as session:
            await restock.place_requests(session)
            places = await supply.places_in_need(session)
        return await self._wake(places)

    async def _wake(self, places: list[RestockPlace]) -> RestockRequested:
        if self._supplier is None:
            return RestockRequested(places=())
        for place in places:
            await self._restocker.look_again(place)
        return RestockRequested(places=tuple(places))

    @activity.defn
    async def intend_supply(self, command: IntendSupply) -> SupplyIntended:
        """Store what to ask for; one that the supplier has not answered yet comes first."""
        if self._supplier is None:
            return SupplyIntended()
        place = command.place
        async with self._sessions.begin() as session:
            # Two warehouses must not both ask for what is missing once.
            await inventory.lock_stock(session, [place.sku])
            wanted = await supply.intended(session, place)
            promised = len(await supply.accepted(session, place))
            if wanted is None:
                positions = await supply.positions(session, place.sku)
                quantity = quantity_to_ask(place.warehouse_id, positions)
                if quantity:
                    wanted = SupplyOrder(
                        supply_id=command.supply_id,
                        warehouse_id=place.warehouse_id,
                        sku=place.sku,
                        quantity=quantity,
                    )
                    await supply.intend(session, wanted, command.at)
        return SupplyIntended(supply=wanted, promised=promised)

    @activity.defn
    async def ask_supplier(self, command: AskSupplier) -> SupplierAsked:
        """Send a stored supply order; its id is the key of every attempt."""
        supplier = self._configured()
        supply_id = command.supply.supply_id
        async with single_statements(self._sessions) as session:
            if not await supply.is_in(session, supply_id, SupplyState.INTENDED):
                return SupplierAsked()
        outcome = await supplier.order(command.supply)
        async with self._sessions.begin() as session:
            if outcome.outcome == "refused":
                reason = f"{outcome.code}: {outcome.message}"
                await supply.note_answer(
                    session, supply_id, SupplyState.REFUSED, command.at, reason=reason
                )
            else:
                await supply.note_answer(
                    session,
                    supply_id,
                    SupplyState.ACCEPTED,
                    command.at,
                    supplier_ref=outcome.supplier_ref,
                    expected_at=outcome.expected_at,
                )
        return SupplierAsked(result=outcome)

    @activity.defn
    async def check_supplies(self, command: CheckSupplies) -> SuppliesChecked:
        """Ask what became of what was promised: a callback may have been lost."""
        supplier = self._configured()
        async with single_statements(self._sessions) as session:
            promised = await supply.accepted(session, command.place)
        told = [await supplier.news(order.supply_id) for order in promised]
        return SuppliesChecked(news=tuple(news for each in told for news in each))

    @activity.defn
    async def note_refusal(self, command: NoteRefusal) -> None:
        """Expect no more of a supply order."""
        news = command.message.news
        async with self._sessions.begin() as session:
            await supply.note_refusal(session, news.supply_id, news.reason, command.at)
            await callbacks.mark_applied(session, [command.message.callback_id], command.at)

    def _configured(self) -> SupplierGateway:
        if self._supplier is None:
            raise SupplierOff("SUPPLIER_BASE_URL is not set")
        return self._supplier
