"""What is missing is asked for once, and what arrives goes to those who waited longest."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

import composition
from activities.restocker import Restocker
from activities.supply import AskSupplier, IntendSupply, Supply
from domain.ids import SUPPLY, encode_id, restock_workflow_id
from domain.restocking import RestockPlace
from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import mishap, pay_and_reach_the_warehouse
from tests.workflows.supplying import (
    WAREHOUSE,
    call_back,
    deliver,
    our_supplies,
    requests,
    restocking_status,
    set_reorder_point,
    supplies,
    until_asked,
    until_restocked,
    until_stock,
    wait_in_line,
    watch_shelves,
)
from tests.workflows.test_stock_wait import receive, until_payable
from workflows.policies import ORDERS_QUEUE


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=0)


async def test_the_supplier_is_asked_for_what_an_order_misses_and_the_order_goes_on(
    house: House,
) -> None:
    product = await house.add_product(stock=1)
    order_id = await wait_in_line(house, product, quantity=3)

    supply = await until_asked(house, product)

    assert (supply["quantity"], supply["warehouseId"]) == (2, WAREHOUSE)
    await deliver(house, supply)
    await pay_and_reach_the_warehouse(house, await until_payable(house, order_id))
    assert await house.stock(product) == (0, 0, 0)
    (ours,) = await our_supplies(house, product)
    assert (ours.state, ours.received, ours.supplier_ref) == ("received", 2, supply["supplierRef"])
    await until_restocked(house, product)
    await house.assert_laws_hold()


async def test_shortages_of_many_orders_are_one_request(house: House, product: str) -> None:
    await asyncio.gather(*(wait_in_line(house, product, quantity=2) for _ in range(5)))

    supply = await until_asked(house, product)

    assert supply["quantity"] == 10


async def test_who_came_first_gets_the_first_delivery(house: House, product: str) -> None:
    first = await wait_in_line(house, product)
    second = await wait_in_line(house, product)
    supply = await until_asked(house, product)

    await deliver(house, supply, quantity=1)

    await until_payable(house, first)
    assert (await house.order(second))["status"] == "pending_restock"
    await deliver(house, supply)
    await until_payable(house, second)
    assert await house.stock(product) == (2, 0, 2)
    (ours,) = await our_supplies(house, product)
    assert (ours.state, ours.received) == ("received", 2)


async def test_what_a_delivery_leaves_open_for_good_is_asked_for_again(
    house: House, product: str
) -> None:
    order_id = await wait_in_line(house, product, quantity=3)

    await deliver(house, await until_asked(house, product), quantity=1, complete=True)

    second = await until_asked(house, product, count=2)
    assert second["quantity"] == 2
    await deliver(house, second)
    await until_payable(house, order_id)


async def test_an_order_that_comes_later_adds_to_what_is_promised(
    house: House, product: str
) -> None:
    await wait_in_line(house, product, quantity=2)
    await until_asked(house, product)
    await wait_in_line(house, product, quantity=3)

    second = await until_asked(house, product, count=2)

    assert second["quantity"] == 3


async def test_when_patience_is_over_the_order_ends_and_the_goods_stay_on_the_shelf(
    house: House, product: str
) -> None:
    order_id = await wait_in_line(house, product)
    supply = await until_asked(house, product)

    await house.pass_time(order_id, timedelta(days=7, minutes=1))
    await house.until(order_id, status="cancelled")
    await house.until_told(order_id, "order_cancelled")

    await deliver(house, supply)
    await until_stock(house, product, 1)
    assert await house.stock(product) == (1, 1, 0)
    assert (await house.order(order_id))["status"] == "cancelled"
    await until_restocked(house, product)


async def test_at_the_reorder_point_the_supplier_is_asked_once_for_many_orders(
    house: House,
) -> None:
    product = await house.add_product(stock=12)
    await set_reorder_point(house, product, 10)
    await asyncio.gather(*(house.place(product) for _ in range(5)))

    await asyncio.gather(*(watch_shelves(house) for _ in range(3)))
    supply = await until_asked(house, product)
    await watch_shelves(house)

    assert supply["quantity"] == 13
    assert len(await supplies(house, product)) == 1


async def test_above_the_reorder_point_nobody_is_asked(house: House) -> None:
    product = await house.add_product(stock=12)
    await set_reorder_point(house, product, 10)
    await house.place(product)

    await watch_shelves(house)

    assert await restocking_status(house, product) is None


async def test_an_order_whose_question_got_lost_answers_with_the_same_order(
    house: House, product: str
) -> None:
    """The supplier has taken it; we do not know, and ask again with the same key."""
    await mishap(house, "supplier", "supply_order", "timeout_after_commit")
    await wait_in_line(house, product)

    supply = await until_asked(house, product)

    asked = await requests(house, supply["supplyId"])
    assert [entry["verdict"] for entry in asked] == ["timeout_after_commit+committed", "replayed"]


async def test_a_worker_that_dies_before_the_answer_leaves_the_same_question_to_the_next(
    house: House, product: str
) -> None:
    await set_reorder_point(house, product, 5)
    place = RestockPlace(warehouse_id=WAREHOUSE, sku=product)
    dies, next_one = supply_desk(house), supply_desk(house)
    wanted = await dies.intend_supply(IntendSupply(place=place, supply_id=new_id(), at=now()))
    assert wanted.supply is not None
    supply_id = wanted.supply.supply_id
    await mishap(
        house, "supplier", "supply_order", "timeout_after_commit", seconds=30, ref=supply_id
    )
    asking = asyncio.create_task(dies.ask_supplier(AskSupplier(supply=wanted.supply, at=now())))

    async def taken() -> bool:
        return bool(await supplies(house, product))

    await eventually_async(taken)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    again = await next_one.intend_supply(IntendSupply(place=place, supply_id=new_id(), at=now()))
    assert again.supply == wanted.supply
    await next_one.ask_supplier(AskSupplier(supply=again.supply, at=now()))

    assert len(await supplies(house, product)) == 1
    asked = await requests(house, supply_id)
    assert [entry["verdict"] for entry in asked] == ["timeout_after_commit+committed", "replayed"]
    (ours,) = await our_supplies(house, product)
    assert (ours.state, ours.quantity) == ("accepted", 10)


def supply_desk(house: House) -> Supply:
    """What a worker of its own would do."""
    return Supply(
        house.sessions,
        composition.supplier_gateway(house.settings, house.http),
        Restocker(house.client, ORDERS_QUEUE),
    )


def new_id() -> str:
    return encode_id(SUPPLY, uuid4())


def now() -> datetime:
    return datetime.now(UTC)


async def test_goods_that_come_before_the_answer_are_booked_at_once(
    house: House, product: str
) -> None:
    """The supplier's answers are all lost, but its lorry is there."""
    await mishap(house, "supplier", "supply_order", "error_after_commit", times=8)
    order_id = await wait_in_line(house, product)

    async def taken() -> bool:
        return bool(await supplies(house, product))

    await eventually_async(taken, 30)
    await deliver(house, (await supplies(house, product))[0])

    await until_payable(house, order_id)
    (ours,) = await our_supplies(house, product)
    assert (ours.state, ours.received) == ("received", 1)
    await house.http.delete(f"{house.simulator}/_sim/scenario")


