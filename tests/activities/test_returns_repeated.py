"""Every step of a return may run twice: the same answer, and one effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from activities.reserving import ReserveStock
from activities.return_commands import (
    ConfirmReplacement,
    DecideReturn,
    OpenAfterSales,
    PlaceReplacement,
    ReceiveReturn,
    RequestReturn,
    ReturnRefused,
    ReturnResult,
    SettleReturn,
)
from activities.shipments import RecordShipment, RecordTracking
from db.engine import connect, session_factory
from domain.fulfillment import ShippingNews
from domain.ids import HOLD, ORDER, RETURN, encode_id
from domain.returns import ReceivedUnits, ReturnCase, ReturnKind, ReturnState
from domain.tracking import TrackingSnapshot, TrackingStatus
from tests.activities.test_repeated import AT, SKU, Desk
from tests.house import House
from tests.workflows.journey import mishap

NUMBER = "SF000000000009"


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    """An order at the customer's door."""
    engine = connect(database_url, pool_size=4)
    made = Desk(house, session_factory(engine))
    for party in ("stripe", "warehouse", "aftership"):
        await mishap(house, party, "*", "drop_callbacks", times=99, orderId=made.order_id)
    await made.until_picked()
    news = ShippingNews(
        event_id="E9",
        order_id=made.order_id,
        event="shipped",
        tracking_number=NUMBER,
        carrier="sf-express",
    )
    await made.does.shipments.record_shipment(
        RecordShipment(order_id=made.order_id, news=news, at=AT)
    )
    snapshot = TrackingSnapshot(
        tracking_number=NUMBER,
        carrier="sf-express",
        status=TrackingStatus.DELIVERED,
        delivered_at=AT,
    )
    await made.does.shipments.record_tracking(
        RecordTracking(order_id=made.order_id, snapshot=snapshot, at=AT)
    )
    yield made
    await engine.dispose()


def taken(result: ReturnResult) -> ReturnCase:
    assert not isinstance(result.result, ReturnRefused), result
    return result.result.case


def request(desk: Desk, kind: ReturnKind = ReturnKind.REFUND) -> RequestReturn:
    return RequestReturn(
        return_id=encode_id(RETURN, uuid4()), order_id=desk.order_id, kind=kind, lines={1: 1}, at=AT
    )


async def test_a_refunded_return(desk: Desk) -> None:
    does = desk.does.after_sales
    opened = await desk.twice(
        does.open_after_sales, OpenAfterSales(order_id=desk.order_id, wanted_back="late", at=AT)
    )
    (case,) = opened.cases
    receipt = ReceiveReturn(return_id=case.return_id, lines={1: ReceivedUnits(resellable=1)}, at=AT)
    before = await desk.scalar(f"SELECT sum(available) FROM inventory WHERE sku = '{SKU}'")  # noqa: S608

    assert taken(await desk.twice(does.receive_return, receipt)).state is ReturnState.RECEIVED
    settle = SettleReturn(return_id=case.return_id, state=ReturnState.REFUNDED, at=AT)
    assert taken(await desk.twice(does.settle_return, settle)).ended

    now = await desk.scalar(f"SELECT sum(available) FROM inventory WHERE sku = '{SKU}'")  # noqa: S608
    assert now == before + 1


async def test_a_rejected_return_and_one_after_it(desk: Desk) -> None:
    does = desk.does.after_sales
    first = taken(await desk.twice(does.request_return, request(desk)))
    refused = await desk.twice(does.request_return, request(desk))
    assert isinstance(refused.result, ReturnRefused)
    no = DecideReturn(return_id=first.return_id, approve=False, reason="used", at=AT)
    assert taken(await desk.twice(does.decide_return, no)).state is ReturnState.REJECTED

    second = taken(await desk.twice(does.request_return, request(desk)))
    yes = DecideReturn(return_id=second.return_id, approve=True, at=AT)
    assert taken(await desk.twice(does.decide_return, yes)).state is ReturnState.APPROVED
    await desk.assert_laws_hold()


async def test_an_exchanged_return(desk: Desk) -> None:
    does = desk.does.after_sales
    case = taken(await desk.twice(does.request_return, request(desk, ReturnKind.EXCHANGE)))
    receipt = ReceiveReturn(return_id=case.return_id, lines={1: ReceivedUnits(damaged=1)}, at=AT)
    await desk.twice(does.receive_return, receipt)
    new_id = encode_id(ORDER, uuid4())

    place = PlaceReplacement(order_id=new_id, return_id=case.return_id, at=AT)
    order = await desk.twice(does.place_replacement, place)
    assert (order.total.minor, order.replacement_of) == (0, desk.order_id)
    hold = ReserveStock(order_id=new_id, hold_id=encode_id(HOLD, uuid4()), at=AT, expires_at=AT)
    await desk.does.stock.reserve_stock(hold)
    await desk.twice(does.confirm_replacement, ConfirmReplacement(order_id=new_id, at=AT))

    state = await desk.scalar(f"SELECT state FROM holds WHERE order_id = '{new_id}'")  # noqa: S608
    assert state == "committed"
    await desk.assert_laws_hold()
