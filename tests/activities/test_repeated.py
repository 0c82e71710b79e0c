"""Every activity may run twice with the same command: the same answer, and one effect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

import worker
from activities.fulfillment import RecallPickingList, SendPickingList
from activities.inventory import ExtendHold, ReceiveStock, ReleaseStock
from activities.notifications import CustomerEvent, SendNotifications
from activities.payments import AwaitPayment, CreatePayment, IntendPayment, SettlePayment
from activities.placing import PlaceOrder, ValidateOrder
from activities.records import CloseOrder, CompleteOrder, NoteEvent
from activities.refund_claims import ClaimRefund
from activities.refunds import RefundPayment
from activities.reserving import ReserveStock
from activities.shipments import RecordShipment, RecordTracking
from activities.tracking import PollParcel
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from domain.fulfillment import ShippingNews
from domain.ids import HOLD, ORDER, PAYMENT, PICKING_LIST, REFUND, encode_id
from domain.money import Money
from domain.notification import NotificationKind
from domain.order import OrderDraft
from domain.statuses import OrderStatus
from domain.tracking import TrackingSnapshot, TrackingStatus
from tests.house import House, order_for
from tests.workflows.journey import mishap

T = TypeVar("T")
SKU, PRODUCT = "CHG-GN-65", "P1012"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

_TABLES = """
    SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename
"""


class Desk:
    """All activities on a database of their own, with the simulated world outside."""

    def __init__(self, house: House, sessions: Sessions) -> None:
        self.house = house
        self.sessions = sessions
        self.does = worker.build_activities(
            house.settings, sessions, house.http, house.email, house.client
        )
        self.order_id, self.hold_id, self.payment_id, self.picking_list_id, self.refund_id = (
            encode_id(kind, uuid4()) for kind in (ORDER, HOLD, PAYMENT, PICKING_LIST, REFUND)
        )

    async def twice(self, activity: Callable[[Any], Awaitable[T]], command: object) -> T:
        """Run an activity twice: the second run answers the same and leaves no trace."""
        first: T = await ActivityEnvironment().run(activity, command)
        books = await self.books()
        second: T = await ActivityEnvironment().run(activity, command)
        assert second == first
        assert await self.books() == books
        return first

    async def books(self) -> dict[str, list[str]]:
        """Every row of every table."""
        async with self.sessions() as session:
            tables = list(await session.scalars(text(_TABLES)))
            rows = {}
            for table in tables:
                statement = text(f"SELECT t::text FROM {table} t ORDER BY 1")  # noqa: S608
                rows[table] = list(await session.scalars(statement))
            return rows

    async def scalar(self, statement: str) -> Any:
        async with self.sessions() as session:
            return await session.scalar(text(statement))

    async def change(self, statement: str, **values: object) -> None:
        """Change the books behind everybody's back."""
        async with self.sessions.begin() as session:
            await session.execute(text(statement), values)

    async def until_payable(self) -> None:
        """Place the order, hold its stock, ask for its payment."""
        draft = OrderDraft.model_validate(order_for(PRODUCT))
        verdict = await self.twice(self.does.placing.validate_order, ValidateOrder(draft=draft))
        assert verdict.accepted, verdict.errors
        await self.twice(
            self.does.placing.place_order,
            PlaceOrder(
                order_id=self.order_id, draft=draft, verdict=verdict, fingerprint="f", at=AT
            ),
        )
        reserve = ReserveStock(
            order_id=self.order_id,
            hold_id=self.hold_id,
            at=AT,
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )
        await self.twice(self.does.stock.reserve_stock, reserve)
        await self.twice(
            self.does.stock.extend_hold,
            ExtendHold(
                order_id=self.order_id, expires_at=datetime.now(UTC) + timedelta(minutes=30)
            ),
        )
        intend = IntendPayment(
            payment_id=self.payment_id,
            order_id=self.order_id,
            attempt=1,
            gateway="stripe",
            idempotency_key=f"{self.payment_id}:create:1",
            expires_at=reserve.expires_at,
            at=AT,
        )
        await self.twice(self.does.payments.intend_payment, intend)
        created = await self.twice(
            self.does.payments.create_payment, CreatePayment(payment_id=self.payment_id, at=AT)
        )
        assert created.result.outcome == "ready"

    async def until_picked(self) -> None:
        """Pay, and hand the order to the warehouse."""
        await self.until_payable()
        await self.house.pay(self.payment_id)
        settle = SettlePayment(payment_id=self.payment_id, at=AT)
        settled = await self.twice(self.does.payments.settle_payment, settle)
        assert settled.settlement == "accepted"
        waiting = AwaitPayment(payment_id=self.payment_id, at=AT, delays=(timedelta(seconds=1),))
        assert await self.twice(self.does.payments.await_payment, waiting) == settled
        await self.tell(NotificationKind.ORDER_CONFIRMED)
        picked = await self.twice(
            self.does.fulfillment.send_picking_list,
            SendPickingList(order_id=self.order_id, picking_list_id=self.picking_list_id, at=AT),
        )
        assert picked.result.outcome == "accepted"

    async def tell(self, kind: NotificationKind) -> None:
        event = CustomerEvent(kind=kind, at=AT)
        command = SendNotifications(order_id=self.order_id, events=(event,))
        await self.twice(self.does.notifications.send_notifications, command)

    async def assert_laws_hold(self) -> None:
        async with self.sessions() as session:
            report = await audit(session)
        assert [violation for law in report.laws for violation in law.violations] == []

    async def money(self) -> list[tuple[int, int]]:
        """Captured and refunded, payment by payment, at the provider."""
        payments = await self.house.at_provider(self.order_id)
        return [(payment["captured"], payment["refunded"]) for payment in payments]


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    engine = connect(database_url, pool_size=4)
    desk = Desk(house, session_factory(engine))
    # The house's own API knows nothing of these orders.
    for party in ("stripe", "warehouse", "aftership"):
        await mishap(house, party, "*", "drop_callbacks", times=99, orderId=desk.order_id)
    yield desk
    await engine.dispose()


