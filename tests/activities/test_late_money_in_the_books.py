"""Every cell of the late-money table in the database: twice, and all laws hold afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.settling import Settled, settle
from db import holds, inventory, orders, payments
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from domain.ids import PAYMENT, encode_id
from domain.inventory import HoldState
from domain.money import Money
from domain.payment import PaymentState, PaymentView, RefundState, RefundView
from tests.databases import Databases
from tests.db.healthy import PRICE, SKU, Names, Shop

NOTHING = Money.zero("CNY")

# Everything of one order that money or goods depend on.
TABLES = {
    "orders": "id = :order",
    "payments": "order_id = :order",
    "refunds": "order_id = :order",
    "holds": "order_id = :order",
    "stock_movements": "order_id = :order",
    "order_events": "order_id = :order",
    "inventory": "sku = :sku",
}

# Where an order may stand when its provider says something; `shop` makes the order.
ORDERS = {
    "waits for its money": "waiting_for_payment",
    "waits, and the payment was given up": "waiting_for_payment",
    "waits, and its hold is gone": "waiting_for_payment",
    "waits, and its stock is gone": "waiting_for_payment",
    "is paid by this payment": "confirmed",
    "is paid by another payment": "confirmed",
    "is at the warehouse, paid by another": "processing",
    "is completed, paid by another": "completed",
    "was cancelled unpaid": "expired",
    "was cancelled and refunded": "cancelled",
    "was refunded after delivery": "refunded",
}
OF_ANOTHER = {
    "is paid by another payment",
    "is at the warehouse, paid by another",
    "is completed, paid by another",
    "was cancelled and refunded",
    "was refunded after delivery",
}

ANSWERS = {
    "open": (PaymentState.PENDING, NOTHING, NOTHING),
    "approved": (PaymentState.APPROVED, NOTHING, NOTHING),
    "processing": (PaymentState.PROCESSING, NOTHING, NOTHING),
    "declined": (PaymentState.FAILED, NOTHING, NOTHING),
    "closed": (PaymentState.CLOSED, NOTHING, NOTHING),
    "paid": (PaymentState.PAID, PRICE, NOTHING),
    "paid, a part given back": (PaymentState.PAID, PRICE, Money(minor=100, currency="CNY")),
    "less": (PaymentState.PAID, Money(minor=1, currency="CNY"), NOTHING),
    "dollars": (PaymentState.PAID, Money(minor=PRICE.minor, currency="USD"), None),
    "given back": (PaymentState.PAID, PRICE, PRICE),
    "less, given back": (
        PaymentState.PAID,
        Money(minor=1, currency="CNY"),
        Money(minor=1, currency="CNY"),
    ),
}

PAID = {"paid", "paid, a part given back"}
WITHOUT_MONEY = {
    "open": "open",
    "approved": "closed",
    "processing": "processing",
    "declined": "declined",
    "closed": "closed",
    "less": "mismatch",
    "dollars": "mismatch",
    "less, given back": "mismatch",
    "given back": "returned",
}


def wanted(where: str, said: str) -> str:
    """The decision, in the words of the issue rather than of the code."""
    if where == "is paid by this payment":
        return "accepted"
    if said in PAID:
        if where in OF_ANOTHER and not where.startswith("was"):
            return "surplus"
        unwanted = where.startswith("was") or where == "waits, and its stock is gone"
        return "late" if unwanted else "accepted"
    if said == "approved" and where == "waits for its money":
        return "capture"
    return WITHOUT_MONEY[said]


@dataclass(frozen=True)
class Subject:
    """The payment that the provider speaks of, and its order."""

    names: Names
    payment: str

    def view(self, said: str) -> PaymentView:
        state, captured, refunded = ANSWERS[said]
        return PaymentView(
            payment_id=self.payment,
            provider_ref=f"pi_{self.payment}",
            capture_ref=f"ch_{self.payment}" if state is PaymentState.PAID else "",
            state=state,
            captured=captured,
            refunded=refunded,
            failure_code="card_declined" if state is PaymentState.FAILED else "",
        )


class Books:
    """A database of its own, with orders in it that stand anywhere."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._shop = Shop(sessions)

    async def order_that(self, where: str) -> Subject:
        """An order that stands there."""
        names: Names = await getattr(self._shop, ORDERS[where])()
        subject = Subject(names, names.payment)
        if where in OF_ANOTHER:
            subject = Subject(names, await self._another_payment(names))
        if "given up" in where:
            await self._sql("UPDATE payments SET given_up = true WHERE id = :id", id=names.payment)
        if where in {"waits, and its hold is gone", "waits, and its stock is gone"}:
            await self._expire_hold(names)
        if where == "waits, and its stock is gone":
            await self.adjust_stock(-await self.available())
        return subject

    async def hear(self, subject: Subject, view: PaymentView) -> Settled:
        """Put what the provider says into the books."""
        now = datetime.now(UTC)
        async with self._sessions.begin() as session:
            return await settle(session, view, now, now + timedelta(minutes=15))

    async def snapshot(self, names: Names) -> list[str]:
        """All rows of one order in these tables, but for when they were last looked at."""
        found: list[str] = []
        async with self._sessions() as session:
            for table, condition in TABLES.items():
                rows = await session.scalars(
                    text(f"SELECT to_jsonb(t) - 'updated_at' FROM {table} t WHERE {condition}"),  # noqa: S608 - our own names
                    {"order": names.order, "sku": SKU},
                )
                found += sorted(f"{table} {row}" for row in rows)
        return found

    async def assert_laws_hold(self) -> None:
        async with self._sessions() as session:
            report = await audit(session)
        assert not [violation for law in report.laws for violation in law.violations]

    async def order(self, names: Names) -> orders.OrderRow:
        async with self._sessions() as session:
            return await session.get_one(orders.OrderRow, names.order)

    async def payment(self, payment_id: str) -> payments.Payment:
        async with self._sessions() as session:
            return await session.get_one(payments.Payment, payment_id)

    async def available(self) -> int:
        async with self._sessions() as session:
            statement = text("SELECT coalesce(sum(available), 0) FROM inventory WHERE sku = :sku")
            return int(await session.scalar(statement, {"sku": SKU}) or 0)

    async def adjust_stock(self, by: int) -> None:
        """Goods are found, or missed, in the warehouses that have them."""
        async with self._sessions.begin() as session:
            for shelf in await inventory.lock_stock(session, [SKU]):
                delta = max(by, -shelf.available)
                by -= delta
                await session.execute(
                    text(
                        "UPDATE inventory SET total = total + :n, available = available + :n"
                        " WHERE sku = :sku AND warehouse_id = :at"
                    ),
                    {"n": delta, "sku": SKU, "at": shelf.warehouse_id},
                )
                await session.execute(
                    text(
                        "INSERT INTO stock_movements (at, warehouse_id, sku, reason,"
                        " delta_available, delta_reserved, reference)"
                        " VALUES (now(), :at, :sku, 'adjusted', :n, 0, :reference)"
                    ),
                    {"n": delta, "sku": SKU, "at": shelf.warehouse_id, "reference": uuid4().hex},
                )

    async def _expire_hold(self, names: Names) -> None:
        async with self._sessions.begin() as session:
            hold = await holds.live_hold(session, names.order)
            assert hold is not None
            await holds.move_hold(session, hold, HoldState.EXPIRED, datetime.now(UTC))

    async def _another_payment(self, names: Names) -> str:
        """A second attempt of the same order; of an order that has ended it is closed."""
        payment_id, now = encode_id(PAYMENT, uuid4()), datetime.now(UTC)
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, names.order)
            await payments.intend_payment(
                session,
                payment_id=payment_id,
                order_id=names.order,
                attempt=2,
                gateway="stripe",
                amount=PRICE,
                idempotency_key=f"{payment_id}:create:1",
                expires_at=now,
                at=now,
            )
            row = await payments.lock_payment(session, payment_id)
            row.provider_ref = f"pi_{payment_id}"
            ended = order.status in {"cancelled", "refunded"}
            row.state = payments.AttemptState.CLOSED if ended else payments.AttemptState.PENDING
            row.given_up = ended
        return payment_id

    async def _sql(self, statement: str, **values: object) -> None:
        async with self._sessions.begin() as session:
            await session.execute(text(statement), values)


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[Books]:
    engine = connect(await databases.copy(), 2)
    yield Books(session_factory(engine))
    await engine.dispose()


