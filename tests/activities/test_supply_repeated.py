"""Every step of restocking may run twice: the supplier is asked once, and answers the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.supply import AskSupplier, CheckSupplies, IntendSupply, NoteRefusal, RequestRestock
from db.engine import connect, session_factory
from domain.ids import SUPPLY, encode_id
from domain.restocking import RestockPlace
from domain.supply import SupplyMessage, SupplyNews, SupplyOrder
from tests.activities.test_repeated import AT, SKU, Desk
from tests.house import House
from tests.workflows.supplying import requests

PLACE = RestockPlace(warehouse_id="WH-HZ", sku=SKU)


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    """A shelf that is at its reorder point."""
    engine = connect(database_url, pool_size=4)
    made = Desk(house, session_factory(engine))
    await made.change(
        "UPDATE inventory SET reorder_point = total + 5 WHERE warehouse_id = :at AND sku = :sku",
        at=PLACE.warehouse_id,
        sku=SKU,
    )
    yield made
    await engine.dispose()


async def intended(desk: Desk) -> SupplyOrder:
    intend = IntendSupply(place=PLACE, supply_id=encode_id(SUPPLY, uuid4()), at=AT)
    found = await desk.twice(desk.does.supply.intend_supply, intend)
    assert found.supply is not None
    return found.supply


async def test_what_is_missing_is_intended_asked_and_followed_up_once(
    house: House, desk: Desk
) -> None:
    supply = await intended(desk)

    ask = AskSupplier(supply=supply, at=AT)
    asked = await ActivityEnvironment().run(desk.does.supply.ask_supplier, ask)
    books = await desk.books()
    again = await ActivityEnvironment().run(desk.does.supply.ask_supplier, ask)

    assert asked.result is not None
    assert asked.result.outcome == "accepted"
    # It is answered: the supplier is not asked any more.
    assert again.result is None
    assert await desk.books() == books
    assert len(await requests(house, supply.supply_id)) == 1
    checked = await desk.twice(desk.does.supply.check_supplies, CheckSupplies(place=PLACE))
    assert checked.news == ()


async def test_a_refusal_is_noted_once(desk: Desk) -> None:
    supply = await intended(desk)
    await ActivityEnvironment().run(
        desk.does.supply.ask_supplier, AskSupplier(supply=supply, at=AT)
    )
    news = SupplyNews(supply_id=supply.supply_id, event="refused", reason="no longer made")

    await desk.twice(
        desk.does.supply.note_refusal, NoteRefusal(message=SupplyMessage(news=news), at=AT)
    )

    state = await desk.scalar("SELECT state FROM supply_orders")
    assert state == "refused"


async def test_an_order_that_misses_nothing_wakes_nobody(desk: Desk) -> None:
    await desk.until_payable()

    woken = await desk.twice(
        desk.does.supply.request_restock, RequestRestock(order_id=desk.order_id)
    )

    assert woken.places == ()