async def test_each_step_to_the_door_may_run_twice(house: House, desk: Desk) -> None:
    await desk.until_picked()
    mails = len(house.mailbox.envelopes)
    number = (await house.simulate(f"shipments/{desk.order_id}/ship"))["trackingNumber"]
    news = ShippingNews(
        event_id="E1",
        order_id=desk.order_id,
        event="shipped",
        tracking_number=number,
        carrier="sf-express",
    )
    await desk.twice(
        desk.does.shipments.record_shipment,
        RecordShipment(order_id=desk.order_id, news=news, at=AT),
    )
    poll = PollParcel(
        order_id=desk.order_id,
        tracking_number=number,
        carrier="sf-express",
        known=TrackingStatus.IN_TRANSIT,
        interval=timedelta(hours=4),
    )
    with pytest.raises(Exception, match="the parcel is still in_transit"):
        await ActivityEnvironment().run(desk.does.tracking.poll_parcel, poll)
    await house.simulate(f"parcels/{number}/delivered")
    snapshot = await desk.twice(desk.does.tracking.poll_parcel, poll)
    record = RecordTracking(order_id=desk.order_id, snapshot=snapshot, at=AT)
    # What the workflow acts on must not get lost with the first answer.
    recorded = await desk.twice(desk.does.shipments.record_tracking, record)
    assert recorded.status is TrackingStatus.DELIVERED
    await desk.tell(NotificationKind.ORDER_DELIVERED)
    await desk.tell(NotificationKind.REVIEW_INVITATION)
    note = NoteEvent(order_id=desk.order_id, kind="noted", detail={"by": "me"}, at=AT)
    await desk.twice(desk.does.records.note_event, note)
    completed = await desk.twice(
        desk.does.records.complete_order, CompleteOrder(order_id=desk.order_id, at=AT)
    )

    assert completed is OrderStatus.COMPLETED
    assert len(house.mailbox.envelopes) == mails + 2
    ((captured, refunded),) = await desk.money()
    assert (captured > 0, refunded) == (True, 0)
    await desk.assert_laws_hold()