@pytest.fixture(autouse=True)
async def shelves_are_full(books: Books) -> None:
    await books.adjust_stock(max(0, 20 - await books.available()))


@pytest.mark.parametrize(("where", "said"), list(product(ORDERS, ANSWERS)))
async def test_whatever_a_provider_says_of_an_order_that(
    books: Books, where: str, said: str
) -> None:
    subject = await books.order_that(where)

    settled = await books.hear(subject, subject.view(said))

    assert settled.settlement == wanted(where, said)
    await books.assert_laws_hold()
    before = await books.snapshot(subject.names)
    assert (await books.hear(subject, subject.view(said))).settlement == settled.settlement
    assert await books.snapshot(subject.names) == before


async def test_money_on_its_way_back_does_not_pay_when_the_stock_returns(books: Books) -> None:
    subject = await books.order_that("waits, and its stock is gone")
    assert (await books.hear(subject, subject.view("paid"))).settlement == "late"
    await books.adjust_stock(20)

    settled = await books.hear(subject, subject.view("paid"))

    assert settled.settlement == "late"
    assert (await books.order(subject.names)).status == "pending"
    assert (await books.payment(subject.payment)).surplus
    await books.assert_laws_hold()


async def test_money_that_went_back_and_comes_again_does_not_pay(books: Books) -> None:
    """Somebody gave it back in the dashboard, and the bank returned it."""
    subject = await books.order_that("waits for its money")
    back = RefundView(
        refund_id="",
        provider_ref=f"re_{subject.payment}",
        state=RefundState.SUCCEEDED,
        amount=PRICE,
    )
    gone = subject.view("given back").model_copy(update={"refunds": (back,)})
    assert (await books.hear(subject, gone)).settlement == "returned"
    failed = back.model_copy(update={"state": RefundState.FAILED})

    settled = await books.hear(
        subject, subject.view("paid").model_copy(update={"refunds": (failed,)})
    )

    assert settled.settlement == "late"
    order = await books.order(subject.names)
    assert (order.status, order.kept_minor) == ("pending", PRICE.minor)
    await books.assert_laws_hold()