async def test_a_refusal_is_noted_and_the_supplier_asked_again_later(
    house: House, product: str
) -> None:
    await mishap(house, "supplier", "supply_order", "refuse")
    order_id = await wait_in_line(house, product)

    refused = await until_asked(house, product)
    assert refused["status"] == "refused"
    handle = house.client.get_workflow_handle(restock_workflow_id(WAREHOUSE, product))

    async def pausing() -> bool:
        view = await handle.query("restocking")
        return bool(view["waitsFor"] == "another request")

    await eventually_async(pausing)
    await house.environment.fast_forward(handle, timedelta(hours=1, minutes=1))
    second = await until_asked(house, product, count=2)
    await deliver(house, second)
    await until_payable(house, order_id)
    states = [row.state for row in await our_supplies(house, product)]
    assert states == ["refused", "received"]


async def test_a_delivery_whose_callback_got_lost_is_found_by_asking(
    house: House, product: str
) -> None:
    order_id = await wait_in_line(house, product)
    supply = await until_asked(house, product)
    await mishap(house, "supplier", "arrived", "drop_callbacks", ref=supply["supplyId"])
    await deliver(house, supply)

    handle = house.client.get_workflow_handle(restock_workflow_id(WAREHOUSE, product))
    await house.environment.fast_forward(handle, timedelta(hours=6, minutes=1))

    await until_payable(house, order_id)
    assert await house.stock(product) == (1, 0, 1)


