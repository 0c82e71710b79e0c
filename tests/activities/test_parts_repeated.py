"""Every step of an order with two parcels may run twice: the same answer, and one effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.fulfillment import PickingResult, RecallPickingList, SendPickingList
from activities.missing_goods import DropUnits
from activities.parts import DropParts
from activities.payments import CreatePayment, IntendPayment, SettlePayment
from activities.placing import PlaceOrder, ValidateOrder
from activities.refund_claims import ClaimRefund
from activities.reserving import ReserveStock
from activities.shipments import RecordShipment, RecordTracking
from db.engine import connect, session_factory
from db.ledger import move_stock
from domain.fulfillment import ShippingNews
from domain.ids import PICKING_LIST, encode_id
from domain.inventory import MovementReason, StockUnits
from domain.missing_goods import MissingGoods, MissingLine
from domain.order import OrderDraft
from domain.statuses import OrderStatus, ShippingStatus
from domain.tracking import TrackingSnapshot, TrackingStatus
from tests.activities.test_repeated import AT, Desk
from tests.house import House, order_for
from tests.workflows.journey import mishap

PRODUCT, SKU, QUANTITY = "P1007", "KET-EL-17", 3


class SplitDesk(Desk):
    """The activities, with an order whose only line comes from two warehouses."""

    async def until_paid(self) -> None:
        """Place it, hold 2 pieces in Hangzhou and 1 in Shanghai, have it paid."""
        for warehouse_id in ("WH-HZ", "WH-SH"):
            await self.leave_in(warehouse_id, QUANTITY - 1)
        run = ActivityEnvironment().run
        draft = OrderDraft.model_validate(order_for(PRODUCT, QUANTITY))
        verdict = await run(self.does.placing.validate_order, ValidateOrder(draft=draft))
        assert verdict.accepted, verdict.errors
        await run(
            self.does.placing.place_order,
            PlaceOrder(
                order_id=self.order_id, draft=draft, verdict=verdict, fingerprint="f", at=AT
            ),
        )
        expires_at = datetime.now(UTC) + timedelta(minutes=15)
        reserve = ReserveStock(
            order_id=self.order_id, hold_id=self.hold_id, at=AT, expires_at=expires_at
        )
        await self.twice(self.does.stock.reserve_stock, reserve)
        await run(
            self.does.payments.intend_payment,
            IntendPayment(
                payment_id=self.payment_id,
                order_id=self.order_id,
                attempt=1,
                gateway="stripe",
                idempotency_key=f"{self.payment_id}:create:1",
                expires_at=expires_at,
                at=AT,
            ),
        )
        await self.create_and_pay()

    async def leave_in(self, warehouse_id: str, pieces: int) -> None:
        """Take all but so many pieces away, as a stocktaking would."""
        async with self.sessions.begin() as session:
            taken = StockUnits(
                warehouse_id=warehouse_id,
                sku=SKU,
                quantity=pieces - await self.available(warehouse_id),
            )
            await move_stock(session, MovementReason.ADJUSTED, [taken], f"count-{warehouse_id}", AT)

    async def create_and_pay(self) -> None:
        """The provider's part."""
        created = await ActivityEnvironment().run(
            self.does.payments.create_payment, CreatePayment(payment_id=self.payment_id, at=AT)
        )
        assert created.result.outcome == "ready"
        await self.house.pay(self.payment_id)
        settled = await self.twice(
            self.does.payments.settle_payment, SettlePayment(payment_id=self.payment_id, at=AT)
        )
        assert settled.settlement == "accepted"

    async def send(self, list_id: str, warehouse_id: str = "") -> PickingResult:
        """Hand a warehouse its list."""
        return await self.twice(
            self.does.fulfillment.send_picking_list,
            SendPickingList(
                order_id=self.order_id, picking_list_id=list_id, warehouse_id=warehouse_id, at=AT
            ),
        )

    async def shipped(self, list_id: str, number: str) -> None:
        """A warehouse says that its parcel has left."""
        news = ShippingNews(
            event_id=number,
            order_id=self.order_id,
            event="shipped",
            tracking_number=number,
            carrier="sf-express",
        )
        await self.twice(
            self.does.shipments.record_shipment,
            RecordShipment(
                order_id=self.order_id, news=news, picking_list_id=list_id, at=datetime.now(UTC)
            ),
        )

    async def scanned(self, number: str, status: TrackingStatus) -> ShippingStatus:
        """The carrier has news; where that leaves the whole order."""
        snapshot = TrackingSnapshot(tracking_number=number, carrier="sf-express", status=status)
        recorded = await self.twice(
            self.does.shipments.record_tracking,
            RecordTracking(order_id=self.order_id, snapshot=snapshot, at=AT),
        )
        assert recorded.status is status
        return recorded.shipping_status

    async def status(self) -> str:
        """The order's status in the books."""
        return str(await self.scalar("SELECT status FROM orders"))

    async def available(self, warehouse_id: str) -> int:
        """What a warehouse has left of the product."""
        return int(
            await self.scalar(
                f"SELECT available FROM inventory WHERE sku = '{SKU}'"  # noqa: S608
                f" AND warehouse_id = '{warehouse_id}'"
            )
        )


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[SplitDesk]:
    engine = connect(database_url, pool_size=4)
    desk = SplitDesk(house, session_factory(engine))
    # The house's own API knows nothing of these orders.
    for party in ("stripe", "warehouse", "aftership"):
        await mishap(house, party, "*", "drop_callbacks", times=99, orderId=desk.order_id)
    yield desk
    await engine.dispose()


