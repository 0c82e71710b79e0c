"""Goods, and orders that want them, put straight into the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from activities.inventory import ReceiveStock, Stock
from activities.reserving import StockReserved
from db import orders, payments
from db.audit import CHECKS, audit
from db.engine import Sessions
from db.laws.check import Check
from domain.ids import HOLD, ORDER, PAYMENT, encode_id
from domain.money import Money
from domain.order import CustomerInfo, Order, OrderLine, Pricing
from domain.payment import PaymentState, PaymentView
from tests.db.reservations import now, reservation

PRICE = Money.of("129.00", "CNY")
NOTHING = Money.zero("CNY")
SKU, OTHER_SKU = "RACE-1", "RACE-2"

_PRODUCT = text(
    "INSERT INTO products (id, sku, name_zh, name_en, price_minor, currency, active,"
    " max_per_order, weight_g, length_mm, width_mm, height_mm, fragile)"
    " VALUES (:sku, :sku, '', '', 12900, 'CNY', true, 1000, 1, 1, 1, 1, false)"
    " ON CONFLICT DO NOTHING"
)
_SHELF = text(
    "INSERT INTO inventory (warehouse_id, sku, total, available, reorder_point)"
    " VALUES (:warehouse, :sku, 0, 0, 0)"
)
_COPIES = (
    text(
        "INSERT INTO orders SELECT copy.* FROM orders, unnest(CAST(:copies AS text[])) AS copy_id,"
        " jsonb_populate_record(orders, jsonb_build_object('id', copy_id, 'order_number', copy_id))"
        " AS copy WHERE orders.id = :first"
    ),
    text(
        "INSERT INTO order_items SELECT copy.* FROM order_items AS item,"
        " unnest(CAST(:copies AS text[])) AS copy_id,"
        " jsonb_populate_record(item, jsonb_build_object('order_id', copy_id)) AS copy"
        " WHERE item.order_id = :first"
    ),
)
_COUNTERS = text(
    "SELECT sum(total) AS total, sum(available) AS available, sum(reserved) AS reserved"
    " FROM inventory WHERE sku = :sku"
)


async def put_on_the_shelf(
    sessions: Sessions, sku: str, units: int, warehouse: str = "WH-HZ"
) -> None:
    """A place for a product, new if need be, and so many units on it."""
    async with sessions.begin() as session:
        await session.execute(_PRODUCT, {"sku": sku})
        await session.execute(_SHELF, {"sku": sku, "warehouse": warehouse})
    if units:
        receipt = ReceiveStock(
            receipt_id=uuid4().hex, warehouse_id=warehouse, sku=sku, quantity=units, at=now()
        )
        await Stock(sessions).receive_stock(receipt)


async def insert_order(sessions: Sessions, *skus: str, quantity: int = 1) -> str:
    """An order for so many of each of these products."""
    (order_id,) = await insert_orders(sessions, [skus], quantity)
    return order_id


async def insert_orders(
    sessions: Sessions, wishes: Sequence[Sequence[str]], quantity: int = 1
) -> list[str]:
    """An order for each of `wishes`, many of them quickly: equal ones are copies of the first."""
    numbers: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, skus in enumerate(wishes):
        numbers[tuple(skus)].append(number)
    order_ids = [encode_id(ORDER, uuid4()) for _ in wishes]
    async with sessions.begin() as session:
        for skus, same in numbers.items():
            first, *copies = (order_ids[number] for number in same)
            await orders.insert_order(session, _order(first, skus, quantity), fingerprint="")
            for statement in _COPIES:
                await session.execute(statement, {"first": first, "copies": copies})
    return order_ids


def _order(order_id: str, skus: Sequence[str], quantity: int) -> Order:
    total = PRICE * quantity * len(skus)
    return Order(
        order_id=order_id,
        order_number=order_id,
        customer_id="C-1",
        customer_info=CustomerInfo(name="李薇", email="li.wei@example.com"),
        items=tuple(
            OrderLine(
                line_no=number,
                product_id=sku,
                sku=sku,
                name=sku,
                quantity=quantity,
                unit_price=PRICE,
                total_price=PRICE * quantity,
            )
            for number, sku in enumerate(skus, 1)
        ),
        pricing=Pricing(
            subtotal=total, shipping=NOTHING, tax=NOTHING, discount=NOTHING, total=total
        ),
        gateway="stripe",
        created_at=now(),
    )


async def reserve(stock: Stock, order_id: str) -> bool:
    """Whether the order has got its goods."""
    reserved = await stock.reserve_stock(reservation(order_id, encode_id(HOLD, uuid4())))
    return isinstance(reserved.result, StockReserved)


async def ask_for_payment(sessions: Sessions, order_id: str, amount: Money = PRICE) -> PaymentView:
    """What the provider will say when the order's payment has been made."""
    payment_id = encode_id(PAYMENT, uuid4())
    async with sessions.begin() as session:
        await payments.intend_payment(
            session,
            payment_id=payment_id,
            order_id=order_id,
            attempt=1,
            gateway="stripe",
            amount=amount,
            idempotency_key=payment_id,
            expires_at=now() + timedelta(minutes=15),
            at=now(),
        )
        row = await payments.lock_payment(session, payment_id)
        row.provider_ref, row.state = f"pi_{payment_id}", payments.AttemptState.PENDING
    return PaymentView(
        payment_id=payment_id,
        provider_ref=f"pi_{payment_id}",
        state=PaymentState.PAID,
        captured=amount,
        refunded=NOTHING,
    )


async def counters(sessions: Sessions, sku: str = SKU) -> tuple[int, int, int]:
    """Total, available and reserved of one product in all warehouses."""
    async with sessions() as session:
        row = (await session.execute(_COUNTERS, {"sku": sku})).one()
    return row.total, row.available, row.reserved


async def broken_laws(sessions: Sessions, checks: Sequence[Check] = CHECKS) -> list[str]:
    """What the audit says."""
    async with sessions() as session:
        report = await audit(session, checks)
    return [violation for law in report.laws for violation in law.violations]


async def assert_laws_hold(sessions: Sessions) -> None:
    assert await broken_laws(sessions) == []