async def test_each_step_of_the_way_back_may_run_twice(desk: Desk) -> None:
    total = await desk.scalar(f"SELECT sum(total) FROM inventory WHERE sku = '{SKU}'")  # noqa: S608
    await desk.until_picked()
    recall = RecallPickingList(order_id=desk.order_id, picking_list_id=desk.picking_list_id, at=AT)
    recalled = await desk.twice(desk.does.fulfillment.recall_picking_list, recall)
    assert recalled.result.outcome == "cancelled"
    await desk.twice(desk.does.stock.release_stock, ReleaseStock(order_id=desk.order_id, at=AT))
    part = ClaimRefund(
        refund_id=desk.refund_id,
        order_id=desk.order_id,
        amount=Money.of("1.00", "CNY"),
        reason="part",
        at=AT,
    )
    claimed = await desk.twice(desk.does.refunds.claim_refund, part)
    assert claimed.result.outcome == "claimed"
    for refund_id, amount in ((desk.refund_id, part.amount), (encode_id(REFUND, uuid4()), None)):
        refund = RefundPayment(
            refund_id=refund_id,
            payment_id=desk.payment_id,
            amount=amount,
            reason="all",
            idempotency_key=f"{refund_id}:refund:1",
            at=AT,
        )
        await desk.twice(desk.does.refunds.refund_payment, refund)
    closed = await desk.twice(
        desk.does.records.close_order, CloseOrder(order_id=desk.order_id, reason="off", at=AT)
    )

    assert closed.status is OrderStatus.CANCELLED
    ((captured, refunded),) = await desk.money()
    assert captured == refunded > 0
    now = await desk.scalar(f"SELECT sum(available) FROM inventory WHERE sku = '{SKU}'")  # noqa: S608
    assert now == total
    await desk.assert_laws_hold()


async def test_closing_an_unpaid_payment_and_its_hold_may_run_twice(desk: Desk) -> None:
    await desk.until_payable()
    close = SettlePayment(payment_id=desk.payment_id, at=AT, close=True)
    settled = await desk.twice(desk.does.payments.settle_payment, close)
    assert settled.settlement == "closed"
    release = ReleaseStock(order_id=desk.order_id, expired=True, at=AT)
    await ActivityEnvironment().run(desk.does.stock.release_stock, release)
    books = await desk.books()
    await ActivityEnvironment().run(desk.does.stock.release_stock, release)
    assert await desk.books() == books
    await desk.twice(
        desk.does.records.close_order, CloseOrder(order_id=desk.order_id, reason="off", at=AT)
    )

    assert await desk.money() == [(0, 0)]
    await desk.assert_laws_hold()


async def test_goods_are_booked_once(desk: Desk) -> None:
    await desk.twice(
        desk.does.stock.receive_stock,
        ReceiveStock(receipt_id="GR-1", warehouse_id="WH-HZ", sku=SKU, quantity=3, at=AT),
    )
    await desk.assert_laws_hold()


async def test_a_tracking_snapshot_without_news_changes_nothing(desk: Desk) -> None:
    await desk.until_picked()
    news = ShippingNews(
        event_id="E1",
        order_id=desk.order_id,
        event="shipped",
        tracking_number="SF000000000001",
        carrier="sf-express",
    )
    shipped = RecordShipment(order_id=desk.order_id, news=news, at=AT)
    await desk.twice(desk.does.shipments.record_shipment, shipped)
    same = TrackingSnapshot(
        tracking_number="SF000000000001", carrier="sf-express", status=TrackingStatus.IN_TRANSIT
    )

    await desk.twice(
        desk.does.shipments.record_tracking,
        RecordTracking(order_id=desk.order_id, snapshot=same, at=AT),
    )

    moved = await desk.scalar("SELECT count(*) FROM order_events WHERE kind = 'parcel_moved'")
    assert moved == 0
