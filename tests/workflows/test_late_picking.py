"""Parcels that do not leave in time: people get a task, customers are told, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from activities.shipments import RecordShipment, Shipments
from domain.fulfillment import ShippingNews
from tests.house import House, Json
from tests.workflows.journey import (
    cancel,
    kinds,
    mails,
    pay_and_reach_the_warehouse,
    until_mailed,
)
from workflows.picking_watch import PickingWatchWorkflow
from workflows.policies import ORDERS_QUEUE


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def reach_the_warehouse(house: House, product: str) -> str:
    placed = await house.place(product)
    await pay_and_reach_the_warehouse(house, placed)
    return str(placed["orderId"])


async def make_late(house: House, order_id: str) -> None:
    """The warehouse's own estimate passes, and nothing leaves."""
    await house.rows_changed(
        "UPDATE picking_lists SET estimated_ship_at = now() - interval '1 hour'"
        " WHERE order_id = :id",
        id=order_id,
    )


async def watch(house: House, order_id: str) -> list[str]:
    """Have the schedule's workflow look around; the order's lists that it found."""
    found = await house.client.execute_workflow(
        PickingWatchWorkflow.run, id=f"picking-watch-{uuid4().hex}", task_queue=ORDERS_QUEUE
    )
    return [late.picking_list_id for late in found.lists if late.order_id == order_id]


async def late_tasks(house: House, order_id: str) -> list[Json]:
    tasks: list[Json] = (await house.order(order_id))["tasks"]
    return [task for task in tasks if task["kind"] == "picking_late"]


async def test_a_list_in_time_is_left_alone(house: House, product: str) -> None:
    order_id = await reach_the_warehouse(house, product)

    assert await watch(house, order_id) == []
    assert await late_tasks(house, order_id) == []


async def test_a_late_list_is_a_task_and_told_to_the_customer_once(
    house: House, product: str
) -> None:
    order_id = await reach_the_warehouse(house, product)
    await make_late(house, order_id)

    (list_id,) = await watch(house, order_id)
    assert await watch(house, order_id) == []

    (task,) = await late_tasks(house, order_id)
    assert (task["state"], task["urgent"]) == ("open", True)
    assert list_id in task["task"]
    assert "WH-HZ" in task["task"]
    await until_mailed(house, order_id, "shipping_delayed")
    assert (await mails(house, order_id))["shipping_delayed"] == 1
    order = await house.order(order_id)
    assert kinds(order).count("picking_late") == 1
    lists = await house.call("GET", f"/orders/{order_id}/picking-lists")
    assert [one["late"] for one in lists.json()["pickingLists"]] == [True]


async def test_the_task_solves_itself_when_the_parcel_leaves(house: House, product: str) -> None:
    order_id = await reach_the_warehouse(house, product)
    await make_late(house, order_id)
    await watch(house, order_id)

    await house.ship(order_id)

    await house.until(order_id, status="shipped")
    assert [task["state"] for task in await late_tasks(house, order_id)] == ["obsolete"]
    assert await watch(house, order_id) == []


async def test_a_parcel_that_left_in_time_and_is_booked_late_solves_its_task(
    house: House, product: str
) -> None:
    order_id = await reach_the_warehouse(house, product)
    await make_late(house, order_id)
    await watch(house, order_id)

    # As when the database was away: the step is repeated as of the time when it was begun.
    news = ShippingNews(
        event_id=uuid4().hex,
        order_id=order_id,
        event="shipped",
        tracking_number=f"SF{uuid4().int % 10**12:012d}",
        carrier="sf-express",
    )
    began = datetime.now(UTC) - timedelta(hours=2)
    await Shipments(house.sessions).record_shipment(
        RecordShipment(order_id=order_id, news=news, at=began)
    )

    assert [task["state"] for task in await late_tasks(house, order_id)] == ["obsolete"]


async def test_the_task_solves_itself_when_the_order_is_cancelled(
    house: House, product: str
) -> None:
    order_id = await reach_the_warehouse(house, product)
    await make_late(house, order_id)
    await watch(house, order_id)

    await cancel(house, order_id)

    await house.until(order_id, status="cancelled")
    assert [task["state"] for task in await late_tasks(house, order_id)] == ["obsolete"]
    assert await house.stock(product) == (5, 5, 0)
    await house.assert_laws_hold()


@pytest.mark.parametrize(
    "undo",
    [
        "DELETE FROM notifications WHERE order_id = :id AND kind = 'shipping_delayed'",
        """
        UPDATE notifications SET state = 'pending', sent_at = NULL
        WHERE order_id = :id AND kind = 'shipping_delayed' AND channel = 'email'
        """,
    ],
    ids=["a crash before the message", "a mailbox that was away"],
)
async def test_a_look_that_was_cut_short_is_made_up_for(
    house: House, product: str, undo: str
) -> None:
    order_id = await reach_the_warehouse(house, product)
    await make_late(house, order_id)
    await watch(house, order_id)
    await house.rows_changed(undo, id=order_id)

    assert len(await watch(house, order_id)) == 1

    await until_mailed(house, order_id, "shipping_delayed")
    assert len(await late_tasks(house, order_id)) == 1