@pytest.fixture
def lists() -> tuple[str, str]:
    return encode_id(PICKING_LIST, uuid4()), encode_id(PICKING_LIST, uuid4())


async def test_two_parcels_go_to_the_door(desk: SplitDesk, lists: tuple[str, str]) -> None:
    await desk.until_paid()
    first = await desk.send(lists[0])
    assert (first.warehouse_id, first.further) == ("WH-HZ", ("WH-SH",))
    assert await desk.status() == OrderStatus.CONFIRMED
    second = await desk.send(lists[1], "WH-SH")
    assert (second.warehouse_id, second.further) == ("WH-SH", ())
    assert await desk.status() == OrderStatus.PROCESSING

    await desk.shipped(lists[1], "SF2")
    assert await desk.status() == OrderStatus.PROCESSING
    await desk.shipped(lists[0], "SF1")
    assert await desk.status() == OrderStatus.SHIPPED

    assert await desk.scanned("SF1", TrackingStatus.DELIVERED) is ShippingStatus.IN_TRANSIT
    assert await desk.scanned("SF2", TrackingStatus.OUT_FOR_DELIVERY) is (
        ShippingStatus.OUT_FOR_DELIVERY
    )
    assert await desk.status() == OrderStatus.SHIPPED
    assert await desk.scanned("SF2", TrackingStatus.DELIVERED) is ShippingStatus.DELIVERED
    assert await desk.status() == OrderStatus.DELIVERED
    await desk.assert_laws_hold()


async def test_each_list_names_what_its_own_warehouse_holds(
    desk: SplitDesk, lists: tuple[str, str]
) -> None:
    await desk.until_paid()
    await desk.send(lists[0])
    await desk.send(lists[1], "WH-SH")

    async with desk.sessions() as session:
        rows = await session.execute(
            text("SELECT warehouse_id, document #>> '{lines,0,quantity}' FROM picking_lists")
        )
        assert dict(tuple(row) for row in rows) == {"WH-HZ": "2", "WH-SH": "1"}


async def test_a_part_is_dropped_and_paid_back(desk: SplitDesk, lists: tuple[str, str]) -> None:
    await desk.until_paid()
    await desk.send(lists[0])
    await desk.send(lists[1], "WH-SH")
    await desk.shipped(lists[0], "SF1")
    before = await desk.available("WH-SH")

    drop = DropParts(order_id=desk.order_id, warehouses=("WH-SH",), reason="lost", at=AT)
    dropped = await desk.twice(desk.does.parts.drop_parts, drop)

    assert dropped.status is OrderStatus.SHIPPED
    assert await desk.available("WH-SH") == before + 1
    claim = ClaimRefund(
        refund_id=desk.refund_id,
        order_id=desk.order_id,
        warehouses=("WH-SH",),
        reason="lost",
        at=AT,
    )
    claimed = await desk.twice(desk.does.refunds.claim_refund, claim)
    assert claimed.result.outcome == "claimed"
    assert claimed.result.lines == {1: 1}


async def test_what_a_refusing_warehouse_does_not_find_is_written_off(
    desk: SplitDesk, lists: tuple[str, str]
) -> None:
    await desk.until_paid()
    await desk.send(lists[0])
    await desk.send(lists[1], "WH-SH")
    await desk.shipped(lists[0], "SF1")
    before = await desk.available("WH-SH")
    missing = MissingGoods(warehouse_id="WH-SH", sku=SKU, quantity=1, code="not_found")

    drop = DropParts(order_id=desk.order_id, warehouses=("WH-SH",), missing=(missing,), at=AT)
    await desk.twice(desk.does.parts.drop_parts, drop)

    assert await desk.available("WH-SH") == before


async def test_what_a_parcel_lacks_is_booked_once(desk: SplitDesk, lists: tuple[str, str]) -> None:
    await desk.until_paid()
    await desk.send(lists[0])
    await desk.send(lists[1], "WH-SH")
    await desk.shipped(lists[0], "SF1")
    before = await desk.available("WH-HZ")
    missing = (
        MissingLine(sku=SKU, quantity=1, code="damaged"),
        MissingLine(sku=SKU, quantity=5),
    )

    command = DropUnits(order_id=desk.order_id, picking_list_id=lists[0], missing=missing, at=AT)
    dropped = await desk.twice(desk.does.parts.drop_units, command)

    assert dropped.lines == {1: 2}
    assert await desk.available("WH-HZ") == before + 1


async def test_a_list_that_is_recalled_leaves_the_other_where_it_is(
    desk: SplitDesk, lists: tuple[str, str]
) -> None:
    await desk.until_paid()
    await desk.send(lists[0])
    await desk.send(lists[1], "WH-SH")

    recalled = await desk.twice(
        desk.does.fulfillment.recall_picking_list,
        RecallPickingList(order_id=desk.order_id, picking_list_id=lists[1], at=AT),
    )

    assert recalled.result.outcome == "cancelled"
    states = await desk.books()
    assert any("accepted" in row for row in states["picking_lists"])
    assert await desk.status() == OrderStatus.PROCESSING