async def test_a_delivery_that_is_told_twice_is_booked_once(house: House, product: str) -> None:
    order_id = await wait_in_line(house, product)
    supply = await until_asked(house, product)
    await mishap(
        house, "supplier", "arrived", "duplicate_callbacks", count=3, ref=supply["supplyId"]
    )
    told = await deliver(house, supply)
    note = told["deliveries"][0]["deliveryId"]

    # And by an event of another number, about the same delivery note.
    again = await call_back(house, supplyId=supply["supplyId"], deliveryId=note, quantity=1)

    assert again.status_code == 200
    await until_payable(house, order_id)
    await until_restocked(house, product)
    assert await house.stock(product) == (1, 0, 1)

    async def all_applied() -> bool:
        left = await house.rows(
            "SELECT 1 FROM callback_inbox WHERE subject = :id AND applied_at IS NULL",
            id=supply["supplyId"],
        )
        return not left

    await eventually_async(all_applied)


async def test_a_delivery_that_was_booked_by_hand_is_not_booked_again(
    house: House, product: str
) -> None:
    order_id = await wait_in_line(house, product)
    supply = await until_asked(house, product)
    receipt = f"{supply['supplyId']}/DN-1"
    await receive(house, product, 1, receipt)

    await call_back(house, supplyId=supply["supplyId"], deliveryId="DN-1", quantity=1)

    await until_payable(house, order_id)
    await until_restocked(house, product)
    assert await house.stock(product) == (1, 0, 1)
    (ours,) = await our_supplies(house, product)
    assert (ours.state, ours.received) == ("received", 1)
    await house.assert_laws_hold()


async def test_a_forged_delivery_is_refused_and_not_stored(house: House, product: str) -> None:
    await wait_in_line(house, product)
    supply_id = (await until_asked(house, product))["supplyId"]

    forged = await call_back(
        house, secret="guessed", supplyId=supply_id, deliveryId="DN-1", quantity=1
    )

    assert forged.status_code == 401
    assert not await house.rows("SELECT 1 FROM callback_inbox WHERE subject = :id", id=supply_id)
    assert await house.stock(product) == (0, 0, 0)


async def test_the_warehouse_s_secret_does_not_sign_for_the_supplier(house: House) -> None:
    secret = house.settings.shipping_callback_secret
    assert secret is not None

    answer = await call_back(
        house,
        secret=secret.get_secret_value(),
        supplyId="U1",
        deliveryId="DN-1",
        quantity=1,
    )

    assert answer.status_code == 401


async def test_a_delivery_of_an_unknown_supply_order_is_kept_and_changes_nothing(
    house: House,
) -> None:
    supply_id = f"U{uuid4().hex[:20].upper()}"

    answer = await call_back(house, supplyId=supply_id, deliveryId="DN-1", quantity=1)

    assert answer.status_code == 200
    (kept,) = await house.rows(
        "SELECT source, applied_at FROM callback_inbox WHERE subject = :id", id=supply_id
    )
    assert (kept.source, kept.applied_at) == ("supplier", None)
    async with house.sessions.begin() as session:
        await session.execute(
            text("DELETE FROM callback_inbox WHERE subject = :id"), {"id": supply_id}
        )


@pytest.mark.parametrize("lacks", ["supplyId", "deliveryId", "quantity"])
async def test_a_delivery_that_lacks_something_is_refused(house: House, lacks: str) -> None:
    body: Json = {"supplyId": "U1", "deliveryId": "DN-1", "quantity": 1}
    del body[lacks]

    answer = await call_back(house, **body)

    assert answer.status_code == 401
    assert lacks in answer.text


async def test_a_restock_that_was_terminated_begins_again(house: House, product: str) -> None:
    """Everything that it knew is in the books."""
    order_id = await wait_in_line(house, product)
    supply = await until_asked(house, product)
    handle = house.client.get_workflow_handle(restock_workflow_id(WAREHOUSE, product))
    await handle.terminate("by mistake")

    await deliver(house, supply)

    await until_payable(house, order_id)
    assert len(await supplies(house, product)) == 1
