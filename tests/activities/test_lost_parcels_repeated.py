"""Every step for a parcel in trouble may run twice: the same answer, and one effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from activities.fulfillment import SendPickingList
from activities.lost_parcels import GiveUpParcel, MakeGoodParcel, NoteTrouble
from activities.resending import ResendParcel
from activities.reserving import ReserveStock
from activities.return_commands import ConfirmReplacement
from activities.shipments import RecordShipment, RecordTracking
from db.engine import connect, session_factory
from domain.fulfillment import ShippingNews
from domain.ids import HOLD, ORDER, PICKING_LIST, encode_id
from domain.parcel_exceptions import ParcelTrouble
from domain.statuses import OrderStatus
from domain.tracking import TrackingSnapshot, TrackingStatus
from tests.activities.test_repeated import AT, Desk
from tests.house import House
from tests.workflows.journey import mishap

NUMBER = "SF000000000021"


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    """An order whose parcel the carrier has lost."""
    engine = connect(database_url, pool_size=4)
    made = Desk(house, session_factory(engine))
    for party in ("stripe", "warehouse", "aftership"):
        await mishap(house, party, "*", "drop_callbacks", times=99, orderId=made.order_id)
    await made.until_picked()
    await ship(made, made.order_id, NUMBER)
    await scan(made, made.order_id, NUMBER, TrackingStatus.LOST)
    yield made
    await engine.dispose()


async def ship(desk: Desk, order_id: str, number: str) -> None:
    news = ShippingNews(
        event_id=f"E-{number}",
        order_id=order_id,
        event="shipped",
        tracking_number=number,
        carrier="sf-express",
    )
    await desk.does.shipments.record_shipment(RecordShipment(order_id=order_id, news=news, at=AT))


async def scan(desk: Desk, order_id: str, number: str, status: TrackingStatus) -> None:
    snapshot = TrackingSnapshot(
        tracking_number=number,
        carrier="sf-express",
        status=status,
        delivered_at=AT if status is TrackingStatus.DELIVERED else None,
    )
    await desk.does.shipments.record_tracking(
        RecordTracking(order_id=order_id, snapshot=snapshot, at=AT)
    )


async def send_again(desk: Desk) -> str:
    """Place the order that sends the lost parcel's goods again; its id."""
    new_id = encode_id(ORDER, uuid4())
    resend = ResendParcel(
        order_id=new_id, original_order_id=desk.order_id, tracking_number=NUMBER, at=AT
    )
    placed = (await desk.twice(desk.does.lost_parcels.resend_parcel, resend)).order
    assert placed is not None
    assert (placed.total.minor, placed.replacement_of) == (0, desk.order_id)
    return new_id


async def test_people_are_asked_once(desk: Desk) -> None:
    trouble = NoteTrouble(
        order_id=desk.order_id,
        tracking_number=NUMBER,
        trouble=ParcelTrouble.NOT_FOLLOWED,
        at=AT,
    )
    await desk.twice(desk.does.lost_parcels.note_trouble, trouble)

    opened = await desk.scalar(
        "SELECT count(*) FROM operator_tasks WHERE kind = 'parcel_not_followed'"
    )
    assert opened == 1


async def test_a_parcel_is_given_up_once(desk: Desk) -> None:
    give_up = GiveUpParcel(order_id=desk.order_id, tracking_number=NUMBER, reason="lost", at=AT)

    answer = await desk.twice(desk.does.lost_parcels.give_up_parcel, give_up)

    assert (answer.given_up, answer.status) == (True, OrderStatus.SHIPPED)


async def test_the_goods_of_a_lost_parcel_are_sent_again_once(desk: Desk) -> None:
    new_id = await send_again(desk)
    hold = ReserveStock(order_id=new_id, hold_id=encode_id(HOLD, uuid4()), at=AT, expires_at=AT)
    await desk.does.stock.reserve_stock(hold)
    await desk.does.after_sales.confirm_replacement(ConfirmReplacement(order_id=new_id, at=AT))
    # The house's database holds the rest of the second order's life; here it has none.
    await desk.change("UPDATE orders SET status = 'completed' WHERE id = :id", id=new_id)

    made_good = await desk.twice(
        desk.does.lost_parcels.make_good_parcel,
        MakeGoodParcel(order_id=desk.order_id, tracking_number=NUMBER, at=AT),
    )

    assert made_good.delivered_at == AT
    told = await desk.scalar("SELECT count(*) FROM order_events WHERE kind = 'order_delivered'")
    assert told == 1


async def test_an_operators_word_that_the_goods_arrived_is_taken_once(desk: Desk) -> None:
    new_id = await send_again(desk)
    word = MakeGoodParcel(order_id=desk.order_id, tracking_number=NUMBER, on_word=True, at=AT)
    refused = await desk.twice(desk.does.lost_parcels.make_good_parcel, word)
    assert "has not left, or not all of it: `reship` takes it up again" in refused.refused
    hold = ReserveStock(order_id=new_id, hold_id=encode_id(HOLD, uuid4()), at=AT, expires_at=AT)
    await desk.does.stock.reserve_stock(hold)
    await desk.does.after_sales.confirm_replacement(ConfirmReplacement(order_id=new_id, at=AT))
    list_id = encode_id(PICKING_LIST, uuid4())
    await mishap(desk.house, "warehouse", "*", "drop_callbacks", times=99, orderId=new_id)
    await desk.does.fulfillment.send_picking_list(
        SendPickingList(order_id=new_id, picking_list_id=list_id, at=AT)
    )
    await ship(desk, new_id, "SF000000000022")

    made_good = await desk.twice(desk.does.lost_parcels.make_good_parcel, word)

    assert (made_good.refused, made_good.lacking, made_good.delivered_at) == ("", {}, AT)
    delivered = await desk.scalar("SELECT count(*) FROM orders WHERE status = 'delivered'")
    assert delivered == 2
    await desk.assert_laws_hold()


@pytest.mark.parametrize("status", [TrackingStatus.DELIVERED, TrackingStatus.RETURNED])
async def test_what_has_arrived_after_all_is_not_sent_again(
    desk: Desk, status: TrackingStatus
) -> None:
    await scan(desk, desk.order_id, NUMBER, status)
    resend = ResendParcel(
        order_id=encode_id(ORDER, uuid4()),
        original_order_id=desk.order_id,
        tracking_number=NUMBER,
        at=AT,
    )

    assert (await desk.twice(desk.does.lost_parcels.resend_parcel, resend)).order is None
