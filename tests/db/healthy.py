"""Orders as the activities leave them in the books, taken as far as a test wants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from activities.inventory import ReleaseStock, Stock
from activities.records import CloseOrder, CompleteOrder, OrderRecords
from activities.reserving import ReserveStock
from activities.settling import settle
from activities.shipments import RecordShipment, RecordTracking, Shipments
from db import callbacks, notifications, orders, payments, refunds
from db.engine import Sessions
from db.fulfillment import PickingListRow, PickingState
from db.notifications import NotificationState
from db.payments import Payment
from db.refunds import Refund
from domain.fulfillment import ShippingNews
from domain.ids import HOLD, ORDER, PAYMENT, PICKING_LIST, REFUND, encode_id
from domain.money import Money
from domain.notification import Channel, NotificationKind
from domain.order import CustomerInfo, Order, OrderLine, Pricing
from domain.payment import PaymentState, PaymentView, RefundState
from domain.statuses import OrderStatus, PaymentStatus, ShippingStatus
from domain.tracking import TrackingSnapshot, TrackingStatus

PRICE = Money.of("129.00", "CNY")
SKU = "CHG-GN-65"
_SHORT_SKU = "PEN-FT-F"


@dataclass(frozen=True)
class Names:
    """What a test needs to know of one order to spoil it."""

    order: str
    number: str
    hold: str
    payment: str
    refund: str


class Shop:
    """Leads orders through their life without a workflow engine."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._stock = Stock(sessions)
        self._records = OrderRecords(sessions)
        self._shipments = Shipments(sessions)

    async def waiting_for_payment(self) -> Names:
        """Placed, stock held, payment asked for."""
        names = await self._place(SKU)
        await self._hold(names)
        await self._ask_for_payment(names)
        return names

    async def waiting_for_goods(self) -> Names:
        """Placed, and nothing there to hold."""
        names = await self._place(_SHORT_SKU)
        await self._hold(names)
        return names

    async def confirmed(self) -> Names:
        """Paid, stock committed."""
        names = await self.waiting_for_payment()
        await self._provider_says(names, PaymentState.PAID, PRICE)
        return names

    async def processing(self) -> Names:
        """At the warehouse."""
        names = await self.confirmed()
        async with self._sessions.begin() as session:
            row = await orders.lock_order(session, names.order)
            session.add(_picking_list(names))
            orders.move(row, _now(), status=OrderStatus.PROCESSING, shipping=ShippingStatus.PICKING)
            await orders.add_event(session, names.order, "picking_accepted", _now())
        return names

    async def shipped(self) -> Names:
        """On its way, the warehouse's callback applied."""
        names = await self.processing()
        callback_id = await self._callback(names)
        await self._shipments.record_shipment(
            RecordShipment(
                order_id=names.order,
                news=ShippingNews(
                    event_id=names.order,
                    order_id=names.order,
                    event="shipped",
                    tracking_number=f"SF{names.order}",
                    carrier="sf-express",
                ),
                callback_ids=(callback_id,),
                at=_now(),
            )
        )
        return names

    async def completed(self) -> Names:
        """At the door; the customer has been invited to write a review."""
        names = await self.shipped()
        snapshot = TrackingSnapshot(
            tracking_number=f"SF{names.order}",
            carrier="sf-express",
            status=TrackingStatus.DELIVERED,
        )
        await self._shipments.record_tracking(
            RecordTracking(order_id=names.order, snapshot=snapshot, at=_now())
        )
        await self._tell(names, NotificationKind.REVIEW_INVITATION)
        await self._records.complete_order(CompleteOrder(order_id=names.order, at=_now()))
        return names

    async def refunded(self) -> Names:
        """Completed first, then all the money went back."""
        names = await self.completed()
        await self._refund(names)
        return names

    async def cancelled(self) -> Names:
        """Paid and called off: stock on the shelf again, money back."""
        names = await self.confirmed()
        await self._stock.release_stock(ReleaseStock(order_id=names.order, at=_now()))
        await self._refund(names)
        await self._close(names)
        return names

    async def expired(self) -> Names:
        """Never paid: the payment closed, the hold expired."""
        names = await self.waiting_for_payment()
        await self._provider_says(names, PaymentState.CLOSED, Money.zero("CNY"))
        await self._stock.release_stock(ReleaseStock(order_id=names.order, expired=True, at=_now()))
        await self._close(names)
        return names

    async def _place(self, sku: str) -> Names:
        names = Names(*(encode_id(kind, uuid4()) for kind in (ORDER, "N", HOLD, PAYMENT, REFUND)))
        order = _order(names, sku)
        async with self._sessions.begin() as session:
            await orders.insert_order(session, order, fingerprint="")
            await orders.add_event(session, names.order, "order_placed", _now())
        return names

    async def _hold(self, names: Names) -> None:
        await self._stock.reserve_stock(
            ReserveStock(
                order_id=names.order,
                hold_id=names.hold,
                at=_now(),
                expires_at=_now() + timedelta(minutes=15),
            )
        )

    async def _ask_for_payment(self, names: Names) -> None:
        async with self._sessions.begin() as session:
            await payments.intend_payment(
                session,
                payment_id=names.payment,
                order_id=names.order,
                attempt=1,
                gateway="stripe",
                amount=PRICE,
                idempotency_key=f"{names.payment}:create:1",
                expires_at=_now() + timedelta(minutes=15),
                at=_now(),
            )
            row = await payments.lock_payment(session, names.payment)
            row.provider_ref, row.state = f"pi_{names.payment}", payments.AttemptState.PENDING
            await orders.add_event(session, names.order, "payment_created", _now())

    async def _provider_says(self, names: Names, state: PaymentState, captured: Money) -> None:
        view = PaymentView(
            payment_id=names.payment,
            provider_ref=f"pi_{names.payment}",
            state=state,
            captured=captured,
            refunded=Money.zero("CNY"),
        )
        async with self._sessions.begin() as session:
            await settle(session, view, _now(), None)

    async def _refund(self, names: Names) -> None:
        intent = Refund(
            id=names.refund,
            payment_id=names.payment,
            order_id=names.order,
            state=refunds.RefundRowState.INTENDED,
            amount_minor=PRICE.minor,
            currency=PRICE.currency,
            reason="",
            idempotency_key=f"{names.refund}:refund:1",
            created_at=_now(),
        )
        async with self._sessions.begin() as session:
            row = await orders.lock_order(session, names.order)
            await refunds.intend_refund(session, intent)
            payment = await session.get_one(Payment, names.payment)
            refund = await session.get_one(Refund, names.refund)
            settled = refunds.settle_refund(payment, refund, RefundState.SUCCEEDED, _now())
            row.kept_minor += settled
            gone = row.status in {OrderStatus.COMPLETED, OrderStatus.DELIVERED}
            orders.move(
                row,
                _now(),
                payment=PaymentStatus.REFUNDED,
                status=OrderStatus.REFUNDED if gone else None,
            )

    async def _close(self, names: Names) -> None:
        await self._records.close_order(
            CloseOrder(order_id=names.order, reason="called off", at=_now())
        )

    async def _callback(self, names: Names) -> int:
        async with self._sessions.begin() as session:
            stored = await callbacks.store_callback(
                session,
                source="warehouse",
                event_id=names.order,
                kind="shipped",
                subject=names.order,
                order_id=names.order,
                headers={},
                content={},
                body=b"{}",
                at=_now(),
            )
            assert stored.id is not None
            return stored.id

    async def _tell(self, names: Names, kind: NotificationKind) -> None:
        async with self._sessions.begin() as session:
            (row,) = await notifications.intend_notifications(
                session, names.order, kind, "", (Channel.EMAIL,), _now(), holder="run/1", events={}
            )
            row.state, row.sent_at = NotificationState.SENT, _now()


def _order(names: Names, sku: str) -> Order:
    return Order(
        order_id=names.order,
        order_number=names.number,
        customer_id="C-1",
        customer_info=CustomerInfo(name="李薇", email="li.wei@example.com"),
        items=(
            OrderLine(
                line_no=1,
                product_id="P1012" if sku == SKU else "P1021",
                sku=sku,
                name="charger",
                quantity=1,
                unit_price=PRICE,
                total_price=PRICE,
            ),
        ),
        pricing=Pricing(
            subtotal=PRICE,
            shipping=Money.zero("CNY"),
            tax=Money.zero("CNY"),
            discount=Money.zero("CNY"),
            total=PRICE,
        ),
        gateway="stripe",
        created_at=_now(),
    )


def _picking_list(names: Names) -> PickingListRow:
    return PickingListRow(
        id=encode_id(PICKING_LIST, uuid4()),
        order_id=names.order,
        warehouse_id="WH-HZ",
        state=PickingState.ACCEPTED,
        document={},
        created_at=_now(),
        updated_at=_now(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
